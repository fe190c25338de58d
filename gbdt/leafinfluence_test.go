package gbdt

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
)

// refit makes all leaf values anew for row weights w, and the initial score too
// where it moves, and returns the margins of the query rows.
func (p *problem) refit(w []float64, moves bool) [][]float64 {
	n, k := len(p.y), p.forest.K
	base := append([]float64(nil), p.base...)
	if moves {
		kept := p.w
		p.w = w
		base, _ = p.loss.InitialScore(p.stats(k))
		p.w = kept
	}
	f := make([][]float64, len(p.x))
	for i := range f {
		f[i] = p.start(i, base)
	}
	for t := range p.forest.Iterations() {
		g, h := p.derive(f[:n])
		for c := range k {
			u := t*k + c
			sumG, sumH := make([]float64, 5), make([]float64, 5)
			for i := range n {
				sumG[p.leaf[u][i]] += p.in(t, i) * w[i] * g[i][c]
				sumH[p.leaf[u][i]] += p.in(t, i) * w[i] * h[i][c]
			}
			for i := range f {
				l := p.leaf[u][i]
				f[i][c] += p.newton(sumG[l], sumH[l])
			}
		}
	}
	return f[n:]
}

// The definition: −w·dJ(q)/dw of the refit at a fixed structure, by central
// differences.
func TestLeafInfluenceAgainstRefit(t *testing.T) {
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
				scorer, err := m.LeafInfluence(q, Options{InitialScore: initial})
				require.NoError(t, err)
				for _, of := range p.quantities() {
					got := dense(t, scorer, m, q, of, false)
					p.compareRefit(t, q, of, initial == InitialRefit, got)
				}
			})
		}
	}
}

func (p *problem) compareRefit(t *testing.T, q *Queries, of influence.Quantity, moves bool, got sink.Matrix) {
	t.Helper()
	n, per := len(p.y), got.Layout.PerRow
	scale := 0.0
	for _, v := range got.Scores {
		scale = math.Max(scale, math.Abs(v))
	}
	require.Positive(t, scale)
	weights := func(i int, factor float64) []float64 {
		w := make([]float64, n)
		for j := range w {
			w[j] = p.weight(j)
		}
		w[i] *= factor
		return w
	}
	for i := range n {
		const e = 1e-5
		up, down := p.refit(weights(i, 1+e), moves), p.refit(weights(i, 1-e), moves)
		for row := range p.nq {
			for entry := range per {
				output := entry
				switch {
				case of.Kind == influence.Loss:
					output = 0
				case got.Layout.Output != nil:
					output = int(got.Layout.Output[row*per+entry])
				}
				y := q.Label(int64(row))
				want := -(p.value(of, output, y, up[row]) - p.value(of, output, y, down[row])) / (2 * e)
				if of.Kind != influence.Loss {
					want = -want // presence pushes the quantity up: +w·dM/dw
				}
				require.InDelta(t, want, got.At(int64(row*per+entry), int64(i)), 1e-6*scale, "%s train %d query %d entry %d", of, i, row, entry)
			}
		}
	}
}

// One pass carries what the memory allows; the width cannot change a bit.
func TestLeafInfluenceDoesNotDependOnMemory(t *testing.T) {
	p := newProblem(t, specs()["multiclass"])
	m, q := p.prepare(t, PrepareOptions{})
	var want []float64
	for _, memory := range []int64{0, 1, reverseBytes(m.Rows()*int64(m.k), 1), reverseBytes(m.Rows()*int64(m.k), 5)} {
		s, err := m.LeafInfluence(q, Options{MemoryBytes: memory})
		require.NoError(t, err)
		got := dense(t, s, m, q, influence.Quantity{}, false)
		if want == nil {
			want = got.Scores
		}
		require.Equal(t, want, got.Scores)
	}
}

func TestLeafInfluenceSelfIsTheDiagonal(t *testing.T) {
	for _, name := range []string{"binary l1", "multiclass", "bagged multiclass"} {
		p := newProblem(t, specs()[name])
		m, _ := p.prepare(t, PrepareOptions{})
		q, err := m.Queries(t.Context(), p.train, p.columns())
		require.NoError(t, err)
		s, err := m.LeafInfluence(q, Options{})
		require.NoError(t, err)
		self := dense(t, s, m, q, influence.Quantity{}, true)
		all := dense(t, s, m, q, influence.Quantity{}, false)
		for i := range m.Rows() {
			require.InDelta(t, all.At(i, i), self.At(0, i), 1e-12)
		}
	}
}

func TestInitialScoreMustBeReproduced(t *testing.T) {
	p := newProblem(t, specs()["regression weights"])
	m, q := p.prepare(t, PrepareOptions{})
	_, err := m.LeafInfluence(q, Options{InitialScore: InitialRefit})
	require.ErrorContains(t, err, "not reproduced")
	s, err := m.LeafInfluence(q, Options{})
	require.NoError(t, err)
	require.Contains(t, s.Describe().Approximate, "the initial score is held fixed")
}

// The definition: dJ(q)/dy of the refit at a fixed structure, by central
// differences in the label of one row.
func TestLabelGradientAgainstRefit(t *testing.T) {
	for name, s := range specs() {
		if s.n > 100 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newProblem(t, s)
			m, q := p.prepare(t, PrepareOptions{})
			scorer, err := m.LabelGradient(q, Options{})
			if s.k > 1 {
				require.ErrorIs(t, err, errNoLabelSlope)
				return
			}
			require.NoError(t, err)
			if s.loss.Name == "binary" {
				return // Between the classes the loss has no value to take differences of.
			}
			w := make([]float64, len(p.y))
			for i := range w {
				w[i] = p.weight(i)
			}
			for _, of := range p.quantities() {
				got := dense(t, scorer, m, q, of, false)
				scale := 0.0
				for _, v := range got.Scores {
					scale = math.Max(scale, math.Abs(v))
				}
				for i := range p.y {
					const e = 1e-5
					y := p.y[i]
					p.y[i] = y + e
					up := p.refit(w, !s.noBase)
					p.y[i] = y - e
					down := p.refit(w, !s.noBase)
					p.y[i] = y
					for row := range p.nq {
						output := 0
						if got.Layout.Output != nil {
							output = int(got.Layout.Output[row*got.Layout.PerRow])
						}
						label := q.Label(int64(row))
						want := (p.value(of, output, label, up[row]) - p.value(of, output, label, down[row])) / (2 * e)
						require.InDelta(t, want, got.At(int64(row*got.Layout.PerRow), int64(i)), 1e-6*scale, "%s train %d query %d", of, i, row)
					}
				}
			}
		})
	}
}
