package ekfac

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/capture"
)

// files returns the content of a folder by name.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	out := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(b)
	}
	return out
}

// TestSameBytes fits the same examples from other shards, with other workers and limits
// of memory.
func TestSameBytes(t *testing.T) {
	m := aModel()
	want := map[Strategy]map[string]string{}
	for i, x := range []struct {
		shardBytes, memory int64
		workers            int
	}{{0, 0, 1}, {5_000, 0, 3}, {100_000, 27_000_000, 2}} {
		c := draw(t, m, 4500, 8, x.shardBytes)
		for _, method := range []Strategy{EKFAC, Diagonal} {
			o := FitOptions{Method: method, Memory: x.memory, Workers: x.workers}
			dir := filepath.Join(t.TempDir(), "factors")
			f, err := FitFolder(t.Context(), c, dir, o)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			if i == 0 {
				want[method] = files(t, dir)
				require.Len(t, want[method], map[Strategy]int{EKFAC: 11, Diagonal: 3}[method])
				memory, err := Fit(t.Context(), c, o)
				require.NoError(t, err)
				other := filepath.Join(t.TempDir(), "written")
				require.NoError(t, memory.Write(t.Context(), other))
				require.Equal(t, want[method], files(t, other))
				continue
			}
			for name, content := range files(t, dir) {
				require.True(t, want[method][name] == content, "%s of fit %d differs", name, i)
			}
		}
	}
}

// fitFor continues a fit until some steps of progress are done, and reports whether it is
// finished.
func fitFor(t *testing.T, c *capture.Capture, dir string, o FitOptions, steps int64) (finished bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var done atomic.Int64 // Factors are decomposed beside each other.
	o.Progress = func(int64) {
		if done.Add(1) == steps {
			cancel()
		}
	}
	f, err := FitFolder(ctx, c, dir, o)
	if err != nil {
		require.ErrorIs(t, err, context.Canceled)
		return false
	}
	require.NoError(t, f.Close())
	return true
}

// TestResume interrupts a fit again and again, each time after a little more of it.
func TestResume(t *testing.T) {
	c := draw(t, aModel(), 200, 12, 0)
	o := FitOptions{Memory: 26_000_000, Workers: 2}
	whole := filepath.Join(t.TempDir(), "whole")
	f, err := FitFolder(t.Context(), c, whole, o)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	dir := filepath.Join(t.TempDir(), "interrupted")
	interrupted := 0
	for steps := int64(1); !fitFor(t, c, dir, o, steps); steps++ {
		require.NoFileExists(t, filepath.Join(dir, headName))
		if interrupted++; interrupted == 2 { // A matrix whose bytes were lost is made again.
			require.NoError(t, os.Truncate(filepath.Join(dir, inputCovariance+".safetensors.tmp"), 5000))
		}
	}
	require.Greater(t, interrupted, 3)
	require.Equal(t, files(t, whole), files(t, dir))

	// Files may have their names already when the head does not.
	require.NoError(t, os.Remove(filepath.Join(dir, headName)))
	f, err = FitFolder(t.Context(), c, dir, o)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Equal(t, files(t, whole), files(t, dir))

	// What is there is not made again, and nothing else is put into its place. The journal
	// may have outlived it.
	require.NoError(t, os.WriteFile(filepath.Join(dir, journalName), []byte("\n"), 0o666))
	o.Progress = func(int64) { t.Error("a finished fit is done again") }
	f, err = FitFolder(t.Context(), c, dir, o)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Equal(t, files(t, whole), files(t, dir))
	o.Blocks = 2
	_, err = FitFolder(t.Context(), c, dir, o)
	require.ErrorContains(t, err, "holds the factors of another capture, or fitted in another way")
	dir = filepath.Join(t.TempDir(), "begun")
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(int64) { cancel() }
	_, err = FitFolder(ctx, c, dir, o)
	require.ErrorIs(t, err, context.Canceled)
	o.Blocks = 1
	_, err = FitFolder(t.Context(), c, dir, o)
	require.ErrorContains(t, err, "holds unfinished factors of another capture, or fitted in another way")
}
