package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/infl-dev/infl/internal/app"
	"github.com/stretchr/testify/require"
)

// call runs a command line in this process and returns its exit code and what
// it printed.
func call(args ...string) (code int, stdout, stderr string) {
	var out, talk bytes.Buffer
	code = run(args, app.Streams{Out: &out, Err: &talk})
	return code, out.String(), talk.String()
}

// A process is an infl of its own.
type process struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

// start starts infl in a folder; it is killed at the end of the test where it
// still runs.
func start(t testing.TB, dir string, env []string, args ...string) *process {
	p := &process{Cmd: exec.CommandContext(context.WithoutCancel(t.Context()), "infl", args...)}
	p.Dir, p.Env = dir, append(os.Environ(), env...)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	require.NoError(t, p.Start())
	t.Cleanup(func() {
		if p.ProcessState == nil {
			_ = p.Process.Kill() // It has ended where that fails.
			_ = p.Cmd.Wait()     // A killed process has no good end.
		}
	})
	return p
}

// end waits and returns the exit code; −1 for a process that was killed.
func (p *process) end(t testing.TB) int {
	err := p.Cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	require.NoError(t, err)
	return 0
}

// ladderScore is a score of a ladder's files with everything that a run can
// write.
func ladderScore(out string, more ...string) []string {
	return append([]string{
		"score", "--model", "model.txt", "--train", "train.csv", "--query", "query.csv", "--label", "y", "--key", "id",
		"--matrix", "npy", "--aggregate", "sum", "--top", "7", "--out", out,
	}, more...)
}

// requireSameRun compares all that must be the same in two finished runs.
func requireSameRun(t testing.TB, want, got string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(want), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || name == "log.jsonl" || name == "run.json" {
			return err
		}
		a, err := os.ReadFile(filepath.Join(want, name))
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(got, name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(a, b), "%s differs", name)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, record(t, want), record(t, got))
	require.NoDirExists(t, filepath.Join(got, "parts"))
	require.NoFileExists(t, filepath.Join(got, "run.lock"))
}

// record returns run.json without what may differ between equal runs.
func record(t testing.TB, dir string) map[string]any {
	text, err := os.ReadFile(filepath.Join(dir, "run.json"))
	require.NoError(t, err)
	var doc map[string]any
	require.NoError(t, json.Unmarshal(text, &doc))
	delete(doc, "measured")
	delete(doc, "invocation")
	return doc
}
