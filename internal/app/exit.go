package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/infl-dev/infl/gbdt"
)

// Exit codes of the command line.
const (
	ExitOK          = 0
	ExitGate        = 1   // a gate failed: fidelity, verify
	ExitError       = 2   // usage, data or internal error
	ExitInterrupted = 130 // interrupted
)

// A ResumableError says that what was done so far is kept: the same command
// continues.
type ResumableError struct{ Err error }

func (e *ResumableError) Error() string { return e.Err.Error() }
func (e *ResumableError) Unwrap() error { return e.Err }

// A GateError says that a check did not pass: the command worked, and its
// answer is no.
type GateError struct{ Err error }

func (e *GateError) Error() string { return e.Err.Error() }
func (e *GateError) Unwrap() error { return e.Err }

// ExitCode returns the process's exit code for a command's error.
func ExitCode(err error) int {
	var gate *GateError
	var mismatch *gbdt.MismatchError
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, &gate), errors.As(err, &mismatch):
		return ExitGate
	}
	return ExitError
}

// PrintError writes an error as one line; with Debug, its chain of causes
// follows.
func (c *Common) PrintError(err error) {
	text := err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted"
		var kept *ResumableError
		if errors.As(err, &kept) {
			text += "; run the same command again to continue"
		}
	}
	c.talk("error", "infl: "+oneLine(text))
	for c.Debug && err != nil {
		c.talk("debug", fmt.Sprintf("  %T: %s", err, oneLine(err.Error())))
		err = errors.Unwrap(err)
	}
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}
