package influence_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/influencetest"
)

// fisherOf returns scale·Σ g·gᵀ + λI of the rows.
func fisherOf(rows [][]float64, scale, lambda float64) [][]float64 {
	d := len(rows[0])
	out := make([][]float64, d)
	for i := range out {
		out[i] = make([]float64, d)
		for j := range out[i] {
			for _, g := range rows {
				out[i][j] += scale * g[i] * g[j]
			}
		}
		out[i][i] += lambda
	}
	return out
}

// solve returns H⁻¹·b by elimination with pivots.
func solve(h [][]float64, b []float64) []float64 {
	d := len(b)
	m := make([][]float64, d)
	for i := range m {
		m[i] = append(append([]float64{}, h[i]...), b[i])
	}
	for k := range d {
		best := k
		for i := k; i < d; i++ {
			if math.Abs(m[i][k]) > math.Abs(m[best][k]) {
				best = i
			}
		}
		m[k], m[best] = m[best], m[k]
		for i := range d {
			if i == k {
				continue
			}
			f := m[i][k] / m[k][k]
			for j := k; j <= d; j++ {
				m[i][j] -= f * m[k][j]
			}
		}
	}
	x := make([]float64, d)
	for i := range x {
		x[i] = m[i][d] / m[i][i]
	}
	return x
}

// heuristic is a tenth of the mean eigenvalue of a block.
func heuristic(rows [][]float64) float64 {
	sum := 0.0
	for _, g := range rows {
		sum += dot(g, g)
	}
	return 0.1 * sum / float64(len(rows)*len(rows[0]))
}

// dataInf is the mean of inverses, each by elimination.
func dataInf(rows [][]float64, lambda float64, b []float64) []float64 {
	out := make([]float64, len(b))
	for _, g := range rows {
		for i, v := range solve(fisherOf([][]float64{g}, 1, lambda), b) {
			out[i] += v / float64(len(rows))
		}
	}
	return out
}

type curved = func(influence.Checkpoint, influence.CurvatureOptions) (influence.Scorer, error)

// TestInversesAreTheirDefinition compares with dense loops over two blocks.
func TestInversesAreTheirDefinition(t *testing.T) {
	const n, q = 60, 7
	l := randomLayers(n, q)
	train, query := l.train[0], l.query[0]
	c := l.checkpoints(t, dataset.Float64, dataset.Float32)[0]
	exact := func(rows [][]float64, lambda float64, b []float64) []float64 {
		return solve(fisherOf(rows, 1.0/n, lambda), b)
	}
	for _, m := range []struct {
		name      string
		create    curved
		invert    func(rows [][]float64, lambda float64, b []float64) []float64
		tolerance float64
	}{
		{"exact", influence.Exact, exact, 1e-11},
		{"logra", influence.LoGra, exact, 1e-11},
		{"cg", influence.CG, exact, 1e-8},
		{"lissa", influence.LiSSA, exact, 1e-5},
		{"nystroem", influence.Nystroem, exact, 1e-9},
		{"datainf", influence.DataInf, dataInf, 1e-11},
	} {
		for _, damping := range []influence.Damping{{Heuristic: true}, {Value: 0.3}} {
			want, self, norms := make([][]float64, q), make([]float64, n), make([]float64, n)
			for e := range want {
				want[e] = make([]float64, n)
			}
			for b := range 2 {
				rows, lambda := train[b].rows, damping.Value
				if damping.Heuristic {
					lambda = heuristic(rows)
				}
				for e := range want {
					x := m.invert(rows, lambda, query[b].rows[e])
					for i, g := range rows {
						want[e][i] += dot(x, g)
					}
				}
				for i, g := range rows {
					x := m.invert(rows, lambda, g)
					self[i] += dot(x, g)
					norms[i] += dot(x, x)
				}
			}
			for p, loose := range map[influence.Precision]float64{influence.Float64: 0, influence.Float32: 1e-5} {
				t.Run(fmt.Sprintf("%s/%v/%v", m.name, damping, p), func(t *testing.T) {
					tolerance := max(m.tolerance, loose)
					o := influence.CurvatureOptions{Damping: damping, Rank: 100, Seed: 5}
					s, err := m.create(c, o)
					require.NoError(t, err)
					j := wholeJob(c.Train[0], c.Query[0], p)
					requireNear(t, want, matrix(t, s, j), tolerance)
					j.Self = true
					requireNear(t, [][]float64{self}, matrix(t, s, j), tolerance)
					_, err = s.Plan(t.Context(), j)
					require.NoError(t, err)
					for kind, by := range map[influence.Normalization]func(i int) float64{
						influence.LRelatIF:     func(i int) float64 { return math.Sqrt(self[i]) },
						influence.ThetaRelatIF: func(i int) float64 { return math.Sqrt(norms[i]) },
					} {
						o.Normalize = kind
						s, err := m.create(c, o)
						require.NoError(t, err)
						divided := make([][]float64, q)
						for e := range divided {
							divided[e] = make([]float64, n)
							for i := range divided[e] {
								divided[e][i] = want[e][i] / by(i)
							}
						}
						requireNear(t, divided, matrix(t, s, wholeJob(c.Train[0], c.Query[0], p)), 10*tolerance)
						_, err = s.Layout(j)
						require.Error(t, err, "self-influence by its own root")
					}
				})
			}
		}
	}
}

