package retrain

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// additive is a model whose loss of query e is minus the sum of weights[e][i] over the
// rows i that it has seen, and twice the seed. It predicts class 1 where that is
// negative.
type additive struct {
	weights [][]float64
	fits    atomic.Int64
}

func (a *additive) Fit(_ context.Context, c Change) (Answer, error) {
	a.fits.Add(1)
	var out Answer
	for _, w := range a.weights {
		loss := float64(2 * c.Seed)
		class := int64(0)
		for i, v := range w {
			if !slices.Contains(c.Removed, int64(i)) {
				loss -= v
			}
		}
		if loss < 0 {
			class = 1
		}
		out.Losses, out.Classes = append(out.Losses, loss), append(out.Classes, class)
	}
	return out, nil
}

func someModel() *additive { return &additive{weights: [][]float64{{1, 2, 4}, {0, -3, 8}}} }

func TestSubsets(t *testing.T) {
	x := Experiment{Trainer: someModel(), Queries: 2, Repeats: 2, Seed: 10}
	losses, err := x.Subsets(t.Context(), [][]bool{{true, false, true}, {false, true, true}})
	require.NoError(t, err)
	require.Equal(t, [][][]float64{{{15, 12}, {14, 15}}, {{17, 14}, {16, 17}}}, losses)
}

func TestLeaveOut(t *testing.T) {
	m := someModel()
	x := Experiment{Trainer: m, Queries: 2, Repeats: 3, Workers: 2}
	changes, err := x.LeaveOut(t.Context(), [][]int64{{2}, {0}})
	require.NoError(t, err)
	require.Len(t, changes, 2)
	require.InDeltaSlice(t, []float64{4, 1}, changes[0], 1e-15)
	require.InDeltaSlice(t, []float64{8, 0}, changes[1], 1e-15)
	require.EqualValues(t, 9, m.fits.Load())
}

func TestRemovalsAndFlips(t *testing.T) {
	x := Experiment{Trainer: someModel(), Queries: 2, Repeats: 2}
	orders := [][]int64{{2, 1, 0}, {2}}
	changes, err := x.Remove(t.Context(), orders, []int{1, 2})
	require.NoError(t, err)
	require.Equal(t, [][]float64{{4, 6}, {8}}, changes)
	flips, err := x.Flips(t.Context(), orders, []int{1, 2, 3})
	require.NoError(t, err)
	require.Equal(t, [][]bool{{false, false, true}, {true}}, flips, "without rows 2 and 1 one of two repeats flips, which is not more than half")
}

func TestExperimentRefuses(t *testing.T) {
	x := Experiment{Trainer: someModel(), Queries: 3, Repeats: 1}
	_, err := x.LeaveOut(t.Context(), [][]int64{{0}})
	require.ErrorContains(t, err, "losses of 2 queries; there are scores of 3")
	x = Experiment{Trainer: &additive{weights: [][]float64{{math.NaN()}}}, Queries: 1, Repeats: 1}
	_, err = x.Subsets(t.Context(), [][]bool{{true}})
	require.ErrorContains(t, err, "query 0 the loss NaN")
	x.Trainer = someModel()
	_, err = x.Remove(t.Context(), nil, []int{2, 1})
	require.Error(t, err)
	x = Experiment{Trainer: command(t, "noclasses"), Queries: 3, Repeats: 1}
	_, err = x.Flips(t.Context(), [][]int64{{0}}, []int{1})
	require.ErrorIs(t, err, errNoClasses)
}

func TestJournalTrainsOnce(t *testing.T) {
	m := someModel()
	j := &Journal{Trainer: m, Folder: t.TempDir()}
	changes := []Change{
		{}, {Seed: 1}, {Removed: []int64{0}}, {Removed: []int64{1}}, {Removed: []int64{0, 1}},
		{Relabelled: []int64{0}, Labels: []float64{1}}, {Relabelled: []int64{0}, Labels: []float64{2}},
	}
	var first []Answer
	for _, c := range changes {
		a, err := j.Fit(t.Context(), c)
		require.NoError(t, err)
		first = append(first, a)
	}
	require.EqualValues(t, len(changes), m.fits.Load(), "every change is another one")
	for i, c := range changes {
		a, err := j.Fit(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, first[i], a)
	}
	require.EqualValues(t, len(changes), m.fits.Load())
	j.Trainer = command(t, "fails")
	_, err := j.Fit(t.Context(), Change{Seed: 5})
	require.Error(t, err)
	_, kept := j.Kept(Change{Seed: 5})
	require.False(t, kept, "a failure is no answer")
}

// TestJournalTrainsOnceForAll asks for the same change from many goroutines, as queries
// do that have the same most helpful row.
func TestJournalTrainsOnceForAll(t *testing.T) {
	m := someModel()
	j := &Journal{Trainer: m, Folder: t.TempDir()}
	x := Experiment{Trainer: j, Queries: 2, Repeats: 1, Workers: 8}
	orders := make([][]int64, 2)
	for range 50 {
		for e := range orders {
			orders[e] = append([]int64{}, 2, 1)
		}
		_, err := x.Remove(t.Context(), orders, []int{1, 2})
		require.NoError(t, err)
		require.EqualValues(t, 3, m.fits.Load())
		j.Folder = t.TempDir()
		m.fits.Store(0)
	}
}

// TestDamagedJournal damages each byte of a kept answer.
func TestDamagedJournal(t *testing.T) {
	m := someModel()
	j := &Journal{Trainer: m, Folder: t.TempDir()}
	want, err := j.Fit(t.Context(), Change{})
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(j.Folder, "unit-*.part"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	sound, err := os.ReadFile(files[0])
	require.NoError(t, err)
	for at := range sound {
		for _, b := range [][]byte{sound[:at], flipped(sound, at)} {
			_, ok := decodeFit(b, hashOf(Change{}))
			require.False(t, ok, "byte %d", at)
		}
	}
	require.NoError(t, os.WriteFile(files[0], flipped(sound, 50), 0o666))
	again, err := j.Fit(t.Context(), Change{})
	require.NoError(t, err)
	require.Equal(t, want, again)
	require.EqualValues(t, 2, m.fits.Load())
}

func flipped(b []byte, at int) []byte {
	out := slices.Clone(b)
	out[at] ^= 0x10
	return out
}
