package sink_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/stretchr/testify/require"
)

func TestScoresFileHoldsTop(t *testing.T) {
	k, dir := newTask(), t.TempDir()
	k.keep.QueryRows = influence.RowList([]int64{3, 9, 5})
	k.keep.QueryGroups, k.keep.Aggregate = sink.QueryGroups{}, false
	names := make(words, k.scorer.Train)
	for i := range names {
		names[i] = strings.Repeat("x", i%3) + "é"
	}
	k.keep.TrainKeys = names
	k.finish(t, dir)
	top, err := sink.Top(t.Context(), k.scorer.NewScorer(), k.job(), k.keep.TopK)
	require.NoError(t, err)
	i := 0
	require.NoError(t, sink.ReadScores(t.Context(), dir, func(r sink.ScoreRow) error {
		want := top[i]
		want.Query = 0
		require.Equal(t, want, r.Entry)
		require.Equal(t, sink.Key{IsInt: true, Int: want.QueryRow}, r.QueryKey)
		require.Equal(t, sink.Key{Text: names[want.TrainRow]}, r.TrainKey)
		i++
		return nil
	}))
	require.Len(t, top, i)
	scoreColumns, _ := readColumns(t, filepath.Join(dir, "scores.parquet"))
	require.Equal(t, []string{"query_key", "train_key", "query_row", "train_row", "output", "score", "rank", "side"}, scoreColumns)

	times := make(map[[2]int64]int32)
	for _, e := range top {
		times[[2]int64{e.TrainRow, int64(e.Output)}]++
	}
	columns, values := readColumns(t, filepath.Join(dir, "rows.parquet"))
	require.Equal(t, []string{"train_key", "train_row", "output", "times_in_top"}, columns)
	for j, n := range values["times_in_top"] {
		require.Equal(t, times[[2]int64{int64(j / 2), int64(j % 2)}], n)
	}
}

func TestFilesSayWhatTheyMeasure(t *testing.T) {
	k, dir := newTask(), t.TempDir()
	factor := 0.25
	k.keep.Description.LOOFactor = &factor
	k.finish(t, dir)
	for _, name := range []string{"scores.parquet", "rows.parquet"} {
		f, err := file.OpenParquetFile(filepath.Join(dir, name), false)
		require.NoError(t, err)
		meta := f.MetaData().KeyValueMetadata()
		require.Equal(t, []string{"infl.schema", "infl.method", "infl.positive_means", "infl.unit", "infl.loo_factor", "infl.version"}, meta.Keys())
		require.Equal(t, []string{"1", "dot", "helps", "loss", "0.25", "0.1"}, meta.Values())
		require.NoError(t, f.Close())
	}
	text, err := os.ReadFile(filepath.Join(dir, "run.json"))
	require.NoError(t, err)
	var record map[string]any
	require.NoError(t, json.Unmarshal(text, &record))
	require.Equal(t, 1.0, record["schema"])
	require.Equal(t, "done", record["state"])
	require.Equal(t, "dot", record["method"])
	require.Equal(t, "helps", record["positive_means"])
	require.Equal(t, 0.25, record["loo_factor"])
	require.True(t, strings.HasSuffix(string(text), "}\n"))
}