func TestInversesKeepTheContract(t *testing.T) {
	const n, q = 40, 20
	l := randomLayers(n, q)
	for name, create := range map[string]curved{"exact": influence.Exact, "datainf": influence.DataInf, "cg": influence.CG, "nystroem": influence.Nystroem, "relatif": influence.Exact} {
		t.Run(name, func(t *testing.T) {
			o := influence.CurvatureOptions{Damping: influence.Damping{Heuristic: true}, Rank: 3}
			if name == "relatif" {
				o.Normalize = influence.LRelatIF
			}
			influencetest.Scorer(t, func() (influence.Scorer, int64, int64) {
				o.Workers = 1 + o.Workers%3
				s, err := create(l.checkpoints(t, dataset.Float32, dataset.Float32)[0], o)
				require.NoError(t, err)
				return s, n, q
			}, influencetest.Options{NoSelf: name == "relatif"})
		})
	}
}

// TestTrakIsItsDefinition also tells the compat form's factor.
func TestTrakIsItsDefinition(t *testing.T) {
	const n, q = 60, 7
	l := randomLayers(n, q)
	var models []influence.TrakModel
	weights := [2]table{randomTable(77, n, 1), randomTable(78, n, 1)}
	want, compat, first := make([][]float64, q), make([][]float64, q), make([][]float64, q)
	for e := range want {
		want[e], compat[e], first[e] = make([]float64, n), make([]float64, n), make([]float64, n)
	}
	const lambda = 2.5
	for m := range 2 {
		train, query := l.train[m][1], l.query[m][1]
		models = append(models, influence.TrakModel{Train: train.in(t, dataset.Float32), Query: query.in(t, dataset.Float32), OutToLoss: weights[m].in(t, dataset.Float32)})
		h := fisherOf(train.rows, 1, lambda)
		entries := 0.0
		for i := range h {
			unit := make([]float64, len(h))
			unit[i] = 1
			for _, v := range solve(h, unit) {
				entries += math.Abs(v) / float64(len(h)*len(h))
			}
		}
		for e := range q {
			x := solve(h, query.rows[e])
			for i := range n {
				q := (weights[0].rows[i][0] + weights[1].rows[i][0]) / 2
				want[e][i] += dot(x, train.rows[i]) / 2 * q
				compat[e][i] += dot(x, train.rows[i]) / 2 * q / entries
			}
		}
	}
	for _, form := range []bool{false, true} {
		s, err := influence.Trak(models, influence.Damping{Value: lambda}, form, influence.ProductOptions{})
		require.NoError(t, err)
		expected := want
		if form {
			expected = compat
		}
		for p, tolerance := range tolerances {
			requireNear(t, expected, matrix(t, s, wholeJob(models[0].Train, models[0].Query, p)), tolerance)
		}
	}
	flat := table{make([][]float64, n), 3}
	for i := range flat.rows {
		flat.rows[i] = []float64{1, 1, 2}
	}
	v := flat.in(t, dataset.Float32)
	s, err := influence.Trak([]influence.TrakModel{{Train: v, Query: v, OutToLoss: models[0].OutToLoss}}, influence.Damping{}, false, influence.ProductOptions{})
	require.NoError(t, err)
	j := wholeJob(v, v, influence.Float32)
	require.ErrorContains(t, s.Score(t.Context(), j, newScores(t, s, j)), "the curvature has no inverse: its 3 × 3 matrix is not positive definite with a damping of 0; use a larger one")
}

