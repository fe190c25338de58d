package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/infl-dev/infl/influence/dataset"
)

// problem returns the error of this package: what is wrong in which file or folder.
func problem(path, format string, args ...any) *dataset.Error {
	return &dataset.Error{Path: path, Row: -1, Problem: fmt.Sprintf(format, args...)}
}

// caused gives an error its place where it has none. The system's errors name the path
// themselves, which is said once; those of a context stay what they are.
func caused(path string, err error) error {
	var e *dataset.Error
	if err == nil || errors.As(err, &e) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var system *fs.PathError
	if errors.As(err, &system) {
		path, err = system.Path, system.Err
	}
	e = problem(path, "%v", err)
	e.Err = err
	return e
}

// maxHead bounds a JSON head in bytes: a million records of LogIX fit.
const maxHead = 1 << 30

// readHead reads a JSON file.
func readHead(path string, head any) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxHead+1))
	if err != nil {
		return caused(path, err)
	}
	if len(b) > maxHead {
		return problem(path, "has more than %d bytes", maxHead)
	}
	if err := json.Unmarshal(b, head); err != nil {
		e := problem(path, "is not understood: %v", err)
		e.Err = err
		return e
	}
	return nil
}

// there reports whether a file or folder exists.
func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
