package app

import (
	"fmt"
	"os"
	"sync"

	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/blas"
	"github.com/infl-dev/infl/internal/kernel"
)

// SystemBLAS has large products of matrices computed by a BLAS of the system, in
// builds with the tag blas, and returns its name; "" means that there is none. It is
// the library that INFL_BLAS names, or one of the usual names; INFL_BLAS=off asks for
// none.
var SystemBLAS = sync.OnceValues(func() (string, error) {
	asked := os.Getenv("INFL_BLAS")
	if asked == "off" {
		return "", nil
	}
	library, err := blas.Open(asked)
	switch {
	case err == nil:
		kernel.UseSubstitute(library)
		return library.Name(), nil
	case asked == "":
		return "", nil
	}
	return "", fmt.Errorf("INFL_BLAS=%s: %w", asked, err)
})

// openBLAS warns of results that another machine cannot reproduce.
func (s *session) openBLAS() (err error) {
	s.blas, err = SystemBLAS()
	if s.blas != "" {
		s.warn("large matrix products are computed by %s: another machine or number of threads may give other digits", s.blas)
	}
	return err
}

// versions are what identifies a run beside its configuration and inputs.
func (s *session) versions(infl string) map[string]string {
	v := map[string]string{"infl": infl, "schema": fmt.Sprint(sink.Schema), s.forest.Library: s.forest.Version}
	if s.blas != "" {
		v["blas"] = s.blas
	}
	return v
}
