package dataset

import (
	"context"
	"errors"
)

// LabelError returns an [*Error] about the label of a row that was read before:
// with its line in a text file, which is found by reading the table once more.
// A negative row makes an error about the whole table. Its hint may be empty.
func (b *Bound) LabelError(ctx context.Context, row int64, what, hint string) error {
	e := &Error{Path: b.table.path, Row: row, Problem: what, Hint: hint}
	column, ok := b.roles[labelRole]
	if row < 0 || !ok {
		e.Row = max(row, -1)
		return e
	}
	a := &assembler{only: []int64{row}, flush: func(int) error { return nil }}
	a.want(b.table, column, failingDecoder{problem("%s", what).hint("%s", hint)})
	var placed *Error
	if err := b.table.scan(ctx, a); errors.As(err, &placed) {
		return placed
	}
	return e
}

// A failingDecoder refuses every cell with the same error, which the scan then
// places.
type failingDecoder struct{ err *Error }

func (d failingDecoder) cell(int, cell) error { return d.err }
