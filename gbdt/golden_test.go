package gbdt_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/gbdt/lightgbm"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/goldentest"
)

// columns binds the roles of a golden case.
func columns(c goldentest.Case) gbdt.Columns {
	return gbdt.Columns{Label: c.Target, Weight: c.Weight}
}

// open prepares a golden case and its queries.
func open(t *testing.T, c goldentest.Case) (*gbdt.Model, *gbdt.Queries, error) {
	t.Helper()
	f, err := lightgbm.Open(c.Path(c.Files.Model[0]))
	require.NoError(t, err)
	train, err := dataset.Open(c.Path("train.csv.gz"), dataset.Options{})
	require.NoError(t, err)
	m, err := gbdt.Prepare(t.Context(), f, train, gbdt.PrepareOptions{Columns: columns(c)})
	if err != nil {
		return m, nil, err
	}
	test, err := dataset.Open(c.Path("test.csv.gz"), dataset.Options{})
	require.NoError(t, err)
	q, err := m.Queries(t.Context(), test, columns(c))
	require.NoError(t, err)
	return m, q, nil
}

func TestGoldenLightGBM(t *testing.T) {
	for _, c := range goldentest.Cases(t, "lgb_", "old_lgb") {
		t.Run(c.Name, func(t *testing.T) {
			m, q, err := open(t, c)
			require.NoError(t, err)
			want := map[string]gbdt.Verdict{"exact": gbdt.Exact, "approx": gbdt.Approximate, "not_newton": gbdt.NotNewton}[c.Verification.Verdict]
			require.Equal(t, want, m.Fidelity().Verdict, "%+v", m.Fidelity())
			state := goldentest.NPZ(t, c.Path("model_state.npz"))
			checkState(t, m, q, state)
			if want == gbdt.Exact {
				for k, b := range m.Fidelity().Base {
					require.InDelta(t, c.Influence.Base[k], b, 1e-12*math.Max(1, math.Abs(b)))
				}
			}
			checkArrays(t, c, m, q)
		})
	}
}

func checkState(t *testing.T, m *gbdt.Model, q *gbdt.Queries, state map[string]goldentest.Array) {
	t.Helper()
	for name, got := range map[string]func(i int64) ([]uint32, []float64){
		"train": func(i int64) ([]uint32, []float64) { return m.TrainLeaves(t, i), m.TrainMargin(t, i) },
		"test":  func(i int64) ([]uint32, []float64) { return q.Leaves(t, i), q.Margin(i) },
	} {
		leaf, raw := state["leaf_"+name], state["raw_"+name]
		trees, k := leaf.Shape[1]*leaf.Shape[2], raw.Shape[1]
		for i := range leaf.Shape[0] {
			leaves, margins := got(int64(i))
			for u, l := range leaves {
				require.EqualValues(t, leaf.Data[i*trees+u], l, "%s row %d tree %d", name, i, u)
			}
			for c, f := range margins {
				require.InEpsilon(t, 10+raw.Data[i*k+c], 10+f, 1e-12, "%s row %d", name, i)
				require.LessOrEqual(t, math.Abs(raw.Data[i*k+c]-f), 1e-12*math.Max(1, math.Abs(f)))
			}
		}
	}
}

// checkArrays compares every stored array of the methods that exist, in both
// precisions.
func checkArrays(t *testing.T, c goldentest.Case, m *gbdt.Model, q *gbdt.Queries) {
	t.Helper()
	golden := goldentest.NPZ(t, c.Path("influence.npz"))
	for name, spec := range c.Arrays {
		o := gbdt.Options{}
		if strings.Contains(spec.Mode, "compat") {
			o.Form = gbdt.CompatForm
		}
		var s influence.Scorer
		var err error
		switch spec.Method {
		case "boostin":
			s, err = m.BoostIn(q, o)
		case "boostin_le":
			o.LabelEdit = &gbdt.LabelEdit{PerQuery: true}
			s, err = m.BoostIn(edited(t, c, m), o)
		case "boostin_w1":
			s, err = m.BoostInWeighted(q, 1, o)
		case "boostin_w2":
			s, err = m.BoostInWeighted(q, 2, o)
		case "leafinf_sp":
			s, err = m.LeafInfluenceSingle(q, o)
		case "leafinf", "label_grad":
			o.InitialScore = gbdt.InitialFixed
			if strings.Contains(spec.Mode, "bias") {
				o.InitialScore = gbdt.InitialRefit
			}
			s, err = m.LeafInfluence(q, o)
			if spec.Method == "label_grad" {
				s, err = m.LabelGradient(q, o)
			}
		case "inputsim":
			s, err = m.InputSim(q, gbdt.DefaultMeasure)
		case "leafsim":
			s = m.LeafSim(q)
		default:
			continue
		}
		require.NoError(t, err)
		for _, p := range []influence.Precision{influence.Float64, influence.Float32} {
			j := influence.Job{Train: influence.RowRange(0, m.Rows()), Query: influence.RowRange(0, q.Rows()), Precision: p}
			j.Self = strings.Contains(spec.Mode, "self")
			got, err := sink.Dense(t.Context(), s, j)
			require.NoError(t, err)
			tol := math.Max(spec.Tol, 1e-15)
			if p == influence.Float32 {
				tol = 1e-5
			}
			want := golden[name]
			worst, scale := 0.0, 0.0
			cols := len(want.Data) / want.Shape[0]
			for i := range want.Shape[0] {
				for e := range cols {
					w := want.Data[i*cols+e]
					if math.Abs(w) > 1e300 { // equal rows: the largest number of the type
						require.Greater(t, got.At(int64(e), int64(i))/w, 0.0)
						continue
					}
					worst = math.Max(worst, math.Abs(w-got.At(int64(e), int64(i))))
					scale = math.Max(scale, math.Abs(w))
				}
			}
			require.LessOrEqual(t, worst/scale, tol, "%s in %s", name, p)
		}
	}
}

// edited reads the queries of a case with the new label of each.
func edited(t *testing.T, c goldentest.Case, m *gbdt.Model) *gbdt.Queries {
	t.Helper()
	f, err := os.Open(c.Path("test.csv.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	text, err := io.ReadAll(z)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	lines[0] += ",new_label"
	for i, y := range c.Influence.Target {
		lines[i+1] += fmt.Sprintf(",%v", y)
	}
	path := filepath.Join(t.TempDir(), "query.csv")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o666))
	table, err := dataset.Open(path, dataset.Options{})
	require.NoError(t, err)
	columns := columns(c)
	columns.LabelEdit = "new_label"
	q, err := m.Queries(t.Context(), table, columns)
	require.NoError(t, err)
	return q
}

func TestGoldenRefusals(t *testing.T) {
	for _, c := range goldentest.Cases(t, "refuse_lgb") {
		_, _, err := open(t, c)
		var unsupported *influence.UnsupportedError
		require.True(t, errors.As(err, &unsupported), "%s: %v", c.Name, err)
		require.Contains(t, err.Error(), map[string]string{
			"refuse_lgb_dart": "dart", "refuse_lgb_linear": "linear", "refuse_lgb_rank": "lambdarank", "refuse_lgb_rf": "rf",
		}[c.Name])
	}
}
