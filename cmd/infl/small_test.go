package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/infl-dev/infl/influence/sink"
	"github.com/stretchr/testify/require"
)

// TestSmallestModels scores models at the edge: one tree, trees of one leaf,
// one train row, one query.
func TestSmallestModels(t *testing.T) {
	for name, l := range map[string]ladder{
		"one tree":      {rows: 200, trees: 1, rungs: 4, queries: 3},
		"one leaf":      {rows: 200, trees: 3, rungs: 1, queries: 3},
		"one query":     {rows: 200, trees: 3, rungs: 4, queries: 1},
		"one train row": {rows: 1, trees: 1, rungs: 1, queries: 2},
		"two rows":      {rows: 2, trees: 2, rungs: 1, queries: 2},
	} {
		t.Chdir(l.write(t))
		code, stdout, stderr := call(ladderScore("run")...)
		require.Zero(t, code, "%s: %s", name, stderr)
		require.Contains(t, stdout, `"verdict":"exact"`, name)
		code, _, stderr = call("verify", "run")
		require.Zero(t, code, "%s: %s", name, stderr)
		code, _, stderr = call("why", "--model", "model.txt", "--train", "train.csv", "--query", "query.csv", "--label", "y", "--key", "id", "--format", "table")
		require.Zero(t, code, "%s: %s", name, stderr)
	}
}

// TestLargeIntegerKeys checks that keys beyond 2⁵³ are kept to the digit.
func TestLargeIntegerKeys(t *testing.T) {
	const first = int64(1)<<53 + 1
	l := ladder{rows: 100, trees: 2, rungs: 3, queries: 2, key: func(row int) string { return strconv.FormatInt(first+int64(row), 10) }}
	dir := l.write(t)
	t.Chdir(dir)
	code, _, stderr := call(ladderScore("run")...)
	require.Zero(t, code, stderr)
	rows := 0
	require.NoError(t, sink.ReadScores(t.Context(), "run", func(r sink.ScoreRow) error {
		rows++
		require.Equal(t, sink.Key{Int: first + r.TrainRow, IsInt: true}, r.TrainKey)
		require.Equal(t, sink.Key{Int: first + int64(l.rows) + r.QueryRow, IsInt: true}, r.QueryKey)
		return nil
	}))
	require.NotZero(t, rows)

	// JSON readers lose such digits, so there it is an error.
	var objects strings.Builder
	for row := range l.rows {
		objects.WriteString(`{"id": ` + l.keyOf(row) + `, "x": ` + strconv.Itoa(l.x(row)) + `, "y": ` + strconv.FormatFloat(l.y(row), 'g', -1, 64) + "}\n")
	}
	require.NoError(t, os.WriteFile("train.jsonl", []byte(objects.String()), 0o666))
	code, _, stderr = call(ladderScore("bad", "--train", "train.jsonl")...)
	require.Equal(t, 2, code)
	require.Empty(t, errorLine(stderr))
	require.Contains(t, stderr, `train.jsonl:1: column "id": the key 9007199254740993 is beyond 2^53`)
	require.Empty(t, looksWhole(filepath.Join(dir, "bad")))
}

// TestInputsThatChangeUnderAFinishedRun changes a query key, which leaves the
// file's size as it was.
func TestInputsThatChangeUnderAFinishedRun(t *testing.T) {
	l := ladder{rows: 300, trees: 2, rungs: 3, queries: 2}
	t.Chdir(l.write(t))
	code, _, stderr := call(ladderScore("run")...)
	require.Zero(t, code, stderr)
	text, err := os.ReadFile("query.csv")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile("query.csv", []byte(strings.Replace(string(text), "300,", "999,", 1)), 0o666))
	code, _, stderr = call(ladderScore("run")...)
	require.Equal(t, 2, code)
	require.Empty(t, errorLine(stderr))
	require.Contains(t, stderr, "run belongs to another run: inputs.query")
}
