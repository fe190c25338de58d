package app

import (
	"fmt"
	"slices"

	"github.com/infl-dev/infl/influence/sink"
)

// talking is what every inquiry has: somebody to talk to, and what was unusual so
// far.
type talking struct {
	common   *Common
	blas     string // library of the system that computes products, or ""
	warnings []string
}

// warn records a warning and says it once.
func (t *talking) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if slices.Contains(t.warnings, text) {
		return
	}
	t.warnings = append(t.warnings, text)
	t.common.say("note: %s", text)
}

// notes returns the warnings so far.
func (t *talking) notes() []string { return t.warnings }

// openBLAS warns of results that another machine cannot reproduce.
func (t *talking) openBLAS() (err error) {
	t.blas, err = SystemBLAS()
	if t.blas != "" {
		t.warn("large matrix products are computed by %s: another machine or number of threads may give other digits", t.blas)
	}
	return err
}

// versions are what identifies a run beside its configuration and inputs.
func (t *talking) versions() map[string]string {
	v := map[string]string{"infl": t.common.Version, "schema": fmt.Sprint(sink.Schema)}
	if t.blas != "" {
		v["blas"] = t.blas
	}
	return v
}
