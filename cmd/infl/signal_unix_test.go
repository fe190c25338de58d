//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// underWay starts a score of killed into the folder and returns it once it has
// written run.json. At least the train table is still to be read then.
func underWay(t testing.TB, dir, out string) *process {
	t.Helper()
	p := start(t, dir, nil, ladderScore(out)...)
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, out, "run.json"))
		return err == nil
	}, time.Minute, time.Millisecond)
	return p
}

// TestInterruptedRunsContinue sends SIGINT and SIGTERM to a run.
func TestInterruptedRunsContinue(t *testing.T) {
	dir := killed.write(t)
	whole := start(t, dir, nil, ladderScore("whole")...)
	require.Zero(t, whole.end(t), "%s", &whole.stderr)
	for name, signal := range map[string]syscall.Signal{"int": syscall.SIGINT, "term": syscall.SIGTERM} {
		out := filepath.Join(dir, name)
		p := underWay(t, dir, name)
		require.NoError(t, p.Process.Signal(signal))
		require.Equal(t, 130, p.end(t), "%s", &p.stderr)
		require.Empty(t, p.stdout.String())
		require.Empty(t, errorLine(p.stderr.String()))
		require.Contains(t, p.stderr.String(), "interrupted; run the same command again to continue")
		require.Empty(t, looksWhole(out))

		again := start(t, dir, nil, ladderScore(name)...)
		require.Zero(t, again.end(t), "%s", &again.stderr)
		requireSameRun(t, filepath.Join(dir, "whole"), out)
	}
}

// TestSecondProcessIsTold stops a run in the middle, while another process
// wants the same folder.
func TestSecondProcessIsTold(t *testing.T) {
	dir := killed.write(t)
	first := underWay(t, dir, "run")
	require.NoError(t, first.Process.Signal(syscall.SIGSTOP))
	for _, more := range [][]string{nil, {"--fresh"}, {"--top", "3"}} {
		second := start(t, dir, nil, ladderScore("run", more...)...)
		require.Equal(t, 2, second.end(t))
		require.Empty(t, errorLine(second.stderr.String()))
		require.Contains(t, second.stderr.String(), "run is being written by process ")
	}
	require.NoError(t, first.Process.Signal(syscall.SIGCONT))
	require.Zero(t, first.end(t), "%s", &first.stderr)

	alone := start(t, dir, nil, ladderScore("alone")...)
	require.Zero(t, alone.end(t), "%s", &alone.stderr)
	requireSameRun(t, filepath.Join(dir, "alone"), filepath.Join(dir, "run"))
}
