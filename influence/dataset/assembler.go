package dataset

import (
	"context"
	"errors"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// errStop ends a scan early and is not a failure.
var errStop = errors.New("no more rows are wanted")

// A decoder turns cells of one column into what one role needs. Cell writes
// the value of row i of the frame.
type decoder interface {
	cell(i int, c cell) error
}

// A wantedColumn is a column of the table that is decoded, for one or more
// roles.
type wantedColumn struct {
	index    int // in the table's columns
	name     string
	decoders []decoder
}

// An assembler receives the rows of a scan, in order and from one shard after
// the other, and cuts them into batches of exactly BatchRows rows.
type assembler struct {
	ctx     context.Context
	columns []wantedColumn    // in the order of the table's columns
	only    []int64           // rows that are wanted, ascending and distinct; nil for all
	flush   func(n int) error // takes the n rows that have been decoded
	row     int64             // number of the next row
	n       int               // rows in the batch so far
}

// indices returns the wanted columns' positions in the table.
func (a *assembler) indices() []int {
	out := make([]int, len(a.columns))
	for i, c := range a.columns {
		out[i] = c.index
	}
	return out
}

// skip passes over the next n rows and reports true where none is wanted.
func (a *assembler) skip(n int64) bool {
	if a.only == nil || len(a.only) > 0 && a.only[0] < a.row+n {
		return false
	}
	a.row += n
	return true
}

// done reports that every wanted row has come.
func (a *assembler) done() bool { return a.only != nil && len(a.only) == 0 }

// cells takes one row, a cell per wanted column. Where a cell is wrong it
// returns the position of its column, else −1.
func (a *assembler) cells(row []cell) (int, error) {
	if a.row&1023 == 0 {
		if err := a.ctx.Err(); err != nil {
			return -1, err
		}
	}
	if a.done() {
		return -1, errStop
	}
	if a.skip(1) {
		return -1, nil
	}
	for k := range a.columns {
		for _, d := range a.columns[k].decoders {
			if err := d.cell(a.n, row[k]); err != nil {
				return k, a.place(err, k, a.row)
			}
		}
	}
	return -1, a.advance(1)
}

// arrays takes the next rows of the wanted columns, an array for each.
func (a *assembler) arrays(path string, arrays []arrow.Array, rows int) error {
	for off := 0; off < rows; {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		if a.done() {
			return errStop
		}
		if a.skip(int64(rows - off)) {
			return nil
		}
		n := min(rows-off, BatchRows-a.n)
		if a.only != nil {
			gap := int(a.only[0] - a.row)
			off, a.row, n = off+gap, a.row+int64(gap), 1
		}
		if err := a.fill(path, arrays, off, n); err != nil {
			return err
		}
		if err := a.advance(n); err != nil {
			return err
		}
		off += n
	}
	return nil
}

// fill decodes n rows of the arrays. A damaged array is reported as an error.
func (a *assembler) fill(path string, arrays []arrow.Array, off, n int) (err error) {
	defer catch(path, "table", &err)
	for k := range a.columns {
		for _, d := range a.columns[k].decoders {
			if bad, err := decodeArray(d, a.n, arrays[k], off, n); err != nil {
				return a.place(err, k, a.row+int64(bad))
			}
		}
	}
	return nil
}

// advance counts n decoded rows and hands over a batch that is full or the
// last that is wanted.
func (a *assembler) advance(n int) error {
	a.row += int64(n)
	a.n += n
	if a.only != nil {
		a.only = a.only[n:]
	}
	if a.n < BatchRows && !a.done() {
		return nil
	}
	if err := a.finish(); err != nil || !a.done() {
		return err
	}
	return errStop
}

// finish hands over the rows of an unfinished batch.
func (a *assembler) finish() error {
	n := a.n
	a.n = 0
	if n == 0 {
		return nil
	}
	return a.flush(n)
}

// place names the column and the row of an error.
func (a *assembler) place(err error, k int, row int64) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Path == "" {
		e.Column, e.Row = a.columns[k].name, row
	}
	return e
}

// scan sends all rows of the table to a.
func (t *Table) scan(ctx context.Context, a *assembler) error {
	a.ctx = ctx
	slices.SortFunc(a.columns, func(x, y wantedColumn) int { return x.index - y.index })
	for i, path := range t.files {
		if a.done() {
			break
		}
		if rows := t.rowsOf[i]; rows >= 0 && a.skip(rows) {
			continue
		}
		if err := t.format.scan(path, t.columns, a); errors.Is(err, errStop) {
			return errStop
		} else if err != nil {
			return at(path, err)
		}
	}
	return a.finish()
}
