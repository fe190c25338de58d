package sink_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/stretchr/testify/require"
)

// task is a scoring command: its record, what it keeps and how it scores.
type task struct {
	record sink.Record
	keep   sink.SinkOptions
	scorer influencetest.Func
	of     influence.Quantity
	dtype  influence.Precision
}

// words are text keys.
type words []string

func (w words) Len() int64            { return int64(len(w)) }
func (w words) IsInt() bool           { return false }
func (w words) Int(int64) int64       { return 0 }
func (w words) String(i int64) string { return w[i] }

// newTask returns a task of 8 units that keeps everything.
func newTask() task {
	f := influencetest.Func{
		Train: 90, Query: 70, Outputs: 2, QBlock: 64, NBlock: 30, QTile: 64, NTile: 7, Workers: 2, Shuffle: 5,
		Score:       fine(3),
		Description: influence.Description{Method: "dot", Source: "a test", PositiveMeans: "helps", Unit: "loss", Signed: true},
	}
	names := words{"even", "odd", "nobody"}
	groups := make([]int32, f.Query)
	for i := range groups {
		groups[i] = int32(i % 2)
	}
	return task{
		record: sink.Record{
			Versions:      map[string]string{"infl": "0.1"},
			Configuration: map[string]any{"top": 4, "model": map[string]any{"rate": 0.1}},
			Inputs:        map[string]any{"train": "aa"},
			Seed:          7,
		},
		keep: sink.SinkOptions{
			TopK: 4, Aggregate: true, Matrix: sink.NPYMatrix,
			TrainRows: influence.RowRange(0, f.Train), QueryRows: influence.RowRange(0, f.Query),
			TrainKeys: sink.RowNumbers(f.Train), QueryKeys: sink.RowNumbers(f.Query),
			QueryGroups: sink.QueryGroups{Of: groups, Names: names},
			Description: f.Description,
		},
		scorer: f,
		of:     influence.Quantity{Kind: influence.Margin, Output: influence.Every},
	}
}

func (k task) job() influence.Job {
	return influence.Job{Train: k.keep.TrainRows, Query: k.keep.QueryRows, Of: k.of, Precision: k.dtype, Self: k.keep.Self}
}

// run scores the task into dir, with the sink wrapped by wrap.
func (k task) run(ctx context.Context, dir string, wrap func(influence.Sink) influence.Sink) (err error) {
	r, err := sink.OpenRun(dir, sink.RunOptions{Record: k.record})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	s, err := r.Sink(k.keep)
	if err != nil {
		return err
	}
	if wrap != nil {
		s = wrap(s)
	}
	if err := k.scorer.NewScorer().Score(ctx, k.job(), s); err != nil {
		return errors.Join(err, s.Abort())
	}
	return s.Commit(ctx)
}

func (k task) finish(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, k.run(t.Context(), dir, nil))
	problems, err := sink.VerifyRun(t.Context(), dir)
	require.NoError(t, err)
	require.Empty(t, problems)
}

// files returns the content of every file below dir.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, relErr := filepath.Rel(dir, path)
		out[filepath.ToSlash(name)] = string(text)
		return errors.Join(err, relErr)
	}))
	return out
}

// dies is a sink whose process dies after some tiles.
type dies struct {
	influence.Sink
	left int
}

var errDied = errors.New("the process died")

func (d *dies) Put(ctx context.Context, t influence.Tile) error {
	if d.left--; d.left < 0 {
		return errDied
	}
	return d.Sink.Put(ctx, t)
}

func (d *dies) Commit(context.Context) error { return errDied }

func TestInterruptionsDoNotChangeABit(t *testing.T) {
	for _, matrix := range []sink.MatrixFormat{sink.NPYMatrix, sink.ArrowMatrix} {
		k := newTask()
		k.keep.Matrix = matrix
		whole := t.TempDir()
		k.finish(t, whole)
		want := files(t, whole)
		require.ElementsMatch(t, []string{"run.json", "scores.parquet", "rows.parquet", "matrix." + string(matrix)}, slices.Collect(maps.Keys(want)))

		for _, steps := range [][]int{{0}, {5}, {17}, {60}, {1000}, {3, 10, 25}} {
			dir := t.TempDir()
			for i, step := range steps {
				k := k
				k.scorer.Workers, k.scorer.Shuffle, k.scorer.NTile = 1, uint64(i), int64(5+i)
				err := k.run(t.Context(), dir, func(s influence.Sink) influence.Sink { return &dies{s, step} })
				require.ErrorIs(t, err, errDied)
				_, state, err := sink.ReadRecord(dir)
				require.NoError(t, err)
				require.Equal(t, sink.Running, state)
				problems, err := sink.VerifyRun(t.Context(), dir)
				require.NoError(t, err)
				require.Len(t, problems, 1)
			}
			k.finish(t, dir)
			require.Equal(t, want, files(t, dir), "%v", steps)
		}
	}
}

