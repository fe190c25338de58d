package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRun: the row with the wrong label is the one that harms.
func TestRun(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), t.TempDir(), &out))
	require.Contains(t, out.String(), "harmful: train row 7, score -")
	require.Contains(t, out.String(), "helpful: train row ")
}
