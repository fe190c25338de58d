package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/capture"
)

// shardedExamples are three units of train rows.
const shardedExamples = 150_000

// writeShards writes a capture of a linear map of tokens, none to two an example, in
// about some number of shards.
func writeShards(t *testing.T, dir string, examples, shards int64) {
	t.Helper()
	head := capture.NewLinear("head", 3, 2, true)
	head.RowSet = "tok"
	m := capture.NewManifest(filepath.Base(dir), head)
	m.RowSets = map[string]capture.RowSet{"tok": capture.Ragged}
	m.InputGroups[0].RowSet = "tok"
	m.Model.Fingerprint = "abc"
	const exampleBytes = 53 // a little more than one of one token, which is the average
	w, err := capture.Create(dir, m, capture.WriterOptions{ShardBytes: examples * exampleBytes / shards})
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(uint64(examples), 1))
	b := capture.Batch{Loss: make([]float64, examples), Offsets: map[string][]int64{"tok": {0}}}
	var a, g []float32
	for i := range examples {
		tokens := rng.Int64N(3)
		b.IDs = append(b.IDs, i)
		b.Offsets["tok"] = append(b.Offsets["tok"], b.Offsets["tok"][i]+tokens)
		for range tokens * 3 {
			a = append(a, float32(rng.NormFloat64()))
		}
		for range tokens * 2 {
			g = append(g, float32(rng.NormFloat64()))
		}
	}
	b.Inputs, b.OutputGradients = map[string]capture.Values{"head": {F32: a}}, map[string]capture.Values{"head": {F32: g}}
	require.NoError(t, w.Write(b))
	require.NoError(t, w.Close())
	files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	require.NoError(t, err)
	require.InEpsilon(t, shards, len(files), 0.2)
}

// TestKilledScoresDoNotDependOnShards: one shard, 7 or 64, any number of workers or amount of
// memory, and a kill at any moment give the same bytes.
func TestKilledScoresDoNotDependOnShards(t *testing.T) {
	dir := t.TempDir()
	score := func(shards int, out string, more ...string) []string {
		return append([]string{"score", "--method", "tracin", "--checkpoint", fmt.Sprintf("%d@0.1", shards), "--matrix", "npy", "--top", "7", "--out", out}, more...)
	}
	for _, shards := range []int64{1, 7, 64} {
		side := filepath.Join(dir, fmt.Sprint(shards))
		writeShards(t, filepath.Join(side, "train"), shardedExamples, shards)
		writeShards(t, filepath.Join(side, "query"), 20, 1)
	}
	whole := start(t, dir, nil, score(1, "whole")...)
	began := time.Now()
	require.Zero(t, whole.end(t), "%s", &whole.stderr)
	took := time.Since(began)
	want, err := os.ReadFile(filepath.Join(dir, "whole", "matrix.npy"))
	require.NoError(t, err)
	same := func(out string) {
		got, err := os.ReadFile(filepath.Join(dir, out, "matrix.npy"))
		require.NoError(t, err)
		require.True(t, string(want) == string(got), "%s differs", out)
	}
	for _, shards := range []int{7, 64} {
		for i, flags := range [][]string{{"--workers", "1", "--memory", "140MB"}, {"--workers", "3"}} {
			out := fmt.Sprint(shards, "-", i)
			p := start(t, dir, nil, score(shards, out, flags...)...)
			require.Zero(t, p.end(t), "%s", &p.stderr)
			same(out)
		}
		out := fmt.Sprint(shards, "-undisturbed")
		p := start(t, dir, nil, score(shards, out)...)
		require.Zero(t, p.end(t), "%s", &p.stderr)
		for round := range 2 {
			killed := fmt.Sprint(shards, "-killed-", round)
			p := start(t, dir, nil, score(shards, killed)...)
			time.Sleep(took * time.Duration(round+1) / 3)
			require.NoError(t, p.Process.Kill())
			require.LessOrEqual(t, p.end(t), 0, "%s", &p.stderr)
			p = start(t, dir, nil, score(shards, killed)...)
			require.Zero(t, p.end(t), "%s", &p.stderr)
			same(killed)
			requireSameRun(t, filepath.Join(dir, out), filepath.Join(dir, killed))
		}
	}
}
