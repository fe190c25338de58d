package gbdt

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
)

// newLabels are two labels that rows of the problem may get, for queries in turn.
func (p *problem) newLabels(k int) []float64 {
	out := make([]float64, p.nq)
	for q := range out {
		out[q] = p.y[q%2] // Labels that occur: the loss can take them.
		if k > 1 {
			out[q] = float64(q % 2)
		}
	}
	return out
}

// edited asks a method for the effect of other labels.
func edited(t *testing.T, q *Queries, labels []float64, method func(*Queries, Options) (influence.Scorer, error), o Options) influence.Scorer {
	t.Helper()
	q.edit, o.LabelEdit = labels, &LabelEdit{PerQuery: true}
	s, err := method(q, o)
	require.NoError(t, err)
	return s
}

// The definition: dJ(q)/dε of the refit in which a share ε of a row's weight has
// the new label, by central differences.
func TestLeafInfluenceEditAgainstRefit(t *testing.T) {
	for name, s := range specs() {
		if s.n > 100 {
			continue
		}
		for _, initial := range []InitialScore{InitialFixed, InitialRefit} {
			if initial == InitialRefit && s.noBase {
				continue
			}
			t.Run(name, func(t *testing.T) {
				p := newProblem(t, s)
				m, q := p.prepare(t, PrepareOptions{Workers: 2})
				labels := p.newLabels(s.k)
				scorer := edited(t, q, labels, m.LeafInfluence, Options{InitialScore: initial})
				moved := make([][2][2][][]float64, s.n) // refits by row and new label
				for i := range moved {
					for l := range 2 {
						moved[i][l] = p.moveLabel(i, labels[l], initial == InitialRefit)
					}
				}
				for _, of := range p.quantities() {
					got := dense(t, scorer, m, q, of, false)
					scale := 0.0
					for _, v := range got.Scores {
						scale = math.Max(scale, math.Abs(v))
					}
					require.Positive(t, scale)
					for i := range p.y {
						for row := range p.nq {
							per, y, f := got.Layout.PerRow, q.Label(int64(row)), moved[i][row%2]
							for entry := range per {
								output := entry
								if got.Layout.Output != nil {
									output = int(got.Layout.Output[row*per+entry])
								}
								want := (p.value(of, output, y, f[0][row]) - p.value(of, output, y, f[1][row])) / (2 * share)
								if of.Kind != influence.Loss {
									want = -want // The present label pushes the quantity up where the edit lowers it.
								}
								require.InDelta(t, want, got.At(int64(row*per+entry), int64(i)), 1e-6*scale, "%s train %d query %d", of, i, row)
							}
						}
					}
				}
			})
		}
	}
}

// share is the step of central differences.
const share = 1e-5

// moveLabel returns the queries' margins of refits in which shares ±1e-5 of row
// i's weight have the new label.
func (p *problem) moveLabel(i int, label float64, moves bool) (out [2][][]float64) {
	w := make([]float64, len(p.y))
	for j := range w {
		w[j] = p.weight(j)
	}
	defer func() { p.blend = nil }()
	for at, sign := range []float64{1, -1} {
		if label != p.y[i] {
			p.blend = &blend{row: i, label: label, share: sign * share}
		}
		out[at] = p.refit(w, moves)
	}
	return out
}

// The single path by its definition: the row's leaves are made anew with a share
// of its weight on the new label, its own margins move, all other rows stay.
func TestLeafInfluenceSingleEditAgainstOwnPath(t *testing.T) {
	for _, name := range []string{"binary l1", "multiclass", "poisson", "own base", "bagged regression"} {
		t.Run(name, func(t *testing.T) {
			s := specs()[name]
			p := newProblem(t, s)
			m, q := p.prepare(t, PrepareOptions{})
			sumG, sumH := p.leafTotals()
			labels := p.newLabels(s.k)
			for _, label := range labels[:2] {
				one := make([]float64, p.nq)
				fill(one, label)
				got := dense(t, edited(t, q, one, m.LeafInfluenceSingle, Options{}), m, q, influence.Quantity{}, false)
				p.compare(t, q, influence.Quantity{}, got, func(i int) [][]float64 {
					path := func(c int, share float64) []float64 {
						f, shift := p.margins(i), 0.0
						var out []float64
						for it := range p.forest.Iterations() {
							u := it*s.k + c
							l, w := p.leaf[u][i], p.in(it, i)*p.weight(i)
							g0, h0, _, _ := p.deriveRow(p.y[i], f[it])
							moved := append([]float64(nil), f[it]...)
							moved[c] += shift
							gy, hy, _, _ := p.deriveRow(p.y[i], moved)
							gn, hn, _, _ := p.deriveRow(label, moved)
							v := p.newton(sumG[u][l]+w*((1-share)*gy[c]+share*gn[c]-g0[c]), sumH[u][l]+w*((1-share)*hy[c]+share*hn[c]-h0[c]))
							out = append(out, v)
							shift += v - p.theta(u, l)
						}
						return out
					}
					const e = 1e-5
					a := make([][]float64, p.forest.Iterations())
					for it := range a {
						a[it] = make([]float64, s.k)
					}
					for c := range s.k {
						up, down := path(c, e), path(c, -e)
						for it := range a {
							a[it][c] = (up[it] - down[it]) / (2 * e)
						}
					}
					return a
				}, false)
			}
		})
	}
}

// The compat form by the formula of tree_influence, for rows of weight 1.
func TestLeafInfluenceSingleEditCompat(t *testing.T) {
	s := specs()["binary"]
	p := newProblem(t, s)
	m, q := p.prepare(t, PrepareOptions{})
	_, sumH := p.leafTotals()
	one := make([]float64, p.nq)
	got := dense(t, edited(t, q, one, m.LeafInfluenceSingle, Options{Form: CompatForm}), m, q, influence.Quantity{}, false)
	p.compare(t, q, influence.Quantity{}, got, func(i int) [][]float64 {
		var a [][]float64
		f, shift := p.margins(i), 0.0
		for it := range p.forest.Iterations() {
			l := p.leaf[it][i]
			ratio := p.theta(it, l) / p.eta
			part := func(y, denominator float64) float64 {
				g, h, _, dh := p.deriveRow(y, f[it])
				return -p.eta * (g[0] + ratio*h[0] + (h[0]+ratio*dh[0])*shift) / denominator
			}
			_, hOld, _, _ := p.deriveRow(p.y[i], f[it])
			_, hNew, _, _ := p.deriveRow(0, f[it])
			d := sumH[it][l] + p.l2
			dv := part(p.y[i], d) - part(0, d-hOld[0]+hNew[0])
			if p.y[i] == 0 {
				dv = 0
			}
			a = append(a, []float64{-dv})
			shift += dv
		}
		return a
	}, false)
}

func TestLabelEditsAreRefused(t *testing.T) {
	p := newProblem(t, specs()["binary"])
	m, q := p.prepare(t, PrepareOptions{})
	_, err := m.LabelGradient(q, Options{LabelEdit: &LabelEdit{}})
	require.ErrorContains(t, err, "moving a label already")
	_, err = m.LeafInfluence(nil, Options{LabelEdit: &LabelEdit{}})
	require.ErrorContains(t, err, "asked about queries")
	_, err = m.LeafInfluence(q, Options{LabelEdit: &LabelEdit{Value: 0.5}})
	require.ErrorContains(t, err, "not 0 or 1")
	_, err = m.LeafInfluence(q, Options{LabelEdit: &LabelEdit{PerQuery: true}})
	require.ErrorContains(t, err, "no column of new labels")
}
