package gbdt

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
)

// byMeasure is the definition of a similarity of two vectors.
func byMeasure(m Measure, a, b []float64, largest float64) float64 {
	var ab, aa, bb, square float64
	for i := range a {
		ab += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
		square += (a[i] - b[i]) * (a[i] - b[i])
	}
	switch {
	case m == Cosine:
		return ab / math.Sqrt(aa*bb)
	case m == Euclidean && square == 0:
		return largest
	case m == Euclidean:
		return 1 / math.Sqrt(square)
	}
	return ab
}

// TreeSim is checked against leaf vectors that are written out.
func TestTreeSimComparesLeafVectors(t *testing.T) {
	for _, name := range []string{"regression", "multiclass"} {
		p := newProblem(t, specs()[name])
		m, q := p.prepare(t, PrepareOptions{})
		vectors := func(rows *rowSet) [][]float64 {
			out := make([][]float64, rows.index.rows)
			for i := range out {
				out[i] = make([]float64, m.offset[len(m.theta)])
				leaf := make([]uint32, 1)
				ids := rows.reader()
				require.NoError(t, ids.load(i/blockRows))
				for u := range m.theta {
					ids.leaves(u, i%blockRows, leaf)
					j := m.offset[u] + int(leaf[0])
					out[i][j] = 1 / float64(m.inLeaf[j])
				}
			}
			return out
		}
		train, query := vectors(&m.train), vectors(&q.rows)
		for _, measure := range []Measure{Dot, Cosine, Euclidean} {
			for precision, largest := range map[influence.Precision]float64{influence.Float32: math.MaxFloat32, influence.Float64: math.MaxFloat64} {
				j := influence.Job{Train: influence.RowRange(0, m.Rows()), Query: influence.RowRange(0, q.Rows()), Precision: precision}
				d, err := sink.Dense(t.Context(), m.TreeSim(q, measure), j)
				require.NoError(t, err)
				tolerance := map[influence.Precision]float64{influence.Float32: 1e-6, influence.Float64: 1e-12}[precision]
				for i := range train {
					for e := range query {
						want := byMeasure(measure, train[i], query[e], largest) * m.agreement(m.train.y[i], q.rows.y[e], q.margins[0][e])
						require.InDelta(t, want, d.At(int64(e), int64(i)), tolerance*math.Abs(want), "%s %s %v", name, measure, precision)
					}
				}
				j.Self = true
				d, err = sink.Dense(t.Context(), m.TreeSim(q, measure), j)
				require.NoError(t, err)
				for i := range train {
					want := byMeasure(measure, train[i], train[i], largest)
					require.InDelta(t, want, math.Abs(d.At(0, int64(i))), tolerance*want, "%s %s", name, measure)
				}
			}
		}
	}
}

func TestInputSimComparesFeatures(t *testing.T) {
	s := specs()["regression"]
	s.noGaps = true
	p := newProblem(t, s)
	m, q := p.prepare(t, PrepareOptions{})
	for _, measure := range []Measure{Dot, Cosine, Euclidean} {
		scorer, err := m.InputSim(q, measure)
		require.NoError(t, err)
		d := dense(t, scorer, m, q, influence.Quantity{}, false)
		for i := range s.n {
			for e := range p.nq {
				want := byMeasure(measure, p.x[i], p.x[s.n+e], math.MaxFloat64) * m.agreement(p.y[i], q.rows.y[e], q.margins[0][e])
				require.InDelta(t, want, d.At(int64(e), int64(i)), 1e-12*math.Abs(want)+1e-15)
			}
		}
	}
}