func TestMatrixFilesHoldAllScores(t *testing.T) {
	for _, dtype := range []influence.Precision{influence.Float32, influence.Float64} {
		k, dir := newTask(), t.TempDir()
		k.dtype, k.keep.QueryGroups, k.keep.Aggregate = dtype, sink.QueryGroups{}, false
		k.scorer.QTile = 9
		k.finish(t, dir)
		dense, err := sink.Dense(t.Context(), k.scorer.NewScorer(), k.job())
		require.NoError(t, err)
		f, err := os.Open(filepath.Join(dir, "matrix.npy"))
		require.NoError(t, err)
		head, err := dataset.ReadNPYHeader(f)
		require.NoError(t, err)
		require.Equal(t, []int64{dense.Layout.Query, dense.Layout.Train}, head.Shape)
		require.Equal(t, map[bool]string{false: "<f4", true: "<f8"}[dtype == influence.Float64], head.Dtype)
		require.Zero(t, head.Offset%64)
		got := make([]float64, len(dense.Scores))
		if dtype == influence.Float64 {
			require.NoError(t, binary.Read(f, binary.LittleEndian, got))
		} else {
			bits := make([]uint32, len(got))
			require.NoError(t, binary.Read(f, binary.LittleEndian, bits))
			for i, b := range bits {
				got[i] = float64(math.Float32frombits(b))
			}
		}
		require.Equal(t, dense.Scores, got)
		require.NoError(t, f.Close())

		dir = t.TempDir()
		k.keep.Matrix = sink.ArrowMatrix
		k.finish(t, dir)
		require.Equal(t, dense.Scores, readArrowMatrix(t, filepath.Join(dir, "matrix.arrow")))
	}
}

func readArrowMatrix(t *testing.T, path string) (scores []float64) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	r, err := ipc.NewFileReader(f)
	require.NoError(t, err)
	row := 0
	for i := range r.NumRecords() {
		batch, err := r.RecordBatchAt(i)
		require.NoError(t, err)
		for j := range int(batch.NumRows()) {
			require.Equal(t, int64(row/2), batch.Column(0).(*array.Int64).Value(j))
			require.Equal(t, int64(row/2), batch.Column(1).(*array.Int64).Value(j))
			require.Equal(t, int32(row%2), batch.Column(2).(*array.Int32).Value(j))
			row++
		}
		switch v := batch.Column(3).(*array.FixedSizeList).ListValues().(type) {
		case *array.Float32:
			for _, s := range v.Float32Values() {
				scores = append(scores, float64(s))
			}
		case *array.Float64:
			scores = append(scores, v.Float64Values()...)
		}
	}
	require.NoError(t, r.Close())
	return scores
}

func TestSelf(t *testing.T) {
	k, dir := newTask(), t.TempDir()
	k.of = influence.Quantity{}
	k.keep = sink.SinkOptions{
		Self: true, TrainRows: influence.RowList([]int64{8, 2, 8, 61}), TrainKeys: k.keep.TrainKeys,
		TrainGroups: make(words, k.scorer.Train), Description: k.keep.Description,
	}
	k.scorer.NBlock, k.scorer.NTile = 3, 2
	k.finish(t, dir)
	names, got := readColumns(t, filepath.Join(dir, "rows.parquet"))
	require.Equal(t, []string{"train_key", "train_row", "group", "output", "self"}, names)
	require.Equal(t, []any{int64(8), int64(2), int64(8), int64(61)}, got["train_row"])
	require.Equal(t, []any{nil, nil, nil, nil}, got["output"])
	for j, row := range []int64{8, 2, 8, 61} {
		require.Equal(t, float32(k.scorer.Score(row, row, 0)), got["self"][j])
	}
}

func TestNothingToScore(t *testing.T) {
	for _, rows := range [][2]int64{{0, 5}, {5, 0}, {0, 0}} {
		k, dir := newTask(), t.TempDir()
		k.keep.TrainRows, k.keep.QueryRows = influence.RowRange(0, rows[0]), influence.RowRange(0, rows[1])
		k.keep.QueryGroups.Of = k.keep.QueryGroups.Of[:rows[1]]
		k.finish(t, dir)
		_, got := readColumns(t, filepath.Join(dir, "scores.parquet"))
		require.Empty(t, got["score"])
	}
}

func TestSinkOptionsListAllThatIsWrong(t *testing.T) {
	o := sink.SinkOptions{TopK: -1, Matrix: "csv", Self: true, Aggregate: true}
	err := o.Validate()
	for _, message := range []string{"top is -1", `"csv"`, "self job", "train keys"} {
		require.ErrorContains(t, err, message)
	}
	require.ErrorContains(t, sink.SinkOptions{}.Validate(), "nothing of the scores")
	require.NoError(t, newTask().keep.Validate())
}