func TestFinishedUnitsAreNotComputedAgain(t *testing.T) {
	k, dir := newTask(), t.TempDir()
	k.scorer.Shuffle, k.scorer.Workers = 0, 1
	tiles := 0
	require.ErrorIs(t, k.run(t.Context(), dir, func(s influence.Sink) influence.Sink { return &dies{s, 12} }), errDied)
	require.NoError(t, k.run(t.Context(), dir, func(s influence.Sink) influence.Sink { return counts{s, &tiles} }))
	require.Equal(t, 9*5-2*5, tiles) // Twelve tiles are two units of five and two tiles.
}

type counts struct {
	influence.Sink
	tiles *int
}

func (c counts) Put(ctx context.Context, t influence.Tile) error {
	*c.tiles++
	return c.Sink.Put(ctx, t)
}

func TestDamagedPartIsComputedAgain(t *testing.T) {
	k, whole := newTask(), t.TempDir()
	k.finish(t, whole)
	want := files(t, whole)
	damage := map[string]func(text []byte) []byte{
		"bit":     func(text []byte) []byte { text[len(text)/2] ^= 4; return text },
		"end":     func(text []byte) []byte { return text[:len(text)-9] },
		"empty":   func(text []byte) []byte { return nil },
		"garbage": func(text []byte) []byte { return []byte("this is no part, but it is long enough to be one") },
	}
	for _, name := range []string{"unit-00000000.part", "matrix.npy"} {
		for kind, change := range damage {
			dir := t.TempDir()
			require.ErrorIs(t, k.run(t.Context(), dir, func(s influence.Sink) influence.Sink { return noCommit{s} }), errDied)
			path := filepath.Join(dir, "parts", name)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, change(text), 0o666))
			k.finish(t, dir)
			require.Equal(t, want, files(t, dir), "%s %s", name, kind)
		}
	}
}

type noCommit struct{ influence.Sink }

func (noCommit) Commit(context.Context) error { return errDied }

func TestDamagedRecord(t *testing.T) {
	k, dir := newTask(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run.json"), []byte(`{"schema": 1,`), 0o666))
	_, err := sink.OpenRun(dir, sink.RunOptions{Record: k.record})
	require.ErrorContains(t, err, "run.json is damaged")
	require.ErrorContains(t, err, "--fresh")
	r, err := sink.OpenRun(dir, sink.RunOptions{Record: k.record, Fresh: true})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	k.finish(t, dir)
}

func TestDoneRunIsSaid(t *testing.T) {
	k, dir := newTask(), t.TempDir()
	k.finish(t, dir)
	before := files(t, dir)
	require.ErrorIs(t, k.run(t.Context(), dir, nil), sink.ErrDone)
	require.Equal(t, before, files(t, dir))
}

func TestConflicts(t *testing.T) {
	f := func(change func(*sink.Record), want ...sink.Difference) {
		t.Helper()
		k, dir := newTask(), t.TempDir()
		require.ErrorIs(t, k.run(t.Context(), dir, func(s influence.Sink) influence.Sink { return noCommit{s} }), errDied)
		change(&k.record)
		_, err := sink.OpenRun(dir, sink.RunOptions{Record: k.record})
		var conflict *sink.ConflictError
		require.ErrorAs(t, err, &conflict)
		require.Equal(t, want, conflict.Differences)
		require.ErrorContains(t, err, want[0].Key)
	}
	f(func(r *sink.Record) {
		r.Configuration = map[string]any{"top": 5, "model": map[string]any{"rate": 0.2, "depth": 3}}
	},
		sink.Difference{Key: "configuration.model.depth", Now: "3"},
		sink.Difference{Key: "configuration.model.rate", Stored: "0.1", Now: "0.2"},
		sink.Difference{Key: "configuration.top", Stored: "4", Now: "5"})
	f(func(r *sink.Record) { r.Configuration = map[string]any{"model": map[string]any{"rate": 0.1}} },
		sink.Difference{Key: "configuration.top", Stored: "4"})
	f(func(r *sink.Record) { r.Inputs = map[string]any{"train": "bb", "query": "cc"} },
		sink.Difference{Key: "inputs.train", Stored: `"aa"`, Now: `"bb"`})
	f(func(r *sink.Record) { r.Seed = 8 }, sink.Difference{Key: "seed", Stored: "7", Now: "8"})
	f(func(r *sink.Record) { r.Versions = map[string]string{"infl": "0.2"} },
		sink.Difference{Key: "versions.infl", Stored: `"0.1"`, Now: `"0.2"`})
}

func TestInputsBecomeKnown(t *testing.T) {
	k, dir := newTask(), t.TempDir()
	k.record.Inputs = nil
	r, err := sink.OpenRun(dir, sink.RunOptions{Record: k.record})
	require.NoError(t, err)
	require.NoError(t, r.SetInputs(map[string]any{"train": "aa"}))
	require.NoError(t, r.SetInputs(map[string]any{"query": 2}))
	require.NoError(t, r.Close())

	r, err = sink.OpenRun(dir, sink.RunOptions{Record: k.record})
	require.NoError(t, err)
	require.NoError(t, r.SetInputs(map[string]any{"train": "aa"}))
	var conflict *sink.ConflictError
	require.ErrorAs(t, r.SetInputs(map[string]any{"query": 3}), &conflict)
	require.Equal(t, []sink.Difference{{Key: "inputs.query", Stored: "2", Now: "3"}}, conflict.Differences)
	require.NoError(t, r.Close())
	record, _, err := sink.ReadRecord(dir)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"train": "aa", "query": json.Number("2")}, record.Inputs)
}

