package ekfac

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// leastMemory is what the largest sum of a fit needs with all that waits in a file.
func leastMemory(t *testing.T, f *fit) (bytes int64) {
	t.Helper()
	jobs := correctionJobs[float32](f)
	if f.Method == KFAC {
		jobs = covarianceJobs[float32](f)
	}
	for _, j := range jobs {
		bytes = max(bytes, j.buffers+j.tree.matrix)
	}
	return bytes
}

// TestSpill fits within the least memory, in several passes and with sums that wait in
// files, interrupted again and again: the plan says so, and the bytes are those of a fit
// with memory for all.
func TestSpill(t *testing.T) {
	c := draw(t, aModel(), 700, 8, 0)
	for _, method := range []Strategy{KFAC, EKFAC, Diagonal} {
		whole := filepath.Join(t.TempDir(), "whole")
		f, err := FitFolder(t.Context(), c, whole, FitOptions{Method: method})
		require.NoError(t, err)
		require.NoError(t, f.Close())
		p, err := PlanFit(t.Context(), c, FitOptions{Method: method})
		require.NoError(t, err)
		require.Zero(t, p.ScratchBytes)
		require.Empty(t, p.Warnings)
		require.Equal(t, map[Strategy]int{KFAC: 1, EKFAC: 2, Diagonal: 1}[method], p.Passes[0].Times)

		tmp := t.TempDir()
		o := FitOptions{Method: method, Tmp: tmp, Workers: 2}
		parts, err := newFit(t.Context(), c, o)
		require.NoError(t, err)
		o.Memory = leastMemory(t, parts)
		p, err = PlanFit(t.Context(), c, o)
		require.NoError(t, err)
		require.Positive(t, p.ScratchBytes)
		require.LessOrEqual(t, p.MemoryBytes, o.Memory)
		require.Contains(t, p.Warnings[0], "does not fit into memory: sums of its rows wait in a temporary file")
		require.Contains(t, p.Warnings[len(p.Warnings)-1], "passes over the rows of their modules")
		require.Greater(t, p.Passes[0].Times, 2)

		dir := filepath.Join(t.TempDir(), "spilled")
		for steps := int64(2); !fitFor(t, c, dir, o, steps); steps += 3 {
		}
		require.Equal(t, files(t, whole), files(t, dir))
		entries, err := os.ReadDir(tmp)
		require.NoError(t, err)
		require.Empty(t, entries)

		o.Memory--
		_, err = FitFolder(t.Context(), c, filepath.Join(t.TempDir(), "less"), o)
		require.ErrorContains(t, err, "raise the limit of memory")
		o.Memory++
		o.Tmp = filepath.Join(tmp, "none")
		_, err = FitFolder(t.Context(), c, filepath.Join(t.TempDir(), "nowhere"), o)
		require.ErrorContains(t, err, "scratch file of sums")
	}
}
