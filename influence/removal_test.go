package influence_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/influencetest"
)

// someSets are sets of 60 train rows: one of a single row, some that overlap, and one
// with more rows than a block has numbers.
func someSets() []influence.Rows {
	many := []int64{}
	for i := range int64(35) {
		many = append(many, (7*i)%60)
	}
	return []influence.Rows{influence.RowList([]int64{17}), influence.RowList([]int64{3, 58, 9, 17}), influence.RowRange(20, 26), influence.RowList(many)}
}

// TestRemovedSetsAreTheirDefinition compares with dense inverses without the rows of
// each set, and without the correction with sums.
func TestRemovedSetsAreTheirDefinition(t *testing.T) {
	const n, q, lambda = 60, 7, 0.3
	l := randomLayers(n, q)
	c := l.checkpoints(t, dataset.Float64, dataset.Float32)[0]
	sets := someSets()
	newton, first := make([][]float64, q), make([][]float64, q)
	for e := range q {
		newton[e], first[e] = make([]float64, len(sets)), make([]float64, len(sets))
		for b := range 2 {
			rows := l.train[0][b].rows
			for s, set := range sets {
				sum := make([]float64, l.train[0][b].cols)
				rest := fisherOf(rows, 1.0/n, lambda)
				for j := range set.Len() {
					g := rows[set.At(j)]
					for x := range sum {
						sum[x] += g[x]
						for y := range sum {
							rest[x][y] -= g[x] * g[y] / n
						}
					}
				}
				newton[e][s] += dot(l.query[0][b].rows[e], solve(rest, sum))
				first[e][s] += dot(l.query[0][b].rows[e], solve(fisherOf(rows, 1.0/n, lambda), sum))
			}
		}
	}
	o := influence.CurvatureOptions{Damping: influence.Damping{Value: lambda}, Remove: sets, Rank: 100}
	for name, m := range map[string]struct {
		create curved
		want   [][]float64
	}{"exact": {influence.Exact, newton}, "logra": {influence.LoGra, newton}, "cg": {influence.CG, first}, "nystroem": {influence.Nystroem, first}} {
		for p, tolerance := range map[influence.Precision]float64{influence.Float64: 1e-8, influence.Float32: 1e-5} {
			t.Run(fmt.Sprint(name, p), func(t *testing.T) {
				s, err := m.create(c, o)
				require.NoError(t, err)
				j := influence.Job{Train: influence.RowRange(0, int64(len(sets))), Query: influence.RowRange(0, q), Precision: p}
				requireNear(t, m.want, matrix(t, s, j), tolerance)
				require.InEpsilon(t, 1.0/n, *s.Describe().LOOFactor, 1e-15)
				require.Contains(t, s.Describe().PositiveMeans, "the set of train rows helps")
			})
		}
	}
	influencetest.Scorer(t, func() (influence.Scorer, int64, int64) {
		o.Workers = 1 + o.Workers%3
		s, err := influence.Exact(c, o)
		require.NoError(t, err)
		return s, int64(len(sets)), q
	}, influencetest.Options{NoSelf: true})
}

// TestSetsThroughInnerProducts: a block that is wider than it has rows is inverted
// through the rows' inner products, and so are its sets.
func TestSetsThroughInnerProducts(t *testing.T) {
	const n, q, d, lambda = 12, 3, 2100, 2.0
	train, query := randomTable(1, n, d), randomTable(2, q, d)
	c := influence.Checkpoint{Train: []influence.Vectors{train.in(t, dataset.Float64)}, Query: []influence.Vectors{query.in(t, dataset.Float64)}}
	sets := []influence.Rows{influence.RowRange(2, 7), influence.RowRange(0, n)}
	o := influence.CurvatureOptions{Damping: influence.Damping{Value: lambda}, Remove: sets}
	s, err := influence.Exact(c, o)
	require.NoError(t, err)
	got := matrix(t, s, influence.Job{Train: influence.RowRange(0, 2), Query: influence.RowRange(0, q), Precision: influence.Float64})
	stay := append(append([][]float64{}, train.rows[:2]...), train.rows[7:]...)
	for e := range q {
		for i, rest := range [][][]float64{stay, nil} {
			// Through inner products: (RᵀR/n + λ)⁻¹ = (I − Rᵀ·(R·Rᵀ + n·λ)⁻¹·R)/λ.
			sum := make([]float64, d)
			for j := range sets[i].Len() {
				for x, v := range train.rows[sets[i].At(j)] {
					sum[x] += v
				}
			}
			want := dot(query.rows[e], sum)
			if len(rest) > 0 {
				k, b := make([][]float64, len(rest)), make([]float64, len(rest))
				for x, r := range rest {
					for _, s := range rest {
						k[x] = append(k[x], dot(r, s))
					}
					k[x][x] += n * lambda
					b[x] = dot(r, sum)
				}
				for x, v := range solve(k, b) {
					want -= v * dot(rest[x], query.rows[e])
				}
			}
			require.InEpsilon(t, want/lambda, got[e][i], 1e-9)
		}
	}
}

func TestSetsThatCannotBeRemoved(t *testing.T) {
	l := randomLayers(60, 3)
	c := l.checkpoints(t, dataset.Float64, dataset.Float64)[0]
	for want, o := range map[string]influence.CurvatureOptions{
		"set 1 has no rows":       {Remove: []influence.Rows{influence.RowRange(0, 2), influence.RowRange(3, 3)}},
		"train row 60":            {Remove: []influence.Rows{influence.RowRange(58, 61)}},
		"a norm of a set of rows": {Remove: someSets(), Normalize: influence.LRelatIF},
	} {
		_, err := influence.Exact(c, o)
		require.ErrorContains(t, err, want)
	}
	// Without most of its rows an undamped curvature has no inverse.
	s, err := influence.Exact(c, influence.CurvatureOptions{Remove: []influence.Rows{influence.RowRange(4, 60)}})
	require.NoError(t, err)
	j := influence.Job{Train: influence.RowRange(0, 1), Query: influence.RowRange(0, 3)}
	require.ErrorContains(t, s.Score(t.Context(), j, newScores(t, s, j)), "set 0: the curvature of the rows that stay has no inverse")
}
