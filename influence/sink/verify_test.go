package sink_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/infl-dev/infl/influence/sink"
	"github.com/stretchr/testify/require"
)

func TestVerifyFindsDamage(t *testing.T) {
	f := func(name string, change func(text []byte) []byte, want string) {
		t.Helper()
		k, dir := newTask(), t.TempDir()
		k.finish(t, dir)
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		if text = change(text); text == nil {
			require.NoError(t, os.Remove(path))
		} else {
			require.NoError(t, os.WriteFile(path, text, 0o666))
		}
		problems, err := sink.VerifyRun(t.Context(), dir)
		require.NoError(t, err)
		require.Len(t, problems, 1)
		require.Contains(t, problems[0], want)
	}
	flip := func(text []byte) []byte { text[len(text)/3] ^= 1; return text }
	f("scores.parquet", flip, "checksum")
	f("rows.parquet", func([]byte) []byte { return nil }, "missing")
	f("matrix.npy", func(text []byte) []byte { return append(text, 0) }, "bytes")
	_, err := sink.VerifyRun(t.Context(), t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestVerifyFindsWrongRows(t *testing.T) {
	row := func(query, train int64, side sink.Side, rank int32, score float64) sink.ScoreRow {
		return sink.ScoreRow{Entry: sink.Entry{QueryRow: query, TrainRow: train, Output: sink.NoOutput, Side: side, Rank: rank, Score: score}}
	}
	other := func(r sink.ScoreRow, output int32) sink.ScoreRow { r.Output = output; return r }
	good := []sink.ScoreRow{
		row(4, 9, sink.Helpful, 1, 3), row(4, 1, sink.Helpful, 2, 2), row(4, 5, sink.Helpful, 3, 2), row(4, 0, sink.Harmful, 1, -2),
		row(1, 0, sink.Harmful, 1, -2), row(1, 3, sink.Harmful, 2, -1),
		row(1, 0, sink.Harmful, 1, -2), row(1, 3, sink.Harmful, 2, -1), // The query row is asked twice.
		other(row(7, 1, sink.Helpful, 1, 1), 0), other(row(7, 1, sink.Helpful, 1, 1), 1), other(row(7, 2, sink.Harmful, 1, -1), 1),
	}
	require.Empty(t, sink.VerifyRows(true, good))
	require.Empty(t, sink.VerifyRows(false, []sink.ScoreRow{row(0, 1, sink.High, 1, -1), row(0, 2, sink.Low, 1, -5)}))

	f := func(want string, rows ...sink.ScoreRow) {
		t.Helper()
		problems := sink.VerifyRows(true, rows)
		require.Len(t, problems, 1, want)
		require.Contains(t, problems[0], want)
	}
	f("the side is", row(0, 0, sink.High, 1, 1))
	f("a helpful row has the score -1", row(0, 0, sink.Helpful, 1, -1))
	f("a harmful row has the score 0", row(0, 0, sink.Harmful, 1, 0))
	f("rank 2 follows rank 0", row(0, 0, sink.Helpful, 2, 1))
	f("rank 3 follows rank 1", row(0, 0, sink.Helpful, 1, 1), row(0, 1, sink.Helpful, 3, 1))
	f("rank 2 comes before rank 1", row(0, 0, sink.Helpful, 1, 1), row(0, 1, sink.Helpful, 2, 2))
	f("rank 2 comes before rank 1", row(0, 7, sink.Helpful, 1, 1), row(0, 1, sink.Helpful, 2, 1))
	f("rank 2 comes before rank 1", row(0, 0, sink.Harmful, 1, -1), row(0, 1, sink.Harmful, 2, -2))
	f("comes too late", row(0, 0, sink.Harmful, 1, -1), row(0, 1, sink.Helpful, 1, 2))
	f("comes too late", other(row(0, 0, sink.Helpful, 1, 1), 1), other(row(0, 1, sink.Helpful, 1, 2), 0))
}
