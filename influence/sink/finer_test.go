package sink_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/influence/sink"
)

// TestFinerScoresNameTheirParts keeps scores of two modules on the tokens of three train
// rows, of which the second has none.
func TestFinerScoresNameTheirParts(t *testing.T) {
	finer := sink.Finer{Modules: []string{"fc", "out"}, Tokens: []int64{0, 2, 2, 5}}
	k := task{
		record: sink.Record{Configuration: 1},
		keep: sink.SinkOptions{
			TopK: 9, Matrix: sink.ArrowMatrix, Finer: finer, Description: influence.Description{Signed: true},
			TrainRows: influence.RowRange(0, 5), QueryRows: influence.RowRange(0, 1),
			TrainKeys: words{"a", "b", "c"}, QueryKeys: sink.RowNumbers(1),
		},
		scorer: influencetest.Func{Train: 5, Query: 1, Outputs: 2, QTile: 2, QBlock: 2, NTile: 2, NBlock: 3, Score: func(train, _ int64, module int) float64 {
			return float64(1-2*module) * float64(train+1) // fc helps, out harms
		}},
		of: influence.Quantity{Kind: influence.Margin, Output: influence.Every},
	}
	dir := t.TempDir()
	k.finish(t, dir)
	_, got := readColumns(t, filepath.Join(dir, "scores.parquet"))
	require.Equal(t, map[string][]any{
		"query_key": repeat(int64(0), 10), "query_row": repeat(int64(0), 10), "output": repeat(nil, 10),
		"train_key": {"c", "c", "c", "a", "a", "c", "c", "c", "a", "a"},
		"train_row": {int64(2), int64(2), int64(2), int64(0), int64(0), int64(2), int64(2), int64(2), int64(0), int64(0)},
		"token":     {int32(2), int32(1), int32(0), int32(1), int32(0), int32(2), int32(1), int32(0), int32(1), int32(0)},
		"module":    append(repeat("fc", 5), repeat("out", 5)...),
		"score":     {float32(5), float32(4), float32(3), float32(2), float32(1), float32(-5), float32(-4), float32(-3), float32(-2), float32(-1)},
		"rank":      {int32(1), int32(2), int32(3), int32(4), int32(5), int32(1), int32(2), int32(3), int32(4), int32(5)},
		"side":      append(repeat("helpful", 5), repeat("harmful", 5)...),
	}, got)
	problems, err := sink.VerifyRun(t.Context(), dir)
	require.NoError(t, err)
	require.Empty(t, problems)
	_, rows := readColumns(t, filepath.Join(dir, "rows.parquet"))
	require.Equal(t, []any{"a", "a", "a", "a", "c", "c", "c", "c", "c", "c"}, rows["train_key"])
	require.Equal(t, []any{int32(0), int32(0), int32(1), int32(1), int32(0), int32(0), int32(1), int32(1), int32(2), int32(2)}, rows["token"])
	require.Equal(t, []any{"fc", "out", "fc", "out", "fc", "out", "fc", "out", "fc", "out"}, rows["module"])
}

func repeat(v any, n int) (out []any) {
	for range n {
		out = append(out, v)
	}
	return out
}

func TestFinerScoresThatDoNotFit(t *testing.T) {
	k := newTask()
	k.keep.Tokens = []int64{0, 3}
	require.ErrorContains(t, k.run(t.Context(), t.TempDir(), nil), "train rows are not")
	k = newTask()
	k.keep.Modules = []string{"one", "two", "three", "four", "five", "six", "seven"}
	require.ErrorContains(t, k.run(t.Context(), t.TempDir(), nil), "the run 7 modules")
}
