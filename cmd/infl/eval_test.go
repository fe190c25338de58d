package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/dataset"
)

// TestKilledEvaluationContinues kills an evaluation while it trains, and compares what
// it gives in the end with an undisturbed one.
func TestKilledEvaluationContinues(t *testing.T) {
	dir := t.TempDir()
	for name, rows := range map[string]int64{"train.npy": 30, "query.npy": 4} {
		n := dataset.Numbers{Shape: []int64{rows, 3}}
		for i := range rows * 3 {
			n.Values = append(n.Values, float64((i*i+5)%17)-8)
		}
		var b bytes.Buffer
		require.NoError(t, n.Write(&b, "<f8"))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o666))
	}
	score := start(t, dir, nil, "score", "--method", "dot", "--train", "train.npy", "--query", "query.npy", "--matrix=npy", "--out", "run")
	require.Zero(t, score.end(t), "%s", &score.stderr)
	eval := func(out string) *process {
		return start(t, dir, nil, "eval", "--protocol", "lds", "--scores", "run", "--trainer", "cmd:additive train.npy query.npy noisy", "--subsets", "12", "--repeats", "2", "--out", out)
	}
	whole := eval("whole")
	require.Zero(t, whole.end(t), "%s", &whole.stderr)

	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	kept := 0
	for round := 0; round < 20 && kept < 5; round++ {
		p := eval("killed")
		time.Sleep(time.Duration(100+random.IntN(100)) * time.Millisecond)
		require.NoError(t, p.Process.Kill())
		p.end(t)
		parts, err := filepath.Glob(filepath.Join(dir, "killed", "parts", "unit-*.part"))
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(parts), kept, "what was kept stays")
		kept = len(parts)
	}
	require.NotZero(t, kept, "trainings were kept")
	p := eval("killed")
	require.Zero(t, p.end(t), "%s", &p.stderr)
	requireSameRun(t, filepath.Join(dir, "whole"), filepath.Join(dir, "killed"))
}
