package influence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/influencetest"
)

// TestLayersHaveScoresOfTheirOwn compares each layer's scores with loops, for few queries
// and for more than a part of the memory holds.
func TestLayersHaveScoresOfTheirOwn(t *testing.T) {
	const n, lambda = 60, 0.3
	for _, q := range []int{7, 80} {
		l := randomLayers(n, q)
		cs := l.checkpoints(t, dataset.Float64, dataset.Float32)
		traced, dots, inverted := make([][]float64, 2*q), make([][]float64, 2*q), make([][]float64, 2*q)
		for e := range 2 * q {
			layer := e % 2
			for i := range n {
				sum := 0.0
				for c := range l.train {
					sum += cs[c].Rate * dot(l.train[c][layer].rows[i], l.query[c][layer].rows[e/2])
				}
				traced[e] = append(traced[e], sum)
				dots[e] = append(dots[e], dot(l.train[0][layer].rows[i], l.query[0][layer].rows[e/2]))
			}
			x := solve(fisherOf(l.train[0][layer].rows, 1.0/n, lambda), l.query[0][layer].rows[e/2])
			for i := range n {
				inverted[e] = append(inverted[e], dot(x, l.train[0][layer].rows[i]))
			}
		}
		for name, m := range map[string]struct {
			create func(influence.ProductOptions) (influence.Scorer, error)
			want   [][]float64
		}{
			"tracin": {func(o influence.ProductOptions) (influence.Scorer, error) { return influence.TracIn(cs, false, o) }, traced},
			"dot":    {func(o influence.ProductOptions) (influence.Scorer, error) { return influence.DotOfLayers(cs[0], o) }, dots},
			"exact": {func(o influence.ProductOptions) (influence.Scorer, error) {
				return influence.Exact(cs[0], influence.CurvatureOptions{ProductOptions: o, Damping: influence.Damping{Value: lambda}})
			}, inverted},
		} {
			t.Run(name, func(t *testing.T) {
				by := func(o influence.ProductOptions) influence.Scorer {
					s, err := m.create(o)
					require.NoError(t, err)
					s, err = influence.ByLayer(s)
					require.NoError(t, err)
					return s
				}
				for _, memory := range []int64{0, 1} {
					j := wholeJob(cs[0].Train[0], cs[0].Query[0], influence.Float64)
					s := by(influence.ProductOptions{MemoryBytes: memory})
					layout, err := s.Layout(j)
					require.NoError(t, err)
					require.Equal(t, []int32{0, 1, 0, 1}, layout.Output[:4])
					requireNear(t, m.want, matrix(t, s, j), 1e-10)
					j.Pools = &influence.Pools{Of: make([]int32, q), Count: 1}
					pooled := matrix(t, s, j)
					for i := range n {
						sum := 0.0
						for e := 1; e < 2*q; e += 2 {
							sum += m.want[e][i]
						}
						require.InDelta(t, sum, pooled[1][i], 1e-8)
					}
					_, err = s.Layout(influence.Job{Train: influence.RowRange(0, n), Self: true})
					require.ErrorContains(t, err, "self-influence by layers is not supported")
				}
				workers := 0
				influencetest.Scorer(t, func() (influence.Scorer, int64, int64) {
					workers++
					return by(influence.ProductOptions{Workers: 1 + workers%3, MemoryBytes: int64(workers%2) * 64}), n, int64(q)
				}, influencetest.Options{NoSelf: true, ByQueries: q > 24})
			})
		}
		s, err := influence.Cosine(cs[0].Train[0], cs[0].Query[0], influence.ProductOptions{})
		require.NoError(t, err)
		_, err = influence.ByLayer(s)
		require.ErrorContains(t, err, "scores by layer of cosine is not supported: they are no sums over layers")
	}
}

// TestTokensArePartsOfRows scores two tokens of each train row, whose gradients add up to
// the row's, through an inverse curvature of whole rows.
func TestTokensArePartsOfRows(t *testing.T) {
	const n, q, lambda = 30, 5, 0.4
	inputs, slopes := randomTable(1, 2*n, 3), randomTable(2, 2*n, 4)
	whole := table{cols: 16}
	for i := range n {
		g := make([]float64, 16)
		for token := 2 * i; token < 2*i+2; token++ {
			for o, slope := range slopes.rows[token] {
				for x, v := range append(inputs.rows[token][:3:3], 1) {
					g[o*4+x] += slope * v
				}
			}
		}
		whole.rows = append(whole.rows, g)
	}
	query := randomTable(3, q, 16)
	tokens, err := influence.Outer(inputs.in(t, dataset.Float32), slopes.in(t, dataset.Float32), true, dataset.Float64)
	require.NoError(t, err)
	c := influence.Checkpoint{Train: []influence.Vectors{whole.in(t, dataset.Float64)}, Query: []influence.Vectors{query.in(t, dataset.Float64)}, Scored: []influence.Vectors{tokens}, Rate: 2}
	want, traced := make([][]float64, q), make([][]float64, q)
	for e := range q {
		x := solve(fisherOf(whole.rows, 1.0/n, lambda), query.rows[e])
		for token := range 2 * n {
			sum, plain := 0.0, 0.0
			for o, slope := range slopes.rows[token] {
				for i, v := range append(inputs.rows[token][:3:3], 1) {
					sum += slope * v * x[o*4+i]
					plain += 2 * slope * v * query.rows[e][o*4+i]
				}
			}
			want[e], traced[e] = append(want[e], sum), append(traced[e], plain)
		}
	}
	s, err := influence.Exact(c, influence.CurvatureOptions{Damping: influence.Damping{Value: lambda}})
	require.NoError(t, err)
	require.InEpsilon(t, 1.0/n, *s.Describe().LOOFactor, 1e-15, "the curvature is that of whole rows")
	j := wholeJob(tokens, c.Query[0], influence.Float64)
	requireNear(t, want, matrix(t, s, j), 1e-11)
	s, err = influence.TracIn([]influence.Checkpoint{c}, false, influence.ProductOptions{})
	require.NoError(t, err)
	requireNear(t, traced, matrix(t, s, j), 1e-13)
	_, err = influence.TracIn([]influence.Checkpoint{c}, true, influence.ProductOptions{})
	require.ErrorContains(t, err, "scoring parts of rows by a cosine is not supported")
	_, err = influence.Exact(c, influence.CurvatureOptions{Remove: []influence.Rows{influence.RowRange(0, 2)}})
	require.ErrorContains(t, err, "sets of rows and parts of rows cannot both be scored")
	c.Scored = append(c.Scored, tokens)
	_, err = influence.TracIn([]influence.Checkpoint{c}, false, influence.ProductOptions{})
	require.ErrorContains(t, err, "1 layers have train gradients, 2 what is scored in their place")
}
