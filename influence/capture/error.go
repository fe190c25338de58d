package capture

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/infl-dev/infl/influence/dataset"
)

// problem returns the error of this package: what is wrong in which file or folder.
func problem(path, format string, args ...any) *dataset.Error {
	return &dataset.Error{Path: path, Row: -1, Problem: fmt.Sprintf(format, args...)}
}

// caused returns an error of this package that stands on another one. Where that
// has no place yet, it gets this one; the system's errors name the path themselves,
// which is said once.
func caused(path string, err error) *dataset.Error {
	var e *dataset.Error
	if errors.As(err, &e) {
		if e.Path == "" {
			e.Path = path
		}
		return e
	}
	text := err.Error()
	var system *fs.PathError
	if errors.As(err, &system) {
		text = system.Err.Error()
	}
	e = problem(path, "%s", text)
	e.Err = err
	return e
}
