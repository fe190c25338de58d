//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFullDisk lets a run find no more room, at many sizes of what there is.
// Given room, the same command continues.
func TestFullDisk(t *testing.T) {
	dir := ladder{rows: 5000, trees: 2, rungs: 4, queries: 100}.write(t)
	whole := start(t, dir, nil, ladderScore("whole")...)
	require.Zero(t, whole.end(t), "%s", &whole.stderr)
	for _, size := range []int{0, 1 << 10, 16 << 10, 64 << 10, 200 << 10, 1 << 20} {
		out := filepath.Join(dir, fmt.Sprint("limit", size))
		p := start(t, dir, []string{fmt.Sprint("INFL_TEST_FSIZE=", size)}, ladderScore(out)...)
		requireRefused(t, p, out)
		p = start(t, dir, nil, ladderScore(out)...)
		require.Zero(t, p.end(t), "%s", &p.stderr)
		requireSameRun(t, filepath.Join(dir, "whole"), out)
	}
	for _, size := range []int{16 << 10, 64 << 10, 256 << 10, 2 << 20} {
		disk, env := smallDisk(t, size)
		out := filepath.Join(disk, "run")
		requireRefused(t, start(t, dir, env, ladderScore(out)...), out)
	}
}

func requireRefused(t *testing.T, p *process, out string) {
	t.Helper()
	require.Equal(t, 2, p.end(t), "%s", &p.stderr)
	require.Empty(t, errorLine(p.stderr.String()))
	require.Empty(t, p.stdout.String())
	require.Empty(t, looksWhole(out))
}

// TestFullScratchFolder has no room for the leaves of the train rows. Elsewhere
// the same command continues.
func TestFullScratchFolder(t *testing.T) {
	dir := ladder{rows: 60_000, trees: 4, rungs: 4, queries: 2}.write(t)
	disk, env := smallDisk(t, 64<<10)
	out := filepath.Join(dir, "run")
	p := start(t, dir, env, ladderScore(out, "--tmp", disk)...)
	requireRefused(t, p, out)
	require.Contains(t, p.stderr.String(), "infl: scratch file for the leaf index: ")
	require.Contains(t, p.stderr.String(), "name another folder with --tmp")
	p = start(t, dir, nil, ladderScore(out, "--tmp", dir)...)
	require.Zero(t, p.end(t), "%s", &p.stderr)
}

// TestFoldersThatCannotBeWritten also covers read-only folders, unless the
// tests run as root, whom no mode stops.
func TestFoldersThatCannotBeWritten(t *testing.T) {
	dir := ladder{rows: 100, trees: 1, rungs: 2, queries: 1}.write(t)
	outs := []string{"train.csv", "train.csv/run"}
	if os.Geteuid() != 0 {
		require.NoError(t, os.Mkdir(filepath.Join(dir, "sealed"), 0o555))
		outs = append(outs, "sealed", "sealed/run")
	}
	for _, out := range outs {
		p := start(t, dir, nil, ladderScore(out)...)
		requireRefused(t, p, filepath.Join(dir, out))
		require.Contains(t, p.stderr.String(), out[:6])
	}
}
