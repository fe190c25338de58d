package gbdt

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/influence/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Equal bits over workers, and with the leaf index in a file.
func TestSameBitsForAnyWorkersAndMemory(t *testing.T) {
	for _, name := range []string{"many rows", "bagged many rows", "multiclass"} {
		p := newProblem(t, specs()[name])
		var want []float64
		for _, o := range []PrepareOptions{{Workers: 1}, {Workers: 2}, {Workers: 5}, {Workers: 16}, {Workers: 3, IndexBytes: 1, Tmp: t.TempDir()}} {
			m, q := p.prepare(t, o)
			scorer, err := m.LeafInfluenceSingle(q, Options{})
			require.NoError(t, err)
			j := influence.Job{Train: influence.RowRange(0, m.Rows()), Query: influence.RowRange(0, q.Rows())}
			d, err := sink.Dense(t.Context(), scorer, j)
			require.NoError(t, err)
			if want == nil {
				want = d.Scores
			}
			require.Equal(t, want, d.Scores, "%+v", o)
		}
	}
}

// Every method runs the conformance suite, with another number of workers each
// time a scorer is made.
func TestScorersKeepTheContract(t *testing.T) {
	for _, name := range []string{"binary l1", "multiclass", "bagged binary"} {
		p := newProblem(t, specs()[name])
		type prepared struct {
			m *Model
			q *Queries
		}
		var models []prepared
		for _, workers := range []int{1, 3} {
			m, q := p.prepare(t, PrepareOptions{Workers: workers})
			models = append(models, prepared{m, q})
		}
		for method, scorer := range map[string]func(m *Model, q *Queries) (influence.Scorer, error){
			"boostin":    func(m *Model, q *Queries) (influence.Scorer, error) { return m.BoostIn(q, Options{}) },
			"boostin-w2": func(m *Model, q *Queries) (influence.Scorer, error) { return m.BoostInWeighted(q, 2, Options{}) },
			"single":     func(m *Model, q *Queries) (influence.Scorer, error) { return m.LeafInfluenceSingle(q, Options{}) },
			"leafinfluence": func(m *Model, q *Queries) (influence.Scorer, error) {
				return m.LeafInfluence(q, Options{MemoryBytes: int64(m.workers) * 40_000})
			},
			"lca":     func(m *Model, q *Queries) (influence.Scorer, error) { return m.BoostInLCA(q, Options{}) },
			"treesim": func(m *Model, q *Queries) (influence.Scorer, error) { return m.TreeSim(q, Cosine), nil },
			"whole edit": func(m *Model, q *Queries) (influence.Scorer, error) {
				return m.LeafInfluence(q, Options{LabelEdit: &LabelEdit{Value: 1}, MemoryBytes: int64(m.workers) * 40_000})
			},
			"edit": func(m *Model, q *Queries) (influence.Scorer, error) {
				return m.BoostIn(q, Options{LabelEdit: &LabelEdit{Value: 1}})
			},
			"leafsim":  func(m *Model, q *Queries) (influence.Scorer, error) { return m.LeafSim(q), nil },
			"random":   func(m *Model, q *Queries) (influence.Scorer, error) { return m.Random(q, 5), nil },
			"loss":     func(m *Model, q *Queries) (influence.Scorer, error) { return m.TrainLoss(q), nil },
			"target":   func(m *Model, q *Queries) (influence.Scorer, error) { return m.Target(q, 5), nil },
			"minority": func(m *Model, q *Queries) (influence.Scorer, error) { return m.Minority(q, 5), nil },
		} {
			for _, of := range []influence.Quantity{{}, {Kind: influence.Margin, Output: influence.Every}} {
				t.Run(name+"/"+method+"/"+of.String(), func(t *testing.T) {
					calls := 0
					influencetest.Scorer(t, func() (influence.Scorer, int64, int64) {
						p := models[calls%len(models)]
						calls++
						s, err := scorer(p.m, p.q)
						require.NoError(t, err)
						return s, p.m.Rows(), p.q.Rows()
					}, influencetest.Options{Of: of, NoSelf: strings.HasSuffix(method, "edit") || of.Output == influence.Every})
				})
			}
		}
	}
}
