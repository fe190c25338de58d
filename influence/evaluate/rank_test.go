package evaluate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Values with ties, and what SciPy 1.17.1 (spearmanr, pearsonr, rankdata) and
// scikit-learn 1.9.1 (roc_auc_score, average_precision_score) say of them.
var (
	someX     = []float64{3, 1, 4, 1, 5, 9, 2, 6, 5, 3}
	someY     = []float64{2, 7, 1, 8, 2, 8, 1, 8, 2, 8}
	someWrong = []bool{true, false, true, false, false, true, false, true, true, false}
)

func TestCorrelationsAreThoseOfSciPy(t *testing.T) {
	require.Equal(t, []float64{4.5, 1.5, 6, 1.5, 7.5, 10, 3, 9, 7.5, 4.5}, Ranks(someX))
	s, err := Spearman(someX, someY)
	require.NoError(t, err)
	require.InDelta(t, 0.13471506281091267, s, 1e-15)
	p, err := Pearson(someX, someY)
	require.NoError(t, err)
	require.InDelta(t, 0.10492284287735881, p, 1e-15)
}

func TestCorrelationsThatAreNotDefined(t *testing.T) {
	for _, c := range [][2][]float64{
		{{}, {}}, {{1}, {2}}, {{1, 2, 3}, {5, 5, 5}},
		{{0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, someX}, // their mean is not 0.1
		{{1, math.NaN(), 3}, {1, 2, 3}},
	} {
		p, err := Pearson(c[0], c[1])
		require.NoError(t, err)
		require.True(t, math.IsNaN(p), "%v", c)
		s, err := Spearman(c[0], c[1])
		require.NoError(t, err)
		require.True(t, math.IsNaN(s), "%v", c)
	}
	s, err := Spearman([]float64{math.Inf(-1), 0, math.Inf(1)}, []float64{1, 2, 3})
	require.NoError(t, err)
	require.InDelta(t, 1, s, 1e-15, "infinite numbers have ranks")
	_, err = Spearman([]float64{1}, nil)
	require.Error(t, err)
}

// TestRanksOfASample compares ranks by weight with those of the sample itself.
func TestRanksOfASample(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		weight := make([]float64, len(someX))
		var x, y []float64
		for range 12 {
			i := random.IntN(len(someX))
			weight[i]++
			x, y = append(x, someX[i]), append(y, someY[i])
		}
		want, err := Spearman(x, y)
		require.NoError(t, err)
		require.InDelta(t, want, rankCorrelation(rank(someX), rank(someY), weight), 1e-14)
	}
}
