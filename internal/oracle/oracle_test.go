package oracle

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/goldentest"
)

// TestAgainstLightGBM holds leaves, margins, verdict and scores of every drawn
// model against the library and the reference.
func TestAgainstLightGBM(t *testing.T) {
	models, seed := drawnModels(t)
	t.Logf("%d models from seed %s", len(models), seed)
	for _, d := range models {
		t.Run(filepath.Base(d.dir), func(t *testing.T) {
			want := d.want(t)
			f := d.forest(t)
			checkLeaves(t, d, f, want)
			c := gbdt.Columns{Label: d.Label, Weight: d.Weight, Group: d.Zero}
			m, err := d.prepare(t, f, c)
			if !d.Consistent {
				var mismatch *gbdt.MismatchError
				require.ErrorAs(t, err, &mismatch)
				return
			}
			require.NoError(t, err)
			require.Equal(t, gbdt.Exact, m.Fidelity().Verdict, "%+v", m.Fidelity())
			train, test := d.queries(t, m, d.Train, c), d.queries(t, m, d.Test, c)
			checkMargins(t, train, want["raw_train"])
			checkMargins(t, test, want["raw_test"])
			checkScores(t, d, m, test, want)
		})
	}
}

// numbered returns a forest with the trees of f in which leaf l has the value l
// and each tree an output of its own, so that the margins of a row are its leaf
// numbers.
func numbered(f *gbdt.Forest) *gbdt.Forest {
	g := *f
	g.Loss = gbdt.LossSpec{Name: "multiclassova"}
	g.Train = gbdt.Training{Known: true, Lost: []string{"leaf numbers"}}
	g.Trees = append([]gbdt.Tree(nil), f.Trees...)
	if len(g.Trees) == 1 {
		g.Trees = append(g.Trees, g.Trees[0])
	}
	g.K = len(g.Trees)
	for u := range g.Trees {
		t := &g.Trees[u]
		t.Shrinkage = 0.5
		t.LeafValue = make([]float64, t.Leaves())
		for l := range t.LeafValue {
			t.LeafValue[l] = float64(l)
		}
	}
	return &g
}

func checkLeaves(t *testing.T, d drawn, f *gbdt.Forest, want map[string]goldentest.Array) {
	t.Helper()
	c := gbdt.Columns{Label: d.Zero, Weight: d.Weight, Group: d.Label}
	m, err := d.prepare(t, numbered(f), c)
	require.NoError(t, err)
	for _, side := range []struct{ name, file string }{{"train", d.Train}, {"test", d.Test}} {
		q, leaf := d.queries(t, m, side.file, c), want["leaf_"+side.name]
		require.EqualValues(t, leaf.Shape[0], q.Rows())
		require.Len(t, f.Trees, leaf.Shape[1])
		for i := range leaf.Shape[0] {
			got := q.Margin(int64(i))
			for u := range f.Trees {
				require.Equal(t, leaf.Data[i*leaf.Shape[1]+u], got[u], "%s row %d tree %d", side.name, i, u)
			}
		}
	}
}

func checkMargins(t *testing.T, q *gbdt.Queries, raw goldentest.Array) {
	t.Helper()
	k := raw.Shape[1]
	for i := range raw.Shape[0] {
		for c, f := range q.Margin(int64(i)) {
			w := raw.Data[i*k+c]
			require.LessOrEqual(t, math.Abs(f-w), 1e-12*math.Max(1, math.Abs(w)), "row %d output %d: %v, not %v", i, c, f, w)
		}
	}
}

// checkScores compares with the matrices of the reference, where they are.
// The tolerances are those of the goldens; where the parameters were inferred,
// the leaf values tell them only up to gbdt.LeafTolerance.
func checkScores(t *testing.T, d drawn, m *gbdt.Model, q *gbdt.Queries, want map[string]goldentest.Array) {
	t.Helper()
	compat := gbdt.Options{Form: gbdt.CompatForm}
	for _, s := range []struct {
		name string
		make func() (influence.Scorer, error)
		self bool
		tol  float64
	}{
		{"boostin", func() (influence.Scorer, error) { return m.BoostIn(q, gbdt.Options{}) }, false, 1e-9},
		{"boostin_compat", func() (influence.Scorer, error) { return m.BoostIn(q, compat) }, false, 1e-9},
		{"boostin_self", func() (influence.Scorer, error) { return m.BoostIn(q, gbdt.Options{}) }, true, 1e-9},
		{"leafinf_sp", func() (influence.Scorer, error) { return m.LeafInfluenceSingle(q, gbdt.Options{}) }, false, 1e-9},
		{"leafinf_sp_compat", func() (influence.Scorer, error) { return m.LeafInfluenceSingle(q, compat) }, false, 1e-9},
		{"leafsim", func() (influence.Scorer, error) { return m.LeafSim(q), nil }, false, 1e-12},
	} {
		array, ok := want[s.name]
		if !ok {
			continue
		}
		scorer, err := s.make()
		require.NoError(t, err)
		n := array.Shape[0]
		queries := len(array.Data) / n
		j := influence.Job{
			Train: influence.RowRange(0, m.Rows()), Query: influence.RowRange(0, int64(queries)),
			Precision: influence.Float64, Self: s.self,
		}
		got, err := sink.Dense(t.Context(), scorer, j)
		require.NoError(t, err)
		tol, worst, scale := s.tol, 0.0, 0.0
		if d.Stripped {
			tol = 1e-5
		}
		for i := range n {
			for e := range queries {
				w := array.Data[i*queries+e]
				worst = math.Max(worst, math.Abs(w-got.At(int64(e), int64(i))))
				scale = math.Max(scale, math.Abs(w))
			}
		}
		require.LessOrEqual(t, worst, tol*scale+want["noise"].Data[0], s.name)
	}
}
