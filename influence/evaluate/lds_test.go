package evaluate

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/internal/goldentest"
)

// matrix reads a golden array of two dimensions.
func matrix(t *testing.T, name string) [][]float64 {
	a, err := goldentest.NPY(filepath.Join(goldentest.Dir(t, "neural"), "softmax_exact", "expected", name+".npy"))
	require.NoError(t, err)
	rows := make([][]float64, a.Shape[0])
	width := len(a.Data) / len(rows)
	for i := range rows {
		rows[i] = a.Data[i*width : (i+1)*width]
	}
	return rows
}

// TestGoldenLDS compares with the values that SciPy gives for retrained subsets.
func TestGoldenLDS(t *testing.T) {
	masks := make([][]bool, 0, 64)
	for _, row := range matrix(t, "lds_masks") {
		mask := make([]bool, len(row))
		for i, v := range row {
			mask[i] = v == 1
		}
		masks = append(masks, mask)
	}
	losses := matrix(t, "lds_losses")
	for name, mean := range map[string]float64{
		"influence_exact": 0.9715590659340659, "influence_empirical_fisher_dense": 0.9197710622710623, "datainf_mu": 0.6505723443223442,
		"pairwise_identity_mu": 0.641643772893773, "pairwise_ekfac_type2_mu": 0.922893772893773,
	} {
		var predictions [][]float64
		for _, scores := range matrix(t, name) {
			p, err := Predict(masks, scores)
			require.NoError(t, err)
			predictions = append(predictions, p)
		}
		got, err := LDS(predictions, [][][]float64{losses}, LDSOptions{Bootstrap: 200})
		require.NoError(t, err)
		for e, want := range matrix(t, "lds_"+name) {
			require.InDelta(t, want[0], got.PerQuery[e], 1e-9, "%s, query %d", name, e)
		}
		require.InDelta(t, mean, got.Mean, 1e-12, name)
		require.Less(t, got.Low, got.Mean)
		require.Greater(t, got.High, got.Mean, name)
		require.Less(t, got.High-got.Low, 0.2, name)
		require.True(t, math.IsNaN(got.SplitHalf) && math.IsNaN(got.Ceiling), "one repeat has no noise to tell")
	}
}

// TestGoldenLeaveOneOut compares with what the golden's own script found.
func TestGoldenLeaveOneOut(t *testing.T) {
	estimates := matrix(t, "influence_exact")
	for _, row := range estimates {
		for i := range row {
			row[i] /= 200
		}
	}
	got, err := LeaveOneOut(estimates, matrix(t, "loo_loss_change"))
	require.NoError(t, err)
	require.InDelta(t, 0.9938658916720127, got.Pooled, 1e-12)
	require.InDelta(t, 1.3490166927348803, got.Slope, 1e-12)
	require.InDelta(t, 0.9976857421435537, got.Spearman, 1e-12)
	require.InDelta(t, 0.9964682802079995, got.Pearson, 1e-12, "numpy's corrcoef of each query")
	require.Zero(t, got.Undefined)
}

// TestCeilingOfKnownNoise: losses are a signal of variance 1 and noise of variance 1 in
// each repeat, so that halves of four repeats correlate by 2/3 and a perfect score
// with the mean by √(4/5).
func TestCeilingOfKnownNoise(t *testing.T) {
	const q, m, repeats = 4, 2000, 4
	random := rand.New(rand.NewPCG(3, 4))
	predictions, losses := make([][]float64, q), make([][][]float64, repeats)
	for e := range q {
		for range m {
			predictions[e] = append(predictions[e], random.NormFloat64())
		}
	}
	for s := range losses {
		for j := range m {
			row := make([]float64, q)
			for e := range row {
				row[e] = predictions[e][j] + random.NormFloat64()
			}
			losses[s] = append(losses[s], row)
		}
	}
	got, err := LDS(predictions, losses, LDSOptions{})
	require.NoError(t, err)
	require.InDelta(t, 0.65, got.SplitHalf, 0.02, "ranks correlate a little less than normal numbers: 6/π·asin(ρ/2)")
	require.InDelta(t, math.Sqrt(0.8), got.Ceiling, 0.02)
	require.InDelta(t, got.Mean, got.Ceiling, 0.02, "the ceiling is what perfect scores reach")
	require.True(t, math.IsNaN(got.Low))
}

func TestLDSRefuses(t *testing.T) {
	for _, c := range []struct {
		predictions [][]float64
		losses      [][][]float64
	}{
		{nil, nil}, {[][]float64{{1}}, [][][]float64{{}}},
		{[][]float64{{1, 2}}, [][][]float64{{{1}}}},
		{[][]float64{{1}}, [][][]float64{{{1, 2}}}},
		{[][]float64{{1}}, [][][]float64{{{1}}, {{1}, {1}}}},
	} {
		_, err := LDS(c.predictions, c.losses, LDSOptions{})
		require.Error(t, err, "%v", c)
	}
	_, err := Predict([][]bool{{true}}, []float64{1, 2})
	require.Error(t, err)
	got, err := LDS([][]float64{{1, 2}, {1, 1}}, [][][]float64{{{1, 1}, {2, 2}}}, LDSOptions{})
	require.NoError(t, err)
	require.InDelta(t, 1, got.Mean, 1e-15)
	require.Equal(t, 1, got.Undefined, "equal predictions correlate with nothing")
}

func TestDrawSubsets(t *testing.T) {
	masks, err := DrawSubsets(40, 20, 0.3, 9)
	require.NoError(t, err)
	for _, mask := range masks {
		n := 0
		for _, in := range mask {
			if in {
				n++
			}
		}
		require.Equal(t, 12, n)
	}
	head, err := DrawSubsets(40, 10, 0.3, 9)
	require.NoError(t, err)
	require.Equal(t, masks[:10], head, "a subset does not depend on how many there are")
	for _, bad := range []float64{0, 1, -1, 2, math.NaN(), 0.01} {
		_, err := DrawSubsets(10, 1, bad, 0)
		require.Error(t, err, "%v", bad)
	}
	_, err = DrawSubsets(10, 0, 0.5, 0)
	require.Error(t, err)
	require.NotEqual(t, masks[0], masks[1])
	require.NotEqual(t, Shuffled(100, 4), Shuffled(100, 3))
	require.Equal(t, Shuffled(100, 3), Shuffled(100, 3))
}
