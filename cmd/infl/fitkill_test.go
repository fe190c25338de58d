package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestKilledFitsDoNotDependOnShards: one shard or 64, any number of workers, and kills at
// any moment give the same factors.
func TestKilledFitsDoNotDependOnShards(t *testing.T) {
	dir := t.TempDir()
	fit := func(shards int, out string, more ...string) []string {
		return append([]string{"fit", "--method", "ekfac", "--train", filepath.Join(fmt.Sprint(shards), "train"), "--out", out}, more...)
	}
	for _, shards := range []int64{1, 64} {
		writeShards(t, filepath.Join(dir, fmt.Sprint(shards), "train"), shardedExamples, shards)
	}
	content := func(out string) map[string]string {
		all := map[string]string{}
		entries, err := os.ReadDir(filepath.Join(dir, out))
		require.NoError(t, err)
		for _, e := range entries {
			b, err := os.ReadFile(filepath.Join(dir, out, e.Name()))
			require.NoError(t, err)
			all[e.Name()] = string(b)
		}
		return all
	}
	began := time.Now()
	whole := start(t, dir, nil, fit(1, "whole")...)
	require.Zero(t, whole.end(t), "%s", &whole.stderr)
	took := time.Since(began)
	want := content("whole")
	require.Len(t, want, 11)
	for round := range 6 {
		out := fmt.Sprint("killed", round)
		for range 2 {
			p := start(t, dir, nil, fit(64, out, "--workers", "1")...)
			time.Sleep(took * time.Duration(round+1) / 7)
			require.NoError(t, p.Process.Kill())
			require.LessOrEqual(t, p.end(t), 0, "%s", &p.stderr)
		}
		p := start(t, dir, nil, fit(64, out, "--workers", "3", "--memory", "140MB")...)
		require.Zero(t, p.end(t), "%s", &p.stderr)
		got := content(out)
		for name, b := range got {
			require.True(t, b == want[name], "%s: %s differs", out, name)
		}
		require.Len(t, got, len(want), out)
	}
}
