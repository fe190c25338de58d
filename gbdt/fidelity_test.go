package gbdt

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

func TestEveryLossIsReproduced(t *testing.T) {
	for name, s := range specs() {
		t.Run(name, func(t *testing.T) {
			p := newProblem(t, s)
			m, _ := p.prepare(t, PrepareOptions{})
			f := m.Fidelity()
			require.Equal(t, Exact, f.Verdict, "%+v", f)
			require.Less(t, f.LeafDeviation, 1e-12)
			require.Equal(t, !s.noBase, f.Refit)
			for c := range p.base {
				require.InDelta(t, p.base[c], f.Base[c], 1e-12*math.Max(1, math.Abs(p.base[c])))
			}
		})
	}
}

func TestParametersAreInferred(t *testing.T) {
	for name, s := range specs() {
		if s.goss {
			continue // A file without parameters does not say that it is GOSS's.
		}
		t.Run(name, func(t *testing.T) {
			s.unknown = true
			if s.loss.ScalePosWeight != 0 {
				s.loss.ScalePosWeight = 0 // A label weight cannot be told from the leaves.
			}
			p := newProblem(t, s)
			p.forest.Train = Training{CatL2: 10, BoostFromAverage: true}
			m, _ := p.prepare(t, PrepareOptions{})
			f := m.Fidelity()
			require.Equal(t, Exact, f.Verdict, "%+v", f)
			require.InDelta(t, s.l1, f.L1, 1e-3)
			require.InDelta(t, s.l2, f.L2, 1e-3)
			require.NotEmpty(t, f.Inferred)
		})
	}
}

// LightGBM before 3 multiplied the Hessian of multiclass by 2; the file does
// not say so.
func TestOldHessianFactorIsFound(t *testing.T) {
	s := specs()["multiclass"]
	s.loss.HessianFactor = 2
	s.version = "v2"
	p := newProblem(t, s)
	p.forest.Loss.HessianFactor = 0
	m, _ := p.prepare(t, PrepareOptions{})
	require.Equal(t, Exact, m.Fidelity().Verdict)
	require.Contains(t, m.Fidelity().Inferred[0], "Hessian factor 2")

	p.forest.Version = "v4"
	mismatch(t, p, p.columns())
}

func TestGivenParametersWin(t *testing.T) {
	s := specs()["binary"]
	p := newProblem(t, s)
	p.forest.Train.L2 = 77 // wrong in the file
	l2 := s.l2
	m, _ := p.prepare(t, PrepareOptions{L2: &l2, LearningRate: []float64{p.eta}})
	require.Equal(t, Exact, m.Fidelity().Verdict)

	_, err := Prepare(t.Context(), p.forest, p.train, PrepareOptions{Columns: p.columns(), LearningRate: []float64{0.1, 0.2}})
	require.ErrorContains(t, err, "2 learning rates for 7 iterations")
}

func TestOptionsListAllThatIsWrong(t *testing.T) {
	bad := -1.0
	err := PrepareOptions{LearningRate: []float64{0}, L1: &bad, L2: &bad, Workers: -1, IndexBytes: -1}.Validate()
	for _, want := range []string{"learning rate 0", "lambda_l1", "lambda_l2", "workers", "leaf index"} {
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, PrepareOptions{}.Validate())
}

// mismatch prepares and returns the mismatch that must come.
func mismatch(t *testing.T, p *problem, c Columns) *MismatchError {
	t.Helper()
	m, err := Prepare(t.Context(), p.forest, p.train, PrepareOptions{Columns: c})
	var wrong *MismatchError
	require.ErrorAs(t, err, &wrong)
	require.NotNil(t, m)
	require.Equal(t, Mismatch, m.Fidelity().Verdict)
	require.False(t, m.Fidelity().Usable(true))
	require.NotContains(t, err.Error(), "\n")
	return wrong
}

func TestOtherRowsAreAMismatch(t *testing.T) {
	p := newProblem(t, specs()["regression"])
	p.forest.Trees[2].LeafCount[1]++
	p.forest.Trees[2].LeafCount[2]--
	wrong := mismatch(t, p, p.columns())
	require.Equal(t, 2, wrong.Fidelity.CountsOff)
	d := wrong.Fidelity.Disagreements[0]
	require.Equal(t, [2]int{2, 1}, [2]int{d.Tree, d.Leaf})
	for _, row := range d.FirstRow {
		require.EqualValues(t, 1, p.leaf[2][row])
	}
	require.ErrorContains(t, wrong, "another number of train rows")
}

func TestOtherLabelsAreAMismatch(t *testing.T) {
	p := newProblem(t, specs()["binary"])
	p.train = p.table(t, filepath.Join(t.TempDir(), "train.csv"), 0, len(p.y), flipped(p.y), p.w)
	wrong := mismatch(t, p, p.columns())
	require.Positive(t, wrong.Fidelity.LeavesOff)
	require.Zero(t, wrong.Fidelity.CountsOff)
}

