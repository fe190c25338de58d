package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestKilledRescoresContinue kills --rescore in either of its passes; units of the first one
// are kept as well, whatever memory the next attempt has.
func TestKilledRescoresContinue(t *testing.T) {
	dir := t.TempDir()
	writeShards(t, filepath.Join(dir, "train"), shardedExamples, 1)
	writeShards(t, filepath.Join(dir, "query"), 20, 1)
	p := start(t, dir, nil, "fit", "--method", "ekfac", "--train", "train", "--out", "factors")
	require.Zero(t, p.end(t), "%s", &p.stderr)
	score := func(out string, more ...string) *process {
		return start(t, dir, nil, append([]string{"score", "--method", "ekfac", "--factors", "factors", "--train", "train", "--query", "query",
			"--rank", "1", "--rescore", "300", "--top", "10", "--out", out}, more...)...)
	}
	began := time.Now()
	p = score("whole")
	require.Zero(t, p.end(t), "%s", &p.stderr)
	took := time.Since(began)
	kept := 0
	for round := range 8 {
		out := fmt.Sprint("killed", round)
		p := score(out, "--workers", "1")
		time.Sleep(took * time.Duration(round+1) / 9)
		require.NoError(t, p.Process.Kill())
		require.LessOrEqual(t, p.end(t), 0, "%s", &p.stderr)
		first, err := filepath.Glob(filepath.Join(dir, out, "parts", "first-*.part"))
		require.NoError(t, err)
		kept += len(first)
		p = score(out, "--memory", "140MB")
		require.Zero(t, p.end(t), "%s", &p.stderr)
		requireSameRun(t, filepath.Join(dir, "whole"), filepath.Join(dir, out))
	}
	t.Logf("%d units of first passes were kept", kept)
}
