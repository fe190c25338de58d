package gbdt

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
)

// A place is a node of a tree: an inner node i ≥ 0 or leaf ^i.
type place = int32

// ancestors returns the places from the root down to leaf l.
func ancestors(t *Tree, l uint32) []place {
	parent := map[place]place{}
	for i := range t.Feature {
		parent[t.Left[i]], parent[t.Right[i]] = place(i), place(i)
	}
	path := []place{^place(l)}
	for path[0] != 0 {
		path = append([]place{parent[path[0]]}, path...)
	}
	return path
}

// meeting returns the deepest place that two leaves have above them, and its depth.
func meeting(t *Tree, a, b uint32) (at place, depth int) {
	pa, pb := ancestors(t, a), ancestors(t, b)
	for depth < min(len(pa), len(pb))-1 && pa[depth+1] == pb[depth+1] {
		depth++
	}
	return pa[depth], depth
}

// BoostInLCA by its definition, pair by pair and with sums over rows.
func TestBoostInLCAByPairs(t *testing.T) {
	for _, name := range []string{"regression weights", "binary l1", "multiclass", "poisson", "own base", "bagged binary"} {
		t.Run(name, func(t *testing.T) {
			s := specs()[name]
			p := newProblem(t, s)
			m, q := p.prepare(t, PrepareOptions{Workers: 2})
			n := len(p.y)
			margins := make([][][]float64, n) // [row][iteration][class]
			for i := range margins {
				margins[i] = p.margins(i)
			}
			// node returns θ and D of a place of tree u, by a loop over the rows below it.
			type key struct {
				u  int
				at place
			}
			known := map[key][2]float64{}
			node := func(u int, at place) (theta, d float64) {
				if v, ok := known[key{u, at}]; ok {
					return v[0], v[1]
				}
				var g, h float64
				for j := range n {
					for _, above := range ancestors(&p.forest.Trees[u], p.leaf[u][j]) {
						if above == at {
							gj, hj, _, _ := p.deriveRow(p.y[j], margins[j][u/s.k])
							g += p.in(u/s.k, j) * p.weight(j) * gj[u%s.k]
							h += p.in(u/s.k, j) * p.weight(j) * hj[u%s.k]
						}
					}
				}
				theta, d = p.newton(g, h), h+p.l2
				if at < 0 {
					theta = p.theta(u, uint32(^at))
				}
				if math.Abs(g) <= p.l1 && p.l1 > 0 || d <= 0 {
					d = math.Inf(1)
				}
				known[key{u, at}] = [2]float64{theta, d}
				return theta, d
			}
			pair := func(i, row int, y float64, of influence.Quantity, output int) float64 {
				f := p.start(row, p.base)
				sum := 0.0
				for it := range p.forest.Iterations() {
					next := append([]float64(nil), f...)
					for c := range s.k {
						u := it*s.k + c
						tree := &p.forest.Trees[u]
						at, depth := meeting(tree, p.leaf[u][i], p.leaf[u][row])
						theta, d := node(u, at)
						deepest, total := 0, 0.0
						for l := range tree.LeafValue {
							deepest = max(deepest, len(ancestors(tree, uint32(l)))-1)
						}
						for e := range deepest + 1 {
							total += math.Exp(float64(e))
						}
						g, h, _, _ := p.deriveRow(p.y[i], margins[i][it])
						a := p.in(it, i) * p.weight(i) * (p.eta*g[c] + theta*h[c]) / d
						sum += math.Exp(float64(depth)) / total * a * p.seed(of, output, y, f, c)
						next[c] += theta
					}
					f = next
				}
				return sum
			}
			scorer, err := m.BoostInLCA(q, Options{})
			require.NoError(t, err)
			of := influence.Quantity{}
			got := dense(t, scorer, m, q, of, false)
			self := dense(t, scorer, m, q, of, true)
			scale := 0.0
			for _, v := range got.Scores {
				scale = math.Max(scale, math.Abs(v))
			}
			for i := range n {
				for row := range p.nq {
					require.InDelta(t, pair(i, n+row, q.Label(int64(row)), of, 0), got.At(int64(row), int64(i)), 1e-7*scale, "train %d query %d", i, row)
				}
				want := pair(i, i, p.y[i], of, 0)
				require.InDelta(t, want, self.At(0, int64(i)), 1e-6*math.Max(scale, math.Abs(want)), "self %d", i)
			}
			of = influence.Quantity{Kind: influence.Margin, Output: influence.Every}
			got = dense(t, scorer, m, q, of, false)
			for i := range 5 {
				for e := range got.Layout.PerRow {
					output := int(got.Layout.Output[e])
					require.InDelta(t, pair(i, n, 0, of, output), got.At(int64(e), int64(i)), 1e-7*scale)
				}
			}
		})
	}
}

func TestBoostInLCARefuses(t *testing.T) {
	p := newProblem(t, specs()["binary"])
	m, q := p.prepare(t, PrepareOptions{})
	_, err := m.BoostInLCA(q, Options{Form: CompatForm})
	require.ErrorContains(t, err, "no compat form")
	_, err = m.BoostInLCA(q, Options{LabelEdit: &LabelEdit{}})
	require.ErrorContains(t, err, "label edit")
}
