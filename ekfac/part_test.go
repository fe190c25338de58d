package ekfac

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestParts fits in parts that cut groups of examples anywhere, for examples of one row
// and of several.
func TestParts(t *testing.T) {
	c := draw(t, aModel(), 9000, 6, 0)
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	plain := FitOptions{Method: KFAC}
	parts := func(o FitOptions, cuts ...int64) (dirs []string) {
		for i := range len(cuts) - 1 {
			dir := t.TempDir()
			require.NoError(t, FitPart(t.Context(), c, dir, cuts[i], cuts[i+1], o))
			dirs = append(dirs, dir)
		}
		return dirs
	}
	for _, method := range []Strategy{KFAC, EKFAC, Diagonal} {
		f, err := FitFolder(t.Context(), c, at(string(method)), FitOptions{Method: method})
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	for i, cuts := range [][]int64{{0, 1000, 5000, 5001, 9000}, {0, 4096, 8192, 9000}, {70, 8999}, {0, 0, 9000}} {
		name := at("parts" + string(rune('a'+i)))
		o := plain
		o.Parts = parts(plain, cuts...)
		if i == 0 { // in any order, and each of them may be lost
			o.Parts[0], o.Parts[3] = o.Parts[3], o.Parts[0]
			require.NoError(t, os.RemoveAll(o.Parts[1]))
		}
		basis, err := FitFolder(t.Context(), c, name, o)
		require.NoError(t, err)
		require.Equal(t, files(t, at("kfac")), files(t, name))

		o = FitOptions{Basis: basis}
		o.Parts = parts(o, cuts...)
		f, err := FitFolder(t.Context(), c, name+"2", o)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, files(t, at("ekfac")), files(t, name+"2"))

		o = FitOptions{Method: Diagonal}
		o.Parts = parts(o, cuts...)
		f, err = FitFolder(t.Context(), c, name+"3", o)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, files(t, at("diagonal")), files(t, name+"3"))
		require.NoError(t, basis.Close())
	}

	twice := parts(plain, 0, 9000)
	_, err := Fit(t.Context(), c, FitOptions{Method: KFAC, Parts: []string{twice[0], twice[0]}})
	require.ErrorContains(t, err, "or is there twice")
	_, err = Fit(t.Context(), c, FitOptions{Method: KFAC, Parts: twice, Blocks: 2})
	require.ErrorContains(t, err, "is part of the fit of another capture, or in another way")
	require.ErrorContains(t, FitPart(t.Context(), c, t.TempDir(), 0, 9000, FitOptions{}), "eigenbases that are given as the basis")
	require.ErrorContains(t, FitPart(t.Context(), c, t.TempDir(), 5, 9001, plain), "examples 5 to 9001 of 9000 do not exist")
	_, err = Fit(t.Context(), c, FitOptions{Basis: &Factors{head: head{Method: KFAC}}})
	require.ErrorContains(t, err, "the basis was fitted to another capture")
}