func TestFreshRemovesOnlyWhatIsTheRuns(t *testing.T) {
	k, dir := newTask(), t.TempDir()
	k.finish(t, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("mine"), 0o666))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "log.jsonl"), nil, 0o666))
	k.record.Seed = 9
	r, err := sink.OpenRun(dir, sink.RunOptions{Record: k.record, Fresh: true})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"run.json", "run.lock", "notes.txt"}, slices.Collect(maps.Keys(files(t, dir))))
	require.NoError(t, r.Close())
}

func TestForeignFolderIsRefused(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		k, dir := newTask(), t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.tex"), []byte("mine"), 0o666))
		_, err := sink.OpenRun(dir, sink.RunOptions{Record: k.record, Fresh: fresh})
		var foreign *sink.ForeignError
		require.ErrorAs(t, err, &foreign)
		require.Equal(t, "thesis.tex", foreign.Name)
		require.Equal(t, map[string]string{"thesis.tex": "mine"}, files(t, dir))
	}
}

func TestUnusablePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, nil, 0o666))
	for _, dir := range []string{path, filepath.Join(path, "run")} {
		_, err := sink.OpenRun(dir, sink.RunOptions{Record: newTask().record})
		require.ErrorContains(t, err, path)
	}
}

func TestOutputsOfOthers(t *testing.T) {
	dir := t.TempDir()
	r, err := sink.OpenRun(dir, sink.RunOptions{Record: newTask().record})
	require.NoError(t, err)
	write := func(w io.Writer) error { _, err := io.WriteString(w, "x\n"); return err }
	require.NoError(t, r.WriteOutput("series/loss.csv", write))
	require.NoError(t, r.WriteOutput("metrics.json", write))
	require.NoError(t, r.Update(func(record *sink.Record) { record.Verdict = "exact"; record.Seed = 99 }))
	for _, name := range []string{"../x", "/x", "run.json", "run.lock", ""} {
		require.Error(t, r.WriteOutput(name, write), name)
	}
	require.NoError(t, r.Finish(t.Context()))
	require.ErrorIs(t, r.Update(func(*sink.Record) {}), sink.ErrDone)
	require.NoError(t, r.Close())
	record, state, err := sink.ReadRecord(dir)
	require.NoError(t, err)
	require.Equal(t, sink.Done, state)
	require.Equal(t, "exact", record.Verdict)
	require.Equal(t, uint64(7), record.Seed)
	require.Len(t, record.Outputs, 2)
	require.Equal(t, sink.Output{Name: "metrics.json", Bytes: 2, XXH3: record.Outputs[1].XXH3}, record.Outputs[0])
	problems, err := sink.VerifyRun(t.Context(), dir)
	require.NoError(t, err)
	require.Empty(t, problems)
}
