package gbdt

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
)

// margins returns F before each iteration and at the end: [t][class].
func (p *problem) margins(row int) [][]float64 {
	k := p.forest.K
	f := p.start(row, p.base)
	out := [][]float64{append([]float64(nil), f...)}
	for u := range p.forest.Trees {
		f[u%k] += p.theta(u, p.leaf[u][row])
		if u%k == k-1 {
			out = append(out, append([]float64(nil), f...))
		}
	}
	return out
}

// leafTotals returns Σ w·g and Σ w·h of each leaf of each tree.
func (p *problem) leafTotals() (g, h [][]float64) {
	k := p.forest.K
	n := len(p.y)
	for range p.forest.Trees {
		g, h = append(g, make([]float64, 5)), append(h, make([]float64, 5))
	}
	for i := range n {
		f := p.margins(i)
		for t := range p.forest.Iterations() {
			gi, hi, _, _ := p.deriveRow(p.y[i], f[t])
			for c := range k {
				u := t*k + c
				g[u][p.leaf[u][i]] += p.in(t, i) * p.weight(i) * gi[c]
				h[u][p.leaf[u][i]] += p.in(t, i) * p.weight(i) * hi[c]
			}
		}
	}
	return g, h
}

// dense scores all pairs of a job in float64.
func dense(t *testing.T, s influence.Scorer, m *Model, q *Queries, of influence.Quantity, self bool) sink.Matrix {
	t.Helper()
	j := influence.Job{Train: influence.RowRange(0, m.Rows()), Of: of, Precision: influence.Float64, Self: self}
	if !self {
		j.Query = influence.RowRange(0, q.Rows())
	}
	d, err := sink.Dense(t.Context(), s, j)
	require.NoError(t, err)
	return d
}

// quantities are all that can be asked of a problem.
func (p *problem) quantities() []influence.Quantity {
	out := []influence.Quantity{{}, {Kind: influence.Margin, Output: 0}, {Kind: influence.Margin, Output: influence.Predicted}, {Kind: influence.Margin, Output: influence.Every}}
	if p.loss.Classifier() {
		out = append(out, influence.Quantity{Kind: influence.Probability, Output: 0}, influence.Quantity{Kind: influence.Probability, Output: influence.Every})
	}
	return out
}

// value is a quantity of a row at margins f, by its own definition.
func (p *problem) value(of influence.Quantity, output int, y float64, f []float64) float64 {
	k := len(f)
	in := make([][]float64, k)
	for c := range f {
		in[c] = []float64{f[c]}
	}
	switch of.Kind {
	case influence.Loss:
		out := []float64{0}
		p.loss.Value([]float64{y}, in, out)
		return out[0]
	case influence.Probability:
		prob := single(k)
		if err := p.loss.Probability(in, prob); err != nil {
			panic(err)
		}
		if k == 1 && output == 0 {
			return 1 - prob[0][0]
		}
		return prob[output%k][0]
	}
	if k == 1 && p.loss.Classifier() && output == 0 {
		return -f[0]
	}
	return f[output%k]
}

// seed is ∓ the central difference of the quantity in F_c: + for a loss.
func (p *problem) seed(of influence.Quantity, output int, y float64, f []float64, c int) float64 {
	const e = 1e-6
	up, down := append([]float64(nil), f...), append([]float64(nil), f...)
	up[c] += e
	down[c] -= e
	d := (p.value(of, output, y, up) - p.value(of, output, y, down)) / (2 * e)
	if of.Kind != influence.Loss {
		return -d
	}
	return d
}

// BoostIn by its definition: what removing row i from a leaf's sums moves the
// leaf, to first order, times the slope of the query at that moment.
func TestBoostInAgainstLeafDifferences(t *testing.T) {
	for name, s := range specs() {
		if s.n > 100 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newProblem(t, s)
			m, q := p.prepare(t, PrepareOptions{})
			require.Equal(t, Exact, m.Fidelity().Verdict, "%+v", m.Fidelity())
			sumG, sumH := p.leafTotals()
			scorer, err := m.BoostIn(q, Options{})
			require.NoError(t, err)
			for _, of := range p.quantities() {
				got := dense(t, scorer, m, q, of, false)
				p.compare(t, q, of, got, func(i int) [][]float64 {
					f := p.margins(i)
					var a [][]float64 // −dθ/dε of the row's leaf for w → w(1+ε), per iteration and class
					for it := range p.forest.Iterations() {
						gi, hi, _, _ := p.deriveRow(p.y[i], f[it])
						row := make([]float64, s.k)
						for c := range row {
							u := it*s.k + c
							l := p.leaf[u][i]
							w := p.in(it, i) * p.weight(i)
							const e = 1e-6
							up := p.newton(sumG[u][l]+e*w*gi[c], sumH[u][l]+e*w*hi[c])
							down := p.newton(sumG[u][l]-e*w*gi[c], sumH[u][l]-e*w*hi[c])
							row[c] = -(up - down) / (2 * e)
						}
						a = append(a, row)
					}
					return a
				}, true)
			}
		})
	}
}

