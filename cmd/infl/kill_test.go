package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// killed is a job of three units of train rows.
var killed = ladder{rows: 150_000, trees: 3, rungs: 4, queries: 24}

// TestKilledRunsContinue kills a run at random moments until it is done, and
// compares it with an undisturbed one.
func TestKilledRunsContinue(t *testing.T) {
	rounds := 10
	if os.Getenv("INFL_FULL") == "1" {
		rounds = 100
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	dir := killed.write(t)
	began := time.Now()
	whole := start(t, dir, nil, ladderScore("whole")...)
	require.Zero(t, whole.end(t), "%s", &whole.stderr)
	took := time.Since(began)

	unfinished := 0
	for round := range rounds {
		out := fmt.Sprint("run", round)
		for range 1 + random.IntN(2) {
			p := start(t, dir, nil, ladderScore(out)...)
			time.Sleep(time.Duration(random.Int64N(int64(took))))
			require.NoError(t, p.Process.Kill())
			if code := p.end(t); code > 0 {
				t.Fatalf("round %d: exit code %d: %s", round, code, &p.stderr)
			}
		}
		units, err := filepath.Glob(filepath.Join(dir, out, "parts", "*.part"))
		require.NoError(t, err)
		if len(units) > 0 {
			unfinished++
		}
		p := start(t, dir, nil, ladderScore(out)...)
		require.Zero(t, p.end(t), "round %d: %s", round, &p.stderr)
		requireSameRun(t, filepath.Join(dir, "whole"), filepath.Join(dir, out))
		require.NoError(t, os.RemoveAll(filepath.Join(dir, out)))
	}
	t.Logf("%d of %d runs were killed with some units finished", unfinished, rounds)
}

// TestResultsDoNotDependOnTheMachine runs the same job with other workers and
// budgets.
func TestResultsDoNotDependOnTheMachine(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := killed.write(t)
	t.Chdir(dir)
	code, _, stderr := call(ladderScore("whole")...)
	require.Zero(t, code, stderr)
	for i, flags := range [][]string{
		{"--workers", "1"}, {"--workers", "2"}, {"--workers", "5"}, {"--workers", "16"},
		{"--workers", "1", "--memory", "140MB"}, {"--memory", "512MB"}, {"--memory", "2GB"},
		{"--workers", "3", "--memory", "300MB", "--tmp", dir, "--no-progress", "--quiet"},
	} {
		out := fmt.Sprint("run", i)
		code, _, stderr := call(ladderScore(out, flags...)...)
		require.Zero(t, code, "%v: %s", flags, stderr)
		requireSameRun(t, "whole", out)
	}
}