func flipped(y []float64) []float64 {
	out := append([]float64(nil), y...)
	for i := range out[:len(out)/2] {
		out[i] = 1 - out[i]
	}
	return out
}

func TestMissingWeightsAreAMismatch(t *testing.T) {
	p := newProblem(t, specs()["regression weights"])
	mismatch(t, p, Columns{Label: "label"})
}

func TestLostTrainingMakesItApproximate(t *testing.T) {
	p := newProblem(t, specs()["binary"])
	p.forest.Train.Lost = []string{"bagging_fraction=0.7"}
	m, q := p.prepare(t, PrepareOptions{})
	require.Equal(t, Exact, m.Fidelity().Verdict, "a rule that changed nothing is no reason for doubt")
	require.NoError(t, errOf(m.BoostIn(q, Options{})))

	for i := range p.forest.Trees {
		p.forest.Trees[i].LeafCount[0]--
	}
	m, q = p.prepare(t, PrepareOptions{})
	require.Equal(t, Approximate, m.Fidelity().Verdict)
	require.Contains(t, m.Fidelity().Reasons[0], "bagging_fraction=0.7")
	var verdict *VerdictError
	for method, err := range map[string]error{
		"boostin": errOf(m.BoostIn(q, Options{})), "boostin-lca": errOf(m.BoostInLCA(q, Options{})),
		"leafinfluence": errOf(m.LeafInfluence(q, Options{})), "label-gradient": errOf(m.LabelGradient(q, Options{})),
	} {
		require.ErrorAs(t, err, &verdict)
		require.Equal(t, method, verdict.Method)
		require.ErrorContains(t, err, "--allow-approximate")
	}
	s, err := m.BoostIn(q, Options{AllowApproximate: true})
	require.NoError(t, err)
	require.Contains(t, strings.Join(s.Describe().Approximate, " "), "bagging")
	require.Contains(t, strings.Join(m.LeafSim(q).Describe().Approximate, " "), "similarity")
}

func errOf(_ influence.Scorer, err error) error { return err }

func TestNoCountsIsWeak(t *testing.T) {
	p := newProblem(t, specs()["binary"])
	for i := range p.forest.Trees {
		p.forest.Trees[i].LeafCount = nil
	}
	m, q := p.prepare(t, PrepareOptions{})
	require.Equal(t, Weak, m.Fidelity().Verdict)
	require.Error(t, errOf(m.LeafInfluenceSingle(q, Options{})))
	require.NoError(t, errOf(m.LeafInfluenceSingle(q, Options{AllowApproximate: true})))
}

func TestPredictionsAreCompared(t *testing.T) {
	for _, link := range []string{"margin", "probability"} {
		p := newProblem(t, specs()["binary"])
		write := func(spoil int) *dataset.Table {
			var b strings.Builder
			b.WriteString("c0,c1,c2,c3,label,pred\n")
			for i := range p.y {
				f := p.margins(i)
				v := f[len(f)-1][0]
				if link == "probability" {
					v = 1 / (1 + math.Exp(-v))
				}
				if i == spoil {
					v += 0.01
				}
				for _, x := range p.x[i] {
					if !math.IsNaN(x) {
						fmt.Fprint(&b, x)
					}
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, "%v,%v\n", p.y[i], v)
			}
			path := filepath.Join(t.TempDir(), "t.csv")
			require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o666))
			table, err := dataset.Open(path, dataset.Options{})
			require.NoError(t, err)
			return table
		}
		c := Columns{Label: "label", Predictions: "pred"}
		p.train = write(-1)
		m, err := Prepare(t.Context(), p.forest, p.train, PrepareOptions{Columns: c})
		require.NoError(t, err)
		require.True(t, m.Fidelity().PredictionsRead)
		p.train = write(17)
		wrong := mismatch(t, p, c)
		require.EqualValues(t, 1, wrong.Fidelity.PredictionsOff)
		require.EqualValues(t, 17, wrong.Fidelity.RowsOff[0].Row)
		require.ErrorContains(t, wrong, "row 17")
	}
}

func TestBadLabelsNameTheirLine(t *testing.T) {
	p := newProblem(t, specs()["multiclass"])
	y := append([]float64(nil), p.y...)
	y[4] = 7
	p.train = p.table(t, filepath.Join(t.TempDir(), "train.csv"), 0, len(y), y, nil)
	_, err := Prepare(t.Context(), p.forest, p.train, PrepareOptions{Columns: p.columns()})
	var bad *dataset.Error
	require.ErrorAs(t, err, &bad)
	require.EqualValues(t, 6, bad.Line)
	require.Equal(t, "label", bad.Column)
}

func TestUnsupportedModelsAreRefusedByName(t *testing.T) {
	p := newProblem(t, specs()["binary"])
	p.forest.Unsupported = []*influence.UnsupportedError{{What: "boosting=dart", Reason: "r"}}
	_, err := Prepare(t.Context(), p.forest, p.train, PrepareOptions{Columns: p.columns()})
	var u *influence.UnsupportedError
	require.True(t, errors.As(err, &u))
	require.Equal(t, "boosting=dart", u.What)
}
