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

// killFits compares a fit that is killed at several moments, before it may finish, with one
// that is not: with other flags each time.
func killFits(t *testing.T, dir string, whole, killed, last []string) {
	t.Helper()
	fit := func(out string, flags []string) *process {
		return start(t, dir, nil, append([]string{"fit", "--method", "ekfac", "--out", out}, flags...)...)
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
	p := fit("whole", whole)
	require.Zero(t, p.end(t), "%s", &p.stderr)
	took := time.Since(began)
	want := content("whole")
	require.Len(t, want, 11)
	for round := range 6 {
		out := fmt.Sprint("killed", round)
		for range 2 {
			p := fit(out, killed)
			time.Sleep(took * time.Duration(round+1) / 7)
			require.NoError(t, p.Process.Kill())
			require.LessOrEqual(t, p.end(t), 0, "%s", &p.stderr)
		}
		p := fit(out, last)
		require.Zero(t, p.end(t), "%s", &p.stderr)
		got := content(out)
		for name, b := range got {
			require.True(t, b == want[name], "%s: %s differs", out, name)
		}
		require.Len(t, got, len(want), out)
	}
}

// TestKilledFitsDoNotDependOnShards: one shard or 64, any number of workers, and kills at
// any moment give the same factors.
func TestKilledFitsDoNotDependOnShards(t *testing.T) {
	dir := t.TempDir()
	for _, shards := range []int64{1, 64} {
		writeShards(t, filepath.Join(dir, fmt.Sprint(shards), "train"), shardedExamples, shards)
	}
	killFits(t, dir, []string{"--train", "1/train"}, []string{"--train", "64/train", "--workers", "1"},
		[]string{"--train", "64/train", "--workers", "3", "--memory", "140MB"})
}

// TestKilledFitsThatSpill has a layer whose sums do not fit into the memory: the plan says
// that they wait in a file, of which nothing is left after a kill.
func TestKilledFitsThatSpill(t *testing.T) {
	dir := t.TempDir()
	const width, examples, tokens = 500, 600, 2
	m := capture.NewManifest("train", capture.NewLinear("wide", width, width, false))
	m.RowSets["tok"], m.Modules[0].RowSet, m.InputGroups[0].RowSet = tokens, "tok", "tok"
	w, err := capture.Create(filepath.Join(dir, "train"), m, capture.WriterOptions{})
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range int64(examples) {
		rows := [2]capture.Values{}
		for j := range rows {
			for range tokens * width {
				rows[j].F32 = append(rows[j].F32, rng.Float32()-0.5)
			}
		}
		require.NoError(t, w.Write(capture.Batch{
			IDs: []int64{i}, Loss: []float64{1},
			Inputs: map[string]capture.Values{"wide": rows[0]}, OutputGradients: map[string]capture.Values{"wide": rows[1]},
		}))
	}
	require.NoError(t, w.Close())
	tmp := t.TempDir()
	small := []string{"--train", "train", "--memory", "64MB", "--tmp", tmp}
	p := start(t, dir, nil, append([]string{"fit", "--method", "ekfac", "--dry-run"}, small...)...)
	require.Zero(t, p.end(t), "%s", &p.stderr)
	require.Contains(t, p.stderr.String(), `note: activation_covariance of module "wide" does not fit into memory: sums of its rows wait in a temporary file`)
	require.Contains(t, p.stderr.String(), "note: covariances take 2 passes over the rows of their modules")
	killFits(t, dir, []string{"--train", "train"}, small, small)
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Empty(t, left)
}
