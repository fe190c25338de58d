package ekfac

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
)

// TestSweepIsEachDampingAlone compares the scores of a sweep with those of single
// dampings, in slabs of queries and in one.
func TestSweepIsEachDampingAlone(t *testing.T) {
	const out, in, n, q = 3, 2, 5, 70
	r := rand.New(rand.NewPCG(5, 5))
	f, _ := randomFactors(t, r, out, in)
	vectors := func(rows int) []influence.Vectors {
		x := make([]float64, rows*out*in)
		for i := range x {
			x[i] = r.NormFloat64()
		}
		v, err := influence.VectorsOf(x, out*in)
		require.NoError(t, err)
		return []influence.Vectors{v}
	}
	c := influence.Checkpoint{Train: vectors(n), Query: vectors(q)}
	dampings := []influence.Damping{{Heuristic: true}, {Value: 0.5}, {Value: 2}}
	job := influence.Job{Train: influence.RowRange(0, n), Query: influence.RowRange(0, q), Precision: influence.Float64}
	for _, memory := range []int64{0, 1} {
		o := ScoreOptions{CurvatureOptions: influence.CurvatureOptions{ProductOptions: influence.ProductOptions{MemoryBytes: memory}}}
		s, err := Sweep(f, c, []string{"m"}, dampings, o)
		require.NoError(t, err)
		all, err := sink.Dense(t.Context(), s, job)
		require.NoError(t, err)
		for k, d := range dampings {
			o.Damping = d
			s, err := Scores(f, c, []string{"m"}, o)
			require.NoError(t, err)
			one, err := sink.Dense(t.Context(), s, job)
			require.NoError(t, err)
			for e := range int64(q) {
				require.Equal(t, int32(k), all.Layout.Output[e*3+int64(k)])
				for i := range int64(n) {
					require.InDelta(t, one.At(e, i), all.At(e*3+int64(k), i), 1e-12*max(1, one.At(e, i)))
				}
			}
		}
	}
}
