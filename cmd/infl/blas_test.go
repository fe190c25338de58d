//go:build blas

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRunsWithBLASAreMarked looks at what a build with the tag says of its runs.
func TestRunsWithBLASAreMarked(t *testing.T) {
	code, out, stderr := call("version", "--json", "blas")
	require.Zero(t, code, stderr)
	var version struct{ Blas string }
	require.NoError(t, json.Unmarshal([]byte(out), &version))
	if version.Blas == "none" {
		t.Skip("no BLAS of the system")
	}
	t.Chdir(ladder{rows: 200, trees: 2, rungs: 4, queries: 3}.write(t))
	code, _, stderr = call(ladderScore("run")...)
	require.Zero(t, code, stderr)
	require.Contains(t, stderr, "note: large matrix products are computed by "+version.Blas)
	text, err := os.ReadFile(filepath.Join("run", "run.json"))
	require.NoError(t, err)
	var record struct {
		Versions map[string]string
		Warnings []string
	}
	require.NoError(t, json.Unmarshal(text, &record))
	require.Equal(t, version.Blas, record.Versions["blas"])
	require.Contains(t, record.Warnings[0], "another machine or number of threads may give other digits")
}
