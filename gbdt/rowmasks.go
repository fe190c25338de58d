package gbdt

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/infl-dev/infl/influence/dataset"
)

// RowMasks say which train rows each iteration of training saw, where bagging
// showed it only some of them: n rows × T iterations, one bit each once they are
// read. All K trees of an iteration see the same rows. They are not changed after
// they are made and may be used from several goroutines.
type RowMasks struct {
	path       string // "" where they were made in memory
	rows       int64
	columns    int // iterations of the file; Head uses fewer
	iterations int
	seen       [][]uint64 // per iteration; row i is bit i%64 of word i/64; nil until they are read

	// GOSS: the seen rows that stand for others too, as seen has them, and how many
	// they stand for, in blocks of so many rows. nil without.
	amplified [][]uint64
	factor    []float64
	block     int64
}

// OpenRowMasks opens a .npy matrix of n × T values, bool or uint8 of 0 and 1, in
// either order of its axes in memory. It reads the header only; Prepare reads
// the rest, and refuses other values then. Errors are of type *[dataset.Error].
func OpenRowMasks(path string) (*RowMasks, error) {
	f, err := dataset.OpenNPY(path)
	if err != nil {
		return nil, err
	}
	m, err := masksOf(path, f.NPYHeader)
	return m, errors.Join(err, f.Close())
}

func masksOf(path string, h dataset.NPYHeader) (*RowMasks, error) {
	hint := "save a matrix of bool, train rows down and iterations across"
	if h.Dtype != "|b1" && h.Dtype != "|u1" {
		return nil, maskError(path, -1, hint, "row masks of dtype %s are not read", h.Dtype)
	}
	if len(h.Shape) != 2 || h.Shape[1] > 1<<24 {
		return nil, maskError(path, -1, hint, "an array of shape %v holds no row masks", h.Shape)
	}
	return &RowMasks{path: path, rows: h.Shape[0], columns: int(h.Shape[1]), iterations: int(h.Shape[1])}, nil
}

// NewRowMasks returns masks by a function: whether the iteration saw the row.
func NewRowMasks(rows int64, iterations int, saw func(row int64, iteration int) bool) *RowMasks {
	m := &RowMasks{rows: rows, columns: iterations, iterations: iterations}
	m.clear()
	for t := range iterations {
		for i := range rows {
			if saw(i, t) {
				m.see(i, t)
			}
		}
	}
	return m
}

// Iterations returns T.
func (m *RowMasks) Iterations() int { return m.iterations }

// Bytes returns how many bytes the masks have in a file and take in memory.
func (m *RowMasks) Bytes() (file, memory int64) {
	return m.rows * int64(m.columns), (m.rows + 63) / 64 * 8 * int64(m.iterations)
}

// Head returns the masks of the first t iterations, for [Forest.Head].
func (m *RowMasks) Head(t int) (*RowMasks, error) {
	if t < 0 || t > m.iterations {
		return nil, fmt.Errorf("the row masks have %d iterations, not %d", m.iterations, t)
	}
	head := *m
	head.iterations = t
	if m.seen != nil {
		head.seen = m.seen[:t]
	}
	return &head, nil
}

// Check returns an error where the masks are not those of a model of so many
// iterations and, unless it is negative, of a train table of so many rows.
func (m *RowMasks) Check(rows int64, iterations int) error {
	if m.iterations == iterations && (rows < 0 || rows == m.rows) {
		return nil
	}
	want := "n"
	if rows >= 0 {
		want = fmt.Sprint(rows)
	}
	return maskError(m.path, -1, fmt.Sprintf("train table and model need %s × %d", want, iterations), "the shape is %d × %d (train rows × iterations)", m.rows, m.iterations)
}

func (m *RowMasks) clear() {
	m.seen = make([][]uint64, m.iterations)
	for t := range m.seen {
		m.seen[t] = make([]uint64, (m.rows+63)/64)
	}
}

func (m *RowMasks) see(row int64, iteration int) {
	m.seen[iteration][row/64] |= 1 << (row % 64)
}

// read returns the masks with their bits. A file is read in pieces of a
// mebibyte.
func (m *RowMasks) read(ctx context.Context) (*RowMasks, error) {
	if m.seen != nil {
		return m, nil
	}
	f, err := dataset.OpenNPY(m.path)
	if err != nil {
		return nil, err
	}
	out := *m
	out.clear()
	err = out.readFile(ctx, f)
	return &out, errors.Join(err, f.Close())
}

func (m *RowMasks) readFile(ctx context.Context, f *dataset.NPY) error {
	now, err := masksOf(m.path, f.NPYHeader)
	if err != nil {
		return err
	}
	if now.rows != m.rows || now.columns != m.columns {
		return maskError(m.path, -1, "", "changed while it was in use")
	}
	row, column := int64(0), 0
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.Read(buf)
		for _, v := range buf[:n] {
			switch {
			case v > 1:
				return maskError(m.path, row, "save 0 or 1", "column %d holds %d", column, v)
			case v == 1 && column < m.iterations:
				m.see(row, column)
			}
			if f.Fortran {
				if row++; row == m.rows {
					row, column = 0, column+1
				}
			} else if column++; column == m.columns {
				row, column = row+1, 0
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return maskError(m.path, -1, "", "%v", err)
		}
	}
}

// expand writes 1 for the rows first, first+1, … that the iteration saw, else 0.
func (m *RowMasks) expand(iteration int, first int64, to []uint8) {
	bits := m.seen[iteration]
	for i := range to {
		row := first + int64(i)
		to[i] = uint8(bits[row/64] >> (row % 64) & 1)
	}
}

func maskError(path string, row int64, hint, format string, args ...any) *dataset.Error {
	if path == "" {
		path = "row masks"
	}
	return &dataset.Error{Path: path, Row: row, Problem: fmt.Sprintf(format, args...), Hint: hint}
}
