package ekfac

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// TestEigenbasesGiveTheSameScores compares scores and self-influence in the eigenbases
// with those through the inverse, of which there are fewer queries than the rotation of
// rows pays for in one case.
func TestEigenbasesGiveTheSameScores(t *testing.T) {
	const out, in, n = 3, 4, 10 // in with the 1 of a bias
	r := rand.New(rand.NewPCG(6, 6))
	f, _ := randomFactors(t, r, out, in)
	rows := func(rows, cols int) influence.Vectors {
		v, err := influence.VectorsOf(normalMatrix(r, rows, cols).Data, cols)
		require.NoError(t, err)
		return v
	}
	outer := func(n int) []influence.Vectors {
		v, err := influence.Outer(rows(n, in-1), rows(n, out), true, dataset.Float64)
		require.NoError(t, err)
		return []influence.Vectors{v}
	}
	train := outer(n)
	for q, there := range map[int]bool{0: true, 1: false, 40: true} {
		c := influence.Checkpoint{Train: train}
		j := influence.Job{Train: influence.RowRange(0, n), Self: q == 0, Precision: influence.Float64}
		if q > 0 {
			c.Query, j.Query = outer(q), influence.RowRange(0, int64(q))
		}
		var scores [2]sink.Matrix
		for k, directed := range []bool{false, true} {
			s, err := Scores(f, c, []string{"m"}, ScoreOptions{Directed: directed, CurvatureOptions: influence.CurvatureOptions{Damping: influence.Damping{Value: 0.3}}})
			require.NoError(t, err)
			scores[k], err = sink.Dense(t.Context(), s, j)
			require.NoError(t, err)
		}
		found, o, err := inversesOf(f, c, []string{"m"}, ScoreOptions{})
		require.NoError(t, err)
		inverses := []influence.Inverse{found[0]}
		inEigenbases(c, inverses, o.Workers)
		_, is := inverses[0].(influence.DiagonalInverse)
		require.Equal(t, there, is)
		for e := range scores[1].Layout.Query {
			for i := range int64(n) {
				require.InDelta(t, scores[1].At(e, i), scores[0].At(e, i), 1e-11)
			}
		}
	}
}
