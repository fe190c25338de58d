package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/rogpeppe/go-internal/testscript"
)

// fails CODE infl ARGS… runs infl, which must end with the code, print nothing
// but one error line (after notes) on stderr, and no stack trace.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fails CODE PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit code %d, not %d", code, want)
	}
	if problem := errorLine(ts.ReadFile("stderr")); problem != "" {
		ts.Fatalf("%s", problem)
	}
}

// errorLine returns what is wrong with the talk of a failed command: it must be
// notes and then one line that begins with "infl: ".
func errorLine(stderr string) string {
	all := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
	last := len(all) - 1
	for i, line := range all {
		switch {
		case strings.Contains(line, "goroutine ") || strings.Contains(line, "panic"):
			return "stderr holds a stack trace: " + stderr
		case i < last && !strings.HasPrefix(line, "note: "):
			return "more than one line on stderr: " + stderr
		case i == last && !strings.HasPrefix(line, "infl: "):
			return "the last line on stderr is no error line: " + stderr
		}
	}
	return ""
}

// lines FILE N checks that a file (or stdout, stderr) has N lines.
func lines(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: lines FILE N")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	if got := strings.Count(ts.ReadFile(args[0]), "\n"); (got == want) == neg {
		ts.Fatalf("%s has %d lines, not %d", args[0], got, want)
	}
}

// sums A B checks that two runs have the same sums and means, to rounding.
func sums(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sums RUN RUN")
	}
	a, b := sumsOf(ts, args[0]), sumsOf(ts, args[1])
	if len(a) != len(b) || len(a) == 0 {
		ts.Fatalf("%d and %d sums", len(a), len(b))
	}
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-10 {
			ts.Fatalf("number %d is %v and %v", i, a[i], b[i])
		}
	}
}

func sumsOf(ts *testscript.TestScript, dir string) []float64 {
	t, err := dataset.Open(ts.MkAbs(filepath.Join(dir, "rows.parquet")), dataset.Options{})
	ts.Check(err)
	b, err := t.Bind(dataset.Binding{Features: []dataset.Feature{{Name: "sum"}, {Name: "mean"}}})
	ts.Check(err)
	var out []float64
	for fr, err := range b.Frames(context.Background()) {
		ts.Check(err)
		out = append(append(out, fr.X[0]...), fr.X[1]...)
	}
	return out
}

// scores DIR prints the rows of scores.parquet: query key, train key and score.
func scores(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: scores RUN")
	}
	err := sink.ReadScores(context.Background(), ts.MkAbs(args[0]), func(r sink.ScoreRow) error {
		_, err := fmt.Fprintln(ts.Stdout(), r.QueryKey, r.TrainKey, r.Score)
		return err
	})
	ts.Check(err)
}

// within RUN WHOLE N checks that a run has N scores, all of which another one has too.
func within(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: within RUN WHOLE N")
	}
	var all [2]map[[2]sink.Key]float64
	for i := range all {
		all[i] = map[[2]sink.Key]float64{}
		ts.Check(sink.ReadScores(context.Background(), ts.MkAbs(args[i]), func(r sink.ScoreRow) error {
			all[i][[2]sink.Key{r.QueryKey, r.TrainKey}] = r.Score
			return nil
		}))
	}
	for pair, score := range all[0] {
		if want, there := all[1][pair]; !there || score != want {
			ts.Fatalf("%v has the score %v in %s and %v in %s", pair, score, args[0], want, args[1])
		}
	}
	if got := fmt.Sprint(len(all[0])); got != args[2] {
		ts.Fatalf("%s has %s scores", args[0], got)
	}
}

// unrun DIR… checks that folders hold nothing that looks like a whole run.
func unrun(ts *testscript.TestScript, neg bool, args []string) {
	for _, dir := range args {
		whole := looksWhole(ts.MkAbs(dir))
		if (whole != "") != neg {
			ts.Fatalf("%s: %q", dir, whole)
		}
	}
}

// looksWhole returns what makes a folder look like a finished run.
func looksWhole(dir string) string {
	if _, state, err := sink.ReadRecord(dir); err == nil && state == sink.Done {
		return "run.json says done"
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if slices.Contains(resultNames, e.Name()) {
			return e.Name()
		}
	}
	return ""
}

var resultNames = []string{"scores.parquet", "rows.parquet", "matrix.npy", "matrix.arrow"}

// edit FILE REGEXP REPLACEMENT [OUT] replaces the first match in a file; the
// replacement may hold $1 and the escapes of a Go string.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: edit FILE REGEXP REPLACEMENT [OUT]")
	}
	text := ts.ReadFile(args[0])
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	with, err := strconv.Unquote(`"` + strings.ReplaceAll(args[2], `"`, `\"`) + `"`)
	ts.Check(err)
	at := re.FindStringSubmatchIndex(text)
	if at == nil {
		ts.Fatalf("%s: no match of %s", args[0], args[1])
	}
	out := text[:at[0]] + string(re.ExpandString(nil, with, text, at)) + text[at[1]:]
	to := args[0]
	if len(args) > 3 {
		to = args[3]
	}
	ts.Check(os.WriteFile(ts.MkAbs(to), []byte(out), 0o666))
}
