package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/infl-dev/infl/internal/app"
	"github.com/stretchr/testify/require"
)

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestOutputThatCannotBeWritten closes stdout to all that prints.
func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Chdir(ladder{rows: 100, trees: 2, rungs: 3, queries: 2}.write(t))
	broken := writerFunc(func([]byte) (int, error) { return 0, errors.New("the pipe is closed") })
	for _, args := range [][]string{
		{"version"}, {"inspect", "model.txt"}, {"verify", "model.txt"}, {"score", "--list-methods"}, {"config", "show"}, {"completion", "zsh"},
		{"demo", "demo"}, ladderScore("run"), append(ladderScore("run"), "--dry-run"),
		{"why", "--model", "model.txt", "--train", "train.csv", "--query", "query.csv", "--label", "y", "--format", "table"},
	} {
		var talk bytes.Buffer
		require.Equal(t, app.ExitError, run(args, app.Streams{Out: broken, Err: &talk}), "%v", args)
		require.Empty(t, errorLine(talk.String()), "%v", args)
		require.Contains(t, talk.String(), "the pipe is closed", "%v", args)
	}
}

// TestPanicIsOneLine lets a command run into a panic.
func TestPanicIsOneLine(t *testing.T) {
	var talk bytes.Buffer
	panics := writerFunc(func([]byte) (int, error) { panic("a bug") })
	require.Equal(t, app.ExitError, run([]string{"version"}, app.Streams{Out: panics, Err: &talk}))
	require.Equal(t, "infl: internal error: a bug; please report it with the command line and infl version\n", talk.String())
}
