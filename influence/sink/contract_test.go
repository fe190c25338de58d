package sink_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/stretchr/testify/require"
)

// ones returns a tile of the given area with scores 1.
func ones(qLo, qHi, nLo, nHi int64) influence.Tile {
	t := influence.Tile{Range2: influence.Range2{
		Query: influence.Range{Lo: qLo, Hi: qHi}, Train: influence.Range{Lo: nLo, Hi: nHi},
	}}
	t.F32 = make([]float32, max(t.Query.Len()*t.Train.Len(), 0))
	for i := range t.F32 {
		t.F32[i] = 1
	}
	return t
}

// begin returns a sink over 4 queries × 6 train rows in units of 4 × 3.
func begin(t *testing.T, dir string) influence.Sink {
	t.Helper()
	r, err := sink.OpenRun(dir, sink.RunOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	s, err := r.Sink(sink.SinkOptions{
		TopK: 1, TrainRows: influence.RowRange(0, 6), QueryRows: influence.RowRange(0, 4),
		TrainKeys: sink.RowNumbers(6), QueryKeys: sink.RowNumbers(4),
	})
	require.NoError(t, err)
	return s
}

var grid = influence.Layout{Query: 4, Train: 6, QBlock: 4, NBlock: 3, PerRow: 1}

func TestSinkRefusesWrongTiles(t *testing.T) {
	f := func(message string, tiles ...influence.Tile) {
		t.Helper()
		s := begin(t, t.TempDir())
		require.NoError(t, s.Begin(t.Context(), grid))
		for _, tile := range tiles[:len(tiles)-1] {
			require.NoError(t, s.Put(t.Context(), tile))
		}
		require.ErrorContains(t, s.Put(t.Context(), tiles[len(tiles)-1]), message)
		require.NoError(t, s.Abort())
	}
	f("over the edge of a unit", ones(0, 4, 2, 4))
	f("not inside the layout", ones(0, 5, 0, 3))
	f("not inside the layout", ones(0, 0, 0, 3))
	f("came before", ones(0, 2, 0, 3), ones(1, 3, 0, 1))
	f("came before", ones(0, 2, 0, 2), ones(2, 4, 0, 2), ones(0, 4, 1, 3))
	f("which is complete", ones(0, 4, 0, 3), ones(0, 1, 0, 1))
	double := ones(0, 1, 0, 1)
	double.F32, double.F64 = nil, []float64{1}
	f("not of the job's precision float32", double)
	short := ones(0, 2, 0, 2)
	short.F32 = short.F32[:3]
	f("holds 3 scores, not 4", short)
}

func TestSinkFollowsItsProtocol(t *testing.T) {
	s := begin(t, t.TempDir())
	require.ErrorContains(t, s.Put(t.Context(), ones(0, 1, 0, 1)), "before the sink began")
	require.ErrorIs(t, s.Commit(t.Context()), influence.ErrIncomplete)
	for range s.Missing() {
		require.Fail(t, "units before Begin")
	}
	wrong := grid
	wrong.Train = 7
	require.ErrorContains(t, s.Begin(t.Context(), wrong), "7 train positions")
	require.NoError(t, s.Begin(t.Context(), grid))
	require.ErrorContains(t, s.Begin(t.Context(), grid), "begun already")
	var units []influence.Range2
	for u := range s.Missing() {
		units = append(units, u)
	}
	require.Equal(t, []influence.Range2{grid.Unit(0), grid.Unit(1)}, units)
	require.NoError(t, s.Put(t.Context(), ones(0, 4, 3, 6)))
	for u := range s.Missing() {
		require.Equal(t, grid.Unit(0), u)
	}
	err := s.Commit(t.Context())
	require.True(t, errors.Is(err, influence.ErrIncomplete))
	require.ErrorContains(t, err, "1 of 2 units are missing")
}

func TestUnitsOfAnotherGridAreRefused(t *testing.T) {
	dir := t.TempDir()
	r, err := sink.OpenRun(dir, sink.RunOptions{})
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	open := func() influence.Sink {
		s, err := r.Sink(sink.SinkOptions{
			TopK: 1, TrainRows: influence.RowRange(0, 6), QueryRows: influence.RowRange(0, 4),
			TrainKeys: sink.RowNumbers(6), QueryKeys: sink.RowNumbers(4),
		})
		require.NoError(t, err)
		return s
	}
	s := open()
	require.NoError(t, s.Begin(t.Context(), grid))
	require.NoError(t, s.Put(t.Context(), ones(0, 4, 0, 3)))
	require.NoError(t, s.Abort())
	other := grid
	other.NBlock = 2
	require.ErrorContains(t, open().Begin(t.Context(), other), "another shape")
}

func TestPartsLeftByAKillAreRemoved(t *testing.T) {
	k, dir := newTask(), t.TempDir()
	k.finish(t, dir)
	want := files(t, dir)
	parts := filepath.Join(dir, "parts")
	require.NoError(t, os.Mkdir(parts, 0o777))
	for _, name := range []string{"unit-00000003.part", "unit-00000004.part.tmp"} {
		require.NoError(t, os.WriteFile(filepath.Join(parts, name), []byte("x"), 0o666))
	}
	problems, err := sink.VerifyRun(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, []string{"parts of the unfinished run are left"}, problems)
	require.ErrorIs(t, k.run(t.Context(), dir, nil), sink.ErrDone)
	require.NoDirExists(t, parts)
	require.Equal(t, want, files(t, dir))
}