// LeafInfluence through the row's own leaves: the row walks through its trees
// with weight w(1+ε), its own margins move with its leaves, all other rows stay.
func TestLeafInfluenceSingleAgainstOwnPath(t *testing.T) {
	for name, s := range specs() {
		if s.n > 100 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newProblem(t, s)
			m, q := p.prepare(t, PrepareOptions{})
			sumG, sumH := p.leafTotals()
			scorer, err := m.LeafInfluenceSingle(q, Options{})
			require.NoError(t, err)
			// path returns the row's leaf values for weight w(1+ε) in output c, the
			// margins of other outputs held.
			path := func(i, c int, eps float64) []float64 {
				f := p.margins(i)
				shift := 0.0
				var out []float64
				for it := range p.forest.Iterations() {
					u := it*s.k + c
					l := p.leaf[u][i]
					w := p.in(it, i) * p.weight(i)
					g0, h0, _, _ := p.deriveRow(p.y[i], f[it])
					moved := append([]float64(nil), f[it]...)
					moved[c] += shift
					g1, h1, _, _ := p.deriveRow(p.y[i], moved)
					g := sumG[u][l] - w*g0[c] + w*(1+eps)*g1[c]
					h := sumH[u][l] - w*h0[c] + w*(1+eps)*h1[c]
					v := p.newton(g, h)
					out = append(out, v)
					shift += v - p.theta(u, l)
				}
				return out
			}
			for _, of := range p.quantities() {
				got := dense(t, scorer, m, q, of, false)
				p.compare(t, q, of, got, func(i int) [][]float64 {
					const e = 1e-5
					a := make([][]float64, p.forest.Iterations())
					for it := range a {
						a[it] = make([]float64, s.k)
					}
					for c := range s.k {
						up, down := path(i, c, e), path(i, c, -e)
						for it := range a {
							a[it][c] = -(up[it] - down[it]) / (2 * e)
						}
					}
					return a
				}, false)
			}
		})
	}
}

// compare joins coefficients with seeds over shared leaves by loops.
func (p *problem) compare(t *testing.T, q *Queries, of influence.Quantity, got sink.Matrix, coefficients func(i int) [][]float64, running bool) {
	t.Helper()
	k, n := p.forest.K, len(p.y)
	scale := 0.0
	for _, v := range got.Scores {
		scale = math.Max(scale, math.Abs(v))
	}
	require.Positive(t, scale)
	per := got.Layout.PerRow
	for i := range n {
		a := coefficients(i)
		for row := range p.nq {
			f := p.margins(n + row)
			for e := range per {
				output := of.Output
				switch {
				case of.Kind == influence.Loss:
					output = 0
				case output == influence.Predicted:
					output = q.Class(int64(row))
				case output == influence.Every && k == 1 && p.loss.Classifier():
					output = 1
				case output == influence.Every:
					output = e
				}
				want := 0.0
				for it := range p.forest.Iterations() {
					for c := range k {
						u := it*k + c
						if p.leaf[u][i] != p.leaf[u][n+row] {
							continue
						}
						at := f[len(f)-1]
						if running {
							at = f[it]
						}
						want += a[it][c] * p.seed(of, output, q.Label(int64(row)), at, c)
					}
				}
				require.InDelta(t, want, got.At(int64(row*per+e), int64(i)), 1e-6*scale, "%s train %d query %d entry %d", of, i, row, e)
			}
		}
	}
}

func TestLeafSimByCounting(t *testing.T) {
	for name, s := range specs() {
		if s.n > 100 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newProblem(t, s)
			m, q := p.prepare(t, PrepareOptions{})
			n := len(p.y)
			signed := dense(t, m.LeafSim(q), m, q, influence.Quantity{}, false)
			plain := dense(t, m.LeafSim(q), m, q, influence.Quantity{Kind: influence.Margin, Output: influence.Predicted}, false)
			for i := range n {
				for row := range p.nq {
					want := 0.0
					for u := range p.leaf {
						count := 0.0
						for j := range n {
							if p.leaf[u][j] == p.leaf[u][i] {
								count++
							}
						}
						if p.leaf[u][i] == p.leaf[u][n+row] {
							want += 1 / (count * count)
						}
					}
					require.InDelta(t, want, plain.At(int64(row), int64(i)), 1e-12)
					y, yq := p.y[i], q.Label(int64(row))
					sign := -1.0
					soft := strings.HasPrefix(s.loss.Name, "cross_entropy")
					if p.loss.Classifier() && (y == yq || soft && (y > 0.5) == (yq > 0.5)) {
						sign = 1
					}
					if !p.loss.Classifier() {
						f := p.margins(n + row)
						pred := f[len(f)-1][0]
						queryBelow, trainAbove := pred >= yq, y >= pred
						if queryBelow != trainAbove {
							sign = 1
						}
					}
					require.InDelta(t, want*sign, signed.At(int64(row), int64(i)), 1e-12)
				}
			}
		})
	}
}

