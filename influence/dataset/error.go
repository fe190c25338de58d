package dataset

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// An Error says what is wrong with a table and where. It is the type of every
// error of this package apart from those of a context.
type Error struct {
	Path    string
	Line    int64  // line of a text file, from 1; 0 where it has none
	Row     int64  // row of the whole input, from 0; −1 where it has none
	Column  string // column name; empty where it concerns none
	Key     string // key of the row, where the error is about a key
	Problem string // what is wrong
	Hint    string // what to do about it; may be empty
	Err     error  // cause; may be nil
}

// Error returns one line: path:line: column "x": problem; hint. Where there is
// no line, the row is named instead. What has no place begins with the problem.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	switch {
	case e.Line > 0:
		fmt.Fprintf(&b, ":%d", e.Line)
	case e.Row >= 0:
		fmt.Fprintf(&b, ": row %d", e.Row)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, ": column %q", e.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	if e.Hint != "" {
		fmt.Fprintf(&b, "; %s", e.Hint)
	}
	return strings.NewReplacer("\n", " ", "\r", " ").Replace(b.String())
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// problem returns an error that has no place yet.
func problem(format string, args ...any) *Error {
	return &Error{Row: -1, Problem: fmt.Sprintf(format, args...)}
}

func (e *Error) hint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// at returns err as an *Error with the path filled in where it lacks one. A
// context's error passes through unchanged.
func at(path string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var e *Error
	if !errors.As(err, &e) {
		e = problem("%v", err)
		e.Err = err
	}
	if e.Path == "" {
		e.Path = path
	}
	return e
}

// catch turns a panic of a file library on a damaged file into an error of the
// surrounding function.
func catch(path, what string, err *error) {
	if p := recover(); p != nil {
		e := problem("is not a valid %s: %v", what, p)
		e.Path = path
		*err = e
	}
}

// closeInto closes a file at the end of a function whose own error goes first.
func closeInto(err *error, close func() error) {
	if closing := close(); closing != nil && *err == nil {
		*err = closing
	}
}