func TestLessIsItsDefinition(t *testing.T) {
	const n, q = 30, 9
	l := randomLayers(n, q)
	cs := l.checkpoints(t, dataset.Float32, dataset.Float64)
	d := l.train[0][0].cols + l.train[0][1].cols
	state := &influence.AdamState{Mean: randomTable(50, 1, d).rows[0], Square: make([]float64, d)}
	for j := range state.Square {
		state.Square[j] = float64(j) / 7
	}
	direction := func(g []float64) []float64 {
		out := make([]float64, len(g))
		for j, x := range g {
			out[j] = (0.9*state.Mean[j] + 0.1*x) / math.Sqrt(0.999*state.Square[j]+0.001*x*x+1e-8)
		}
		return out
	}
	all := func(side [2]table, i int) []float64 {
		return append(append([]float64{}, side[0].rows[i]...), side[1].rows[i]...)
	}
	want := l.sum(q, n, func(c, e, i int) float64 { return cosine(direction(all(l.train[c], i)), all(l.query[c], e)) / 0.875 })
	var less []influence.LessCheckpoint
	for _, c := range cs {
		less = append(less, influence.LessCheckpoint{Checkpoint: c, Adam: state})
	}
	s, err := influence.Less(less, influence.ProductOptions{})
	require.NoError(t, err)
	for p, tolerance := range tolerances {
		j := wholeJob(cs[0].Train[0], cs[0].Query[0], p)
		requireNear(t, want, matrix(t, s, j), tolerance)
		j.Self = true
		_, err := s.Layout(j)
		require.ErrorContains(t, err, "self-influence by less is not supported")
	}
	less[1].Adam = &influence.AdamState{Mean: []float64{1}, Square: []float64{1}}
	_, err = influence.Less(less, influence.ProductOptions{})
	require.EqualError(t, err, "checkpoint 1: the means of Adam have 1 and 1 numbers, gradients 19")
}

func TestCurvaturesThatHaveNoInverse(t *testing.T) {
	spoiled := randomTable(1, 9, 4)
	spoiled.rows[5][1] = math.NaN()
	good := randomTable(2, 9, 4).in(t, dataset.Float32)
	for name, create := range map[string]curved{"exact": influence.Exact, "cg": influence.CG, "lissa": influence.LiSSA, "datainf": influence.DataInf, "nystroem": influence.Nystroem} {
		for _, damping := range []influence.Damping{{Heuristic: true}, {Value: 1}} {
			c := influence.Checkpoint{Train: []influence.Vectors{spoiled.in(t, dataset.Float32)}, Query: []influence.Vectors{good}}
			s, err := create(c, influence.CurvatureOptions{Damping: damping, Rank: 2})
			require.NoError(t, err)
			j := wholeJob(c.Train[0], good, influence.Float32)
			j.Train = influence.RowRange(0, 5) // The curvature is that of all train rows.
			var bad *influence.NonFiniteError
			require.ErrorAs(t, s.Score(t.Context(), j, newScores(t, s, j)), &bad, "%s %v", name, damping)
			require.Equal(t, influence.NonFiniteError{Side: "train", Row: 5, Count: 1}, *bad, "%s %v", name, damping)
		}
		_, err := create(influence.Checkpoint{Train: []influence.Vectors{good}}, influence.CurvatureOptions{Damping: influence.Damping{Value: -1}, Rank: 1})
		require.ErrorContains(t, err, "a damping of -1", name)
	}
	wide := table{[][]float64{make([]float64, 20_001)}, 20_001}.in(t, dataset.Float32)
	_, err := influence.Exact(influence.Checkpoint{Train: []influence.Vectors{wide}}, influence.CurvatureOptions{})
	require.ErrorContains(t, err, "a dense inverse of 20001 × 20001 numbers is not supported")
	_, err = influence.Nystroem(influence.Checkpoint{Train: []influence.Vectors{good}}, influence.CurvatureOptions{Damping: influence.Damping{Value: 1}})
	require.ErrorContains(t, err, "say how many")
	for _, create := range []curved{influence.DataInf, influence.Nystroem} {
		_, err = create(influence.Checkpoint{Train: []influence.Vectors{good}}, influence.CurvatureOptions{Rank: 1})
		require.ErrorContains(t, err, "divides by the damping, which is 0")
	}
}
