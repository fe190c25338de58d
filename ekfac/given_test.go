package ekfac

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/capture"
)

// drawBoth draws the same examples at level rows and at level factors.
func drawBoth(t *testing.T, dtype string) (rows, sums *capture.Capture) {
	t.Helper()
	m := aModel()
	m.Dtype, m.Modules, m.InputGroups = dtype, m.Modules[1:], m.InputGroups[1:]
	rows = draw(t, m, 300, 12, 0)
	m.Level = capture.Factors
	sums = draw(t, m, 300, 12, 1)
	require.Greater(t, len(sums.Manifest().Shards), 1)
	return rows, sums
}

// TestFactorsOfSums compares factors of what the training program summed with those of the
// rows themselves, and corrects eigenvalues in their eigenbases.
func TestFactorsOfSums(t *testing.T) {
	for dtype, tolerance := range map[string]float64{"F64": 1e-12, "F32": 5e-6} {
		rows, sums := drawBoth(t, dtype)
		for _, blocks := range []int{1, 2} {
			o := FitOptions{Method: KFAC, Blocks: blocks}
			want, err := Fit(t.Context(), rows, o)
			require.NoError(t, err)
			dir := filepath.Join(t.TempDir(), "kfac")
			got, err := FitFolder(t.Context(), sums, dir, o)
			require.NoError(t, err)
			for i, m := range want.Modules() {
				require.Equal(t, [2]int64{m.Rows, m.Examples}, [2]int64{got.Modules()[i].Rows, got.Modules()[i].Examples})
				for _, x := range factorsOf(want.Modules()) {
					a, err := want.tensors.matrix(x.covariance, x.key)
					require.NoError(t, err)
					b, err := got.tensors.matrix(x.covariance, x.key)
					require.NoError(t, err)
					assertClose(t, a.Data, b.Data, tolerance)
				}
			}
			assertClose(t, scores(t, want, KFAC, Exact, 0.1, rows, rows), scores(t, got, KFAC, Exact, 0.1, rows, rows), 100*tolerance)

			got.head.Left = []string{"an embedding"}
			corrected, err := Fit(t.Context(), rows, FitOptions{Basis: got, Blocks: blocks})
			require.NoError(t, err)
			whole, err := Fit(t.Context(), rows, FitOptions{Blocks: blocks})
			require.NoError(t, err)
			assertClose(t, scores(t, whole, EKFAC, Exact, 0.1, rows, rows), scores(t, corrected, EKFAC, Exact, 0.1, rows, rows), 100*tolerance)

			again, err := FitFolder(t.Context(), sums, dir, o)
			require.NoError(t, err)
			require.NoError(t, again.Close())
			require.NoError(t, got.Close())
		}
	}
}

// TestSumsCannotTell what needs rows.
func TestSumsCannotTell(t *testing.T) {
	rows, sums := drawBoth(t, "F32")
	for want, o := range map[string]FitOptions{
		"holds covariances alone; fit kfac of it":                                        {},
		"holds no gradients of examples; diagonal needs level rows, last_layer or grads": {Method: Diagonal},
		"was summed row by row":                                                          {Method: KFAC, Sharing: Reduce},
		"and exact labels need level rows":                                               {Method: KFAC, Labels: ExactLabels},
		"was summed over all of its 300 examples":                                        {Method: KFAC, RowsMax: 299},
	} {
		_, err := Fit(t.Context(), sums, o)
		require.ErrorContains(t, err, sums.Dir()+": is a capture of level factors, which ")
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, FitPart(t.Context(), sums, t.TempDir(), 0, 100, FitOptions{Method: KFAC}), "there are no parts of them")
	basis, err := FitFolder(t.Context(), sums, filepath.Join(t.TempDir(), "kfac"), FitOptions{Method: KFAC})
	require.NoError(t, err)
	_, err = Fit(t.Context(), rows, FitOptions{Basis: basis, RowsMax: 200})
	require.ErrorContains(t, err, "the basis was fitted to another capture, or in another way")
	require.NoError(t, basis.Close())
}
