package gbdt

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
)

// The score of a pool is the sum of the scores of its queries.
func TestPoolsAreSumsOfQueries(t *testing.T) {
	for name, s := range specs() {
		if s.n > 100 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newProblem(t, s)
			m, q := p.prepare(t, PrepareOptions{Workers: 2})
			pools := &influence.Pools{Of: make([]int32, p.nq), Count: 4} // Pool 2 is empty.
			for i := range pools.Of {
				pools.Of[i] = []int32{0, 3, 1, 0}[i%4]
			}
			methods := map[string]func(*Queries, Options) (influence.Scorer, error){
				"boostin": m.BoostIn, "leafinfluence-single": m.LeafInfluenceSingle, "leafinfluence": m.LeafInfluence,
			}
			if s.k == 1 {
				methods["label-gradient"] = m.LabelGradient
			}
			for method, create := range methods {
				scorer, err := create(q, Options{})
				require.NoError(t, err)
				for _, of := range p.quantities() {
					j := influence.Job{Train: influence.RowRange(0, m.Rows()), Query: influence.RowRange(0, q.Rows()), Of: of, Precision: influence.Float64, Pools: pools}
					if of.Kind != influence.Loss && of.Output == influence.Predicted {
						_, err := scorer.Layout(j)
						require.ErrorContains(t, err, "name an output")
						continue
					}
					got, err := sink.Dense(t.Context(), scorer, j)
					require.NoError(t, err)
					j.Pools = nil
					all, err := sink.Dense(t.Context(), scorer, j)
					require.NoError(t, err)
					per := got.Layout.PerRow
					scale := 0.0
					for _, v := range all.Scores {
						scale = math.Max(scale, math.Abs(v))
					}
					for i := range m.Rows() {
						for pool := range pools.Count {
							for e := range per {
								want := 0.0
								for row, of := range pools.Of {
									if int(of) == pool {
										want += all.At(int64(row*per+e), i)
									}
								}
								require.InDelta(t, want, got.At(int64(pool*per+e), i), 1e-11*scale, "%s %s", method, of)
							}
						}
					}
				}
			}
		})
	}
}

func TestPoolsAreRefused(t *testing.T) {
	p := newProblem(t, specs()["binary"])
	m, q := p.prepare(t, PrepareOptions{})
	j := influence.Job{Train: influence.RowRange(0, m.Rows()), Query: influence.RowRange(0, q.Rows()), Pools: &influence.Pools{Of: make([]int32, p.nq), Count: 1}}
	edit, err := m.BoostIn(q, Options{LabelEdit: &LabelEdit{}})
	require.NoError(t, err)
	for _, s := range []influence.Scorer{edit, m.LeafSim(q), m.TreeSim(q, Cosine), m.Random(q, 1), m.TrainLoss(q)} {
		_, err := s.Layout(j)
		var unsupported *influence.UnsupportedError
		require.ErrorAs(t, err, &unsupported)
	}
	boostin, err := m.BoostIn(q, Options{})
	require.NoError(t, err)
	for _, bad := range []influence.Pools{{Of: make([]int32, 3), Count: 1}, {Of: make([]int32, p.nq)}} {
		j.Pools = &bad
		_, err := boostin.Layout(j)
		require.Error(t, err)
	}
}
