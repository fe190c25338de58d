package app

import (
	"fmt"
	"os"
	"sync"

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
