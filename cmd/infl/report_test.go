package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/internal/app/report"
)

// runs calls infl and wants it to succeed.
func runs(t *testing.T, args ...string) {
	t.Helper()
	code, _, stderr := call(args...)
	require.Zero(t, code, "%v: %s", args, stderr)
}

// readReport makes a report in JSON and reads it.
func readReport(t *testing.T, args ...string) report.Report {
	t.Helper()
	code, stdout, stderr := call(append([]string{"report", "--format", "json", "--out", "-"}, args...)...)
	require.Zero(t, code, stderr)
	var r report.Report
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	return r
}

// TestReportOfEveryOutput reports on a model of three classes with one result for
// each output: a query shows those of the predicted and of the labelled class.
func TestReportOfEveryOutput(t *testing.T) {
	t.Chdir(triple{iterations: 3}.write(t))
	model := []string{"--model", "model.txt", "--train", "train.csv", "--label", "colour", "--key", "id", "--classes", strings.Join(tripleClasses, ",")}
	for _, of := range []string{"margin:all", "probability:all", "loss"} {
		runs(t, append([]string{"score", "--query", "query.csv", "--of", of, "--top", "6", "--out", of, "-q"}, model...)...)
		runs(t, "report", of)
		page, err := os.ReadFile(filepath.Join(of, "report.html"))
		require.NoError(t, err)
		for _, section := range []string{"Queries", "Whole set", "Suspects", "Heat map", "Card"} {
			require.Contains(t, string(page), "<h2>"+section+"</h2>", of)
		}
		run := readReport(t, of).Runs[0]
		require.Equal(t, report.Check{Name: "scores", Result: report.Passed, Detail: run.Verdict.Checks[4].Detail}, run.Verdict.Checks[4], of)
		require.Len(t, run.Queries.List, 9)
		for _, q := range run.Queries.List {
			require.Contains(t, tripleClasses, q.Label)
			predicted, _, _ := strings.Cut(q.Prediction, " ")
			var outputs []string
			for _, a := range q.Answers {
				if a.Output != "" {
					outputs = append(outputs, a.Output)
				}
			}
			switch {
			case of == "loss":
				require.Empty(t, outputs)
			case predicted == q.Label:
				require.Equal(t, []string{q.Label}, outputs)
			default:
				require.ElementsMatch(t, []string{q.Label, predicted}, outputs)
			}
			require.Equal(t, 9, run.Queries.Trees)
			require.LessOrEqual(t, q.Nearest[0].Trees, 9)
			require.GreaterOrEqual(t, q.Nearest[0].Trees, q.Nearest[2].Trees)
		}
	}
}

// TestReportAgreesWithWhy compares the shares of a report with those that infl
// why computes from all scores.
func TestReportAgreesWithWhy(t *testing.T) {
	t.Chdir(ladder{rows: 300, trees: 5, rungs: 6, queries: 4}.write(t))
	runs(t, ladderScore("run", "--method", "leafinfluence", "--top", "3")...)
	for _, q := range readReport(t, "run").Runs[0].Queries.List {
		code, stdout, stderr := call("why", "--model", "model.txt", "--train", "train.csv", "--query", "query.csv", "--label", "y", "--key", "id",
			"--row", q.Key, "--top", "3", "--json", "train_key,score,share")
		require.Zero(t, code, stderr)
		var rows []report.TrainRow
		for _, side := range q.Answers[0].Sides {
			rows = append(rows, side.Rows...)
		}
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		require.Len(t, lines, len(rows))
		for i, line := range lines {
			var want struct {
				Key   any     `json:"train_key"`
				Score float64 `json:"score"`
				Share float64 `json:"share"`
			}
			require.NoError(t, json.Unmarshal([]byte(line), &want))
			require.Equal(t, fmt.Sprint(want.Key), rows[i].Key)
			require.InDelta(t, want.Score, float64(rows[i].Score), 0)
			require.InDelta(t, want.Share, float64(rows[i].Share), 1e-12)
		}
	}
}

// TestReportOfHostileTables plants texts in fields, keys, labels of groups and
// names of columns. The page keeps its markup and its size, and --no-rows and
// --redact keep each of them out of the page and out of all files beside it.
func TestReportOfHostileTables(t *testing.T) {
	const secret = "SECRET"
	hostile := []string{
		secret + `</style><script>alert(1)</script>`, secret + `"' onmouseover="alert(2)`, secret + "\u202etxt.exe", secret + strings.Repeat("y", 100_000), secret + "\x00\x1b[31m",
	}
	l := ladder{rows: 120, trees: 3, rungs: 4, queries: 5}
	dir := l.write(t)
	t.Chdir(dir)
	for name, first := range map[string]int{"train.csv": 0, "query.csv": l.rows} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		lines[0] += `,"<b>note</b>",team`
		for i := range lines[1:] {
			note := strings.ReplaceAll(hostile[i%len(hostile)], `"`, `""`)
			lines[i+1] += fmt.Sprintf(`,"%s","%s%d</td>"`, note, secret, (first+i)%3)
		}
		require.NoError(t, os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o666))
	}
	runs(t, ladderScore("run", "--top", "5", "--group", "team", "-q")...)

	runs(t, "report", "run")
	page, err := os.ReadFile("run/report.html")
	require.NoError(t, err)
	require.Less(t, len(page), 2_000_000)
	for _, bad := range []string{"<script>alert", `" onmouseover="`, "\u202e", "\x00", "</td></td>", "<b>note"} {
		require.False(t, strings.Contains(string(page), bad), bad)
	}
	require.Contains(t, string(page), "99,886 characters")
	require.Contains(t, string(page), `\u202etxt.exe`)

	for _, flags := range [][]string{{"--no-rows"}, {"--redact", "<b>note</b>", "--redact", "team"}} {
		for _, format := range report.Formats {
			out := "kept." + format
			runs(t, append([]string{"report", "run", "--format", format, "--out", out}, flags...)...)
			files, err := filepath.Glob("kept-series/*")
			require.NoError(t, err)
			require.NotEmpty(t, files)
			for _, name := range append(files, out) {
				text, err := os.ReadFile(name)
				require.NoError(t, err)
				require.False(t, strings.Contains(string(text), secret), "%s with %v", name, flags)
			}
		}
	}
}

// TestReplayOfTheCard follows the card: the run again, with the same bytes.
func TestReplayOfTheCard(t *testing.T) {
	t.Chdir(ladder{rows: 100, trees: 2, rungs: 3, queries: 2}.write(t))
	runs(t, ladderScore("run", "--method", "random", "--seed", "7")...)
	card := readReport(t, "run").Runs[0].Card
	words := strings.Fields(strings.NewReplacer("RUN", "run", "NEW", "again").Replace(card.Replay))
	require.Equal(t, "infl", words[0])
	runs(t, words[1:]...)
	one, err := os.ReadFile("run/scores.parquet")
	require.NoError(t, err)
	other, err := os.ReadFile("again/scores.parquet")
	require.NoError(t, err)
	require.Equal(t, one, other)
}
