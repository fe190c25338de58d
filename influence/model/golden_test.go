package model_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/model"
	"github.com/infl-dev/infl/internal/goldentest"
)

// A golden is a case of convex models: examples from its captures, labels, and arrays.
type golden struct {
	dir          string
	mu           float64
	train, query *model.Data
	tolerance    map[string]float64
}

var goldenKinds = map[string]model.Kind{"ridge_exact": model.Ridge, "softmax_exact": model.Softmax, "softmax_exact_strong": model.Softmax}

func openGolden(t *testing.T, name string) *golden {
	t.Helper()
	g := &golden{dir: filepath.Join(goldentest.Dir(t, "neural"), name), tolerance: map[string]float64{}}
	text, err := os.ReadFile(filepath.Join(g.dir, "expected.json"))
	require.NoError(t, err)
	var j struct {
		Mu       float64
		Expected map[string]struct {
			Tol float64 `json:"tol_f64"`
		}
	}
	require.NoError(t, json.Unmarshal(text, &j))
	g.mu = j.Mu
	for array, x := range j.Expected {
		g.tolerance[array] = x.Tol
	}
	g.train, g.query = g.data(t, "train"), g.data(t, "query")
	return g
}

// data returns the rows of a split. Labels of the ridge case follow from the
// prediction and the captured residual.
func (g *golden) data(t *testing.T, split string) *model.Data {
	c, err := capture.Open(filepath.Join(g.dir, "capture", split), capture.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	d := &model.Data{Keys: c.Keys()}
	theta := g.array(t, "theta")
	for b, err := range c.Blocks(context.Background(), 0, c.Len(), capture.BlockOptions{}) {
		require.NoError(t, err)
		var buffers [2][]float64
		a, err := capture.Inputs(b, "linear", false, &buffers[0])
		require.NoError(t, err)
		r, err := capture.OutputGradients(b, "linear", &buffers[1])
		require.NoError(t, err)
		for i := range a.Rows {
			row := a.Row(i)[:c.Manifest().Modules[0].In]
			d.X = append(d.X, row...)
			if r.Cols == 1 {
				y := theta[len(theta)-1] - r.At(i, 0)
				for j, v := range row {
					y += v * theta[j]
				}
				d.Y = append(d.Y, y)
			}
		}
	}
	if d.Y == nil {
		d.Y = g.array(t, "labels_"+split)
	}
	return d
}

func (g *golden) array(t *testing.T, name string) []float64 {
	t.Helper()
	v, err := goldentest.NPY(filepath.Join(g.dir, "expected", name+".npy"))
	require.NoError(t, err)
	return v.Data
}

// check compares numbers with an array, within the case's own tolerance.
func (g *golden) check(t *testing.T, name string, got []float64) {
	t.Helper()
	require.Less(t, worst(got, g.array(t, name)), g.tolerance[name], name)
}

// worst is the largest error by the largest magnitude.
func worst(got, want []float64) float64 {
	if len(got) != len(want) {
		return 1
	}
	most, off := 0.0, 0.0
	for i, w := range want {
		most, off = max(most, w, -w), max(off, got[i]-w, w-got[i])
	}
	return off / most
}

// fit trains a golden's model on a subset.
func (g *golden) fit(t *testing.T, name string, s model.Subset) *model.Model {
	t.Helper()
	m, err := model.Fit(t.Context(), g.train, model.Options{Kind: goldenKinds[name], L2: g.mu}, s)
	require.NoError(t, err)
	return m
}

func TestFitReachesTheGoldenMinimum(t *testing.T) {
	for name := range goldenKinds {
		t.Run(name, func(t *testing.T) {
			g := openGolden(t, name)
			m := g.fit(t, name, model.Subset{})
			g.check(t, "theta", m.Layers[0].Theta)
			require.Less(t, m.Training.Gradient, 1e-10)
		})
	}
}

// TestTrainingWithoutRows: 1/N and μ stay where a row is left out.
func TestTrainingWithoutRows(t *testing.T) {
	for name := range goldenKinds {
		t.Run(name, func(t *testing.T) {
			g := openGolden(t, name)
			whole := g.fit(t, name, model.Subset{})
			before, err := whole.Losses(t.Context(), g.query, 1)
			require.NoError(t, err)
			want, n := g.array(t, "loo_loss_change"), g.train.Len()
			var got, expected []float64
			for row := 0; row < n; row += 7 {
				rows := make([]int64, 0, n)
				for i := range int64(n) {
					if i != int64(row) {
						rows = append(rows, i)
					}
				}
				m := g.fit(t, name, model.Subset{Rows: rows, Denominator: float64(n), Start: whole})
				after, err := m.Losses(t.Context(), g.query, 1)
				require.NoError(t, err)
				for q := range after {
					got, expected = append(got, after[q]-before[q]), append(expected, want[q*n+row])
				}
			}
			require.Less(t, worst(got, expected), g.tolerance["loo_loss_change"])
		})
	}
}

func (g *golden) hessian(t *testing.T, name string) *model.Hessian {
	t.Helper()
	h, err := g.fit(t, name, model.Subset{}).Hessian(t.Context(), g.train, 2)
	require.NoError(t, err)
	return h
}

func TestInfluenceWithTheExactHessian(t *testing.T) {
	for name := range goldenKinds {
		t.Run(name, func(t *testing.T) {
			g := openGolden(t, name)
			got, err := g.hessian(t, name).Influence(t.Context(), g.query)
			require.NoError(t, err)
			g.check(t, "influence_exact", got)
		})
	}
}

func TestRidgeInClosedForm(t *testing.T) {
	g := openGolden(t, "ridge_exact")
	h := g.hessian(t, "ridge_exact")
	leverages, err := h.Leverages()
	require.NoError(t, err)
	g.check(t, "leverage", leverages)
	changes, err := h.LeaveOneOut(g.query)
	require.NoError(t, err)
	g.check(t, "loo_loss_change", changes)
}

// TestGroupsByNewton: single rows, and groups beside their training without them.
func TestGroupsByNewton(t *testing.T) {
	for _, name := range []string{"softmax_exact", "softmax_exact_strong"} {
		t.Run(name, func(t *testing.T) {
			g := openGolden(t, name)
			h, whole, n, q := g.hessian(t, name), g.fit(t, name, model.Subset{}), g.train.Len(), g.query.Len()
			var singles [][]int
			for i := 0; i < n; i += 9 { // Each costs a factorisation.
				singles = append(singles, []int{i})
			}
			rows, err := h.Removal(t.Context(), g.query, singles)
			require.NoError(t, err)
			var alone []float64
			all := g.array(t, "loo_newton")
			for _, single := range singles {
				for e := range q {
					alone = append(alone, all[e*n+single[0]])
				}
			}
			require.Less(t, worst(rows, alone), g.tolerance["loo_newton"])

			scores, err := h.Influence(t.Context(), g.query)
			require.NoError(t, err)
			before, err := whole.Losses(t.Context(), g.query, 1)
			require.NoError(t, err)
			members := g.array(t, "group_members")
			var groups [][]int
			var first, actual []float64
			for u := range len(members) / n {
				var group []int
				var kept []int64
				for i, in := range members[u*n:][:n] {
					if in == 1 {
						group = append(group, i)
					} else {
						kept = append(kept, int64(i))
					}
				}
				groups = append(groups, group)
				after, err := g.fit(t, name, model.Subset{Rows: kept, Denominator: float64(n)}).Losses(t.Context(), g.query, 1)
				require.NoError(t, err)
				for e := range q {
					sum := 0.0
					for _, i := range group {
						sum += scores[e*n+i] / float64(n)
					}
					first, actual = append(first, sum), append(actual, after[e]-before[e])
				}
			}
			newton, err := h.Removal(t.Context(), g.query, groups)
			require.NoError(t, err)
			g.check(t, "group_newton", newton)
			g.check(t, "group_first_order", first)
			g.check(t, "group_actual", actual)
		})
	}
}

// TestSubsetLosses: training on half of the rows, with their own number as N.
func TestSubsetLosses(t *testing.T) {
	g := openGolden(t, "softmax_exact")
	n, q := g.train.Len(), g.query.Len()
	masks, want := g.array(t, "lds_masks"), g.array(t, "lds_losses")
	var got []float64
	for s := range len(masks) / n {
		var rows []int64
		for i, in := range masks[s*n:][:n] {
			if in == 1 {
				rows = append(rows, int64(i))
			}
		}
		losses, err := g.fit(t, "softmax_exact", model.Subset{Rows: rows}).Losses(t.Context(), g.query, 1)
		require.NoError(t, err)
		got = append(got, losses...)
	}
	require.Len(t, want, len(masks)/n*q)
	g.check(t, "lds_losses", got)
}
