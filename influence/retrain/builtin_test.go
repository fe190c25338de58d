package retrain

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/model"
	"github.com/infl-dev/infl/internal/goldentest"
)

// golden reads an array of the golden softmax regression.
func golden(t *testing.T, name string) []float64 {
	a, err := goldentest.NPY(filepath.Join(goldentest.Dir(t, "neural"), "softmax_exact", "expected", name+".npy"))
	require.NoError(t, err)
	return a.Data
}

// goldenData reads the features of a side from its capture.
func goldenData(t *testing.T, side string) *model.Data {
	c, err := capture.Open(filepath.Join(goldentest.Dir(t, "neural"), "softmax_exact", "capture", side), capture.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	d := &model.Data{Y: golden(t, "labels_"+side)}
	for b, err := range c.Blocks(t.Context(), 0, c.Len(), capture.BlockOptions{}) {
		require.NoError(t, err)
		var buffer []float64
		a, err := capture.Inputs(b, c.Manifest().Modules[0].Name, false, &buffer)
		require.NoError(t, err)
		for i := range a.Rows {
			d.X = append(d.X, a.Row(i)[:c.Manifest().Modules[0].In]...)
		}
	}
	return d
}

func goldenTrainer(t *testing.T, keep bool) Experiment {
	train, query := goldenData(t, "train"), goldenData(t, "query")
	b := &BuiltIn{Train: train, Query: query, Options: model.Options{Kind: model.Softmax, L2: 0.01, Workers: 1}, KeepDenominator: keep}
	return Experiment{Trainer: b, Queries: query.Len(), Repeats: 1}
}

// TestGoldenSubsets trains on the golden's subsets: the mean over the subset.
func TestGoldenSubsets(t *testing.T) {
	x := goldenTrainer(t, false)
	raw, want := golden(t, "lds_masks"), golden(t, "lds_losses")
	n := len(raw) / 64
	masks := make([][]bool, 0, 8)
	for j := range 8 {
		mask := make([]bool, n)
		for i := range mask {
			mask[i] = raw[j*n+i] == 1
		}
		masks = append(masks, mask)
	}
	losses, err := x.Subsets(t.Context(), masks)
	require.NoError(t, err)
	for j, of := range losses[0] {
		require.InDeltaSlice(t, want[j*x.Queries:(j+1)*x.Queries], of, 1e-8, "subset %d", j)
	}
}

// TestGoldenLeaveOneOut leaves rows out under the denominator of all of them.
func TestGoldenLeaveOneOut(t *testing.T) {
	x := goldenTrainer(t, true)
	rows, want := [][]int64{{0}, {77}, {199}}, golden(t, "loo_loss_change")
	changes, err := x.LeaveOut(t.Context(), rows)
	require.NoError(t, err)
	for e, of := range changes {
		for k, row := range rows {
			require.InDelta(t, want[e*200+int(row[0])], of[k], 1e-9, "query %d without row %d", e, row)
		}
	}
}

// points are two classes on a line, and a query at 1.
func points() *BuiltIn {
	return &BuiltIn{
		Train:   &model.Data{X: []float64{-3, -2, -1, 2, 3, 4}, Y: []float64{0, 0, 0, 1, 1, 1}},
		Query:   &model.Data{X: []float64{1}, Y: []float64{1}},
		Options: model.Options{Kind: model.MLP, Epochs: 5, Hidden: []int{4}, BatchSize: 2},
	}
}

func TestBuiltInRelabels(t *testing.T) {
	b := points()
	b.Options = model.Options{Kind: model.Softmax, L2: 0.1}
	x := b.Train.X
	before, err := b.Fit(t.Context(), Change{})
	require.NoError(t, err)
	require.Equal(t, []int64{1}, before.Classes)
	after, err := b.Fit(t.Context(), Change{Relabelled: []int64{0, 1, 2, 3, 4, 5}, Labels: []float64{1, 1, 1, 0, 0, 0}})
	require.NoError(t, err)
	require.Equal(t, []int64{0}, after.Classes)
	require.Greater(t, after.Losses[0], before.Losses[0])
	require.Equal(t, []float64{0, 0, 0, 1, 1, 1}, b.Train.Y, "the data stay as they are")
	require.Equal(t, x, b.Train.X)
}

func TestBuiltInFollowsTheSeed(t *testing.T) {
	b := points()
	losses := map[float64]bool{}
	for _, seed := range []uint64{1, 2, 3} {
		first, err := b.Fit(t.Context(), Change{Seed: seed, Removed: []int64{1}})
		require.NoError(t, err)
		again, err := b.Fit(t.Context(), Change{Seed: seed, Removed: []int64{1}})
		require.NoError(t, err)
		require.Equal(t, first, again)
		losses[first.Losses[0]] = true
	}
	require.Len(t, losses, 3)
}

func TestBuiltInRefuses(t *testing.T) {
	_, err := (&BuiltIn{}).Fit(t.Context(), Change{})
	require.Error(t, err)
	_, err = points().Fit(t.Context(), Change{Removed: []int64{6}})
	require.Error(t, err)
	b := points()
	b.Query = &model.Data{X: []float64{1, 2}, Y: []float64{1}}
	_, err = b.Fit(t.Context(), Change{})
	require.Error(t, err)
}