// Self-influence is the diagonal: the train rows given as queries.
func TestSelfIsTheDiagonal(t *testing.T) {
	for name, s := range specs() {
		if s.n > 100 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newProblem(t, s)
			m, _ := p.prepare(t, PrepareOptions{})
			q, err := m.Queries(t.Context(), p.train, p.columns())
			require.NoError(t, err)
			boostin, err := m.BoostIn(q, Options{})
			require.NoError(t, err)
			single, err := m.LeafInfluenceSingle(q, Options{})
			require.NoError(t, err)
			for _, scorer := range []influence.Scorer{boostin, single, m.LeafSim(q), m.TrainLoss(q)} {
				self := dense(t, scorer, m, q, influence.Quantity{}, true)
				all := dense(t, scorer, m, q, influence.Quantity{}, false)
				for i := range m.Rows() {
					require.InDelta(t, all.At(i, i), self.At(0, i), 1e-12*(1+math.Abs(all.At(i, i))), scorer.Describe().Method)
				}
			}
		})
	}
}

func TestTrainLossIsTheRowsLoss(t *testing.T) {
	p := newProblem(t, specs()["multiclass"])
	m, q := p.prepare(t, PrepareOptions{})
	d := dense(t, m.TrainLoss(q), m, q, influence.Quantity{}, false)
	for i := range p.y {
		f := p.margins(i)
		want := p.value(influence.Quantity{}, 0, p.y[i], f[len(f)-1])
		for row := range p.nq {
			require.InDelta(t, want, d.At(int64(row), int64(i)), 1e-12)
		}
	}
}

func TestRandomIsStandardNormalAndKeyed(t *testing.T) {
	p := newProblem(t, specs()["many rows"])
	m, q := p.prepare(t, PrepareOptions{})
	a := dense(t, m.Random(q, 1), m, q, influence.Quantity{}, false)
	b := dense(t, m.Random(q, 1), m, q, influence.Quantity{}, false)
	c := dense(t, m.Random(q, 2), m, q, influence.Quantity{}, false)
	require.Equal(t, a.Scores, b.Scores)
	require.NotEqual(t, a.Scores, c.Scores)
	mean, square, fourth, cross := 0.0, 0.0, 0.0, 0.0
	for i, v := range a.Scores {
		mean += v
		square += v * v
		fourth += v * v * v * v
		cross += v * c.Scores[i]
	}
	n := float64(len(a.Scores))
	require.InDelta(t, 0, mean/n, 5/math.Sqrt(n))
	require.InDelta(t, 1, square/n, 5*math.Sqrt(2/n))
	require.InDelta(t, 3, fourth/n, 5*math.Sqrt(96/n))
	require.InDelta(t, 0, cross/n, 5/math.Sqrt(n))
}

func TestTargetKnowsLabelsOnly(t *testing.T) {
	for _, name := range []string{"multiclass", "regression"} {
		p := newProblem(t, specs()[name])
		m, q := p.prepare(t, PrepareOptions{})
		d := dense(t, m.Target(q, 3), m, q, influence.Quantity{}, false)
		require.Equal(t, d.Scores, dense(t, m.Target(q, 3), m, q, influence.Quantity{}, false).Scores)
		for i, y := range p.y {
			for row := range p.nq {
				v, yq := d.At(int64(row), int64(i)), q.Label(int64(row))
				switch {
				case name == "regression":
					require.InEpsilon(t, 1/math.Abs(y-yq), v, 1e-12)
				case y == yq:
					require.True(t, v > 0 && v < 1)
				default:
					require.True(t, v > -1 && v < 0)
				}
			}
		}
	}
}

func TestMinorityPutsRareLabelsFirst(t *testing.T) {
	p := newProblem(t, specs()["multiclass"])
	m, q := p.prepare(t, PrepareOptions{})
	count := make(map[float64]int)
	for _, y := range p.y {
		count[y]++
	}
	d := dense(t, m.Minority(q, 1), m, q, influence.Quantity{}, false)
	for i, y := range p.y {
		for j, z := range p.y {
			if count[y] < count[z] {
				require.Greater(t, d.At(0, int64(i)), d.At(0, int64(j)))
			}
		}
	}
}

func TestInputSimIsInverseDistance(t *testing.T) {
	s := specs()["regression"]
	p := newProblem(t, s)
	for i := range p.x {
		for f, v := range p.x[i] {
			if math.IsNaN(v) {
				p.x[i][f] = 7 // The tables still hold a gap there: it must be refused.
			}
		}
	}
	m, q := p.prepare(t, PrepareOptions{})
	scorer, err := m.InputSim(q, DefaultMeasure)
	require.NoError(t, err)
	j := influence.Job{Train: influence.RowRange(0, m.Rows()), Query: influence.RowRange(0, q.Rows())}
	_, err = sink.Dense(t.Context(), scorer, j)
	require.ErrorContains(t, err, "missing")
}
