package dataset

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// An NPY is an open .npy file. ReadAt reads its data, from 0 on. It may be
// used from several goroutines.
type NPY struct {
	NPYHeader
	*io.SectionReader
	file *os.File
}

// OpenNPY opens a .npy file of numbers and checks that the file is as long as
// its header says. The caller closes it.
func OpenNPY(path string) (*NPY, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, at(path, err)
	}
	n := &NPY{file: f}
	if err := n.init(); err != nil {
		return nil, at(path, errors.Join(err, f.Close()))
	}
	return n, nil
}

func (n *NPY) init() (err error) {
	if n.NPYHeader, err = ReadNPYHeader(n.file); err != nil {
		return err
	}
	if n.ItemBytes() == 0 {
		return problem("the dtype %s is not read", quote(n.Dtype)).hint("save it as little-endian floats, integers or bool")
	}
	items, err := n.Items()
	if err != nil {
		return err
	}
	info, err := n.file.Stat()
	if err != nil {
		return err
	}
	size := items * n.ItemBytes()
	if have := info.Size() - n.Offset; have < size {
		return problem("the file is cut short: %d bytes of data instead of %d", have, size)
	} else if have > size {
		return problem("the file has %d bytes more than its shape %v needs", have-size, n.Shape)
	}
	n.SectionReader = io.NewSectionReader(n.file, n.Offset, size)
	return nil
}

// Close closes the file.
func (n *NPY) Close() error { return n.file.Close() }

// maxNPYColumns bounds the columns of a matrix that is read as a table.
const maxNPYColumns = 1 << 20

// table returns the rows and columns of a vector or matrix.
func (n *NPY) table() (rows, columns int64, err error) {
	switch len(n.Shape) {
	case 1:
		return n.Shape[0], 1, nil
	case 2:
		if n.Shape[1] == 0 && n.Shape[0] > 0 {
			return 0, 0, problem("a matrix of shape %v has no columns", n.Shape)
		}
		if n.Shape[1] > maxNPYColumns {
			return 0, 0, problem("%d columns are too many for a table", n.Shape[1])
		}
		return n.Shape[0], n.Shape[1], nil
	}
	return 0, 0, problem("an array of shape %v is no table", n.Shape).hint("use one dimension or two")
}

// npyFormat reads .npy vectors and matrices as tables with the generated
// column names Column_0, Column_1, ….
type npyFormat struct{}

func (npyFormat) schema(path string) ([]Column, int64, error) {
	n, err := OpenNPY(path)
	if err != nil {
		return nil, 0, err
	}
	rows, count, err := n.table()
	if err != nil {
		return nil, 0, errors.Join(err, n.Close())
	}
	t := n.arrowType()
	columns := make([]Column, count)
	for i := range columns {
		columns[i] = Column{Name: fmt.Sprintf("Column_%d", i), Type: t.String(), arrow: t}
		if n.Dtype == "|b1" {
			columns[i].Type = "bool"
		}
	}
	return columns, rows, n.Close()
}

// arrowType returns the Arrow type of the values; a bool is read as one byte.
func (n *NPY) arrowType() arrow.DataType {
	return map[string]arrow.DataType{
		"<f8": arrow.PrimitiveTypes.Float64, "<f4": arrow.PrimitiveTypes.Float32, "<f2": arrow.FixedWidthTypes.Float16,
		"<i8": arrow.PrimitiveTypes.Int64, "<i4": arrow.PrimitiveTypes.Int32, "<i2": arrow.PrimitiveTypes.Int16, "|i1": arrow.PrimitiveTypes.Int8,
		"<u8": arrow.PrimitiveTypes.Uint64, "<u4": arrow.PrimitiveTypes.Uint32, "<u2": arrow.PrimitiveTypes.Uint16, "|u1": arrow.PrimitiveTypes.Uint8,
		"|b1": arrow.PrimitiveTypes.Uint8,
	}[n.Dtype]
}

func (npyFormat) scan(path string, columns []Column, a *assembler) (err error) {
	n, err := OpenNPY(path)
	if err != nil {
		return err
	}
	defer closeInto(&err, n.Close)
	rows, count, err := n.table()
	if err != nil {
		return err
	}
	if count != int64(len(columns)) {
		return problem("changed while the table was in use: %d columns, not %d", count, len(columns))
	}
	// A block of rows in C order is read whole, so it is kept near 1 MiB.
	block := min(BatchRows, max(1, (1<<20)/max(1, count*n.ItemBytes())))
	wanted, t := a.indices(), n.arrowType()
	arrays := make([]arrow.Array, len(wanted))
	for lo := int64(0); lo < rows; lo += block {
		if a.done() {
			return errStop
		}
		m := min(block, rows-lo)
		if a.skip(m) {
			continue
		}
		buffers, err := n.columns(lo, m, rows, count, wanted)
		if err != nil {
			return err
		}
		for k, b := range buffers {
			data := array.NewData(t, int(m), []*memory.Buffer{nil, memory.NewBufferBytes(b)}, nil, 0, 0)
			arrays[k] = array.MakeFromData(data)
			data.Release()
		}
		if err := a.arrays(path, arrays, int(m)); err != nil {
			return err
		}
	}
	return nil
}

// columns returns rows lo … lo+m−1 of the wanted columns, each contiguous.
func (n *NPY) columns(lo, m, rows, count int64, wanted []int) ([][]byte, error) {
	size := n.ItemBytes()
	out := make([][]byte, len(wanted))
	for k := range out {
		out[k] = make([]byte, m*size)
	}
	if n.Fortran || count == 1 {
		for k, w := range wanted {
			if _, err := n.ReadAt(out[k], (int64(w)*rows+lo)*size); err != nil && err != io.EOF {
				return nil, err
			}
		}
		return out, nil
	}
	block := make([]byte, m*count*size)
	if _, err := n.ReadAt(block, lo*count*size); err != nil && err != io.EOF {
		return nil, err
	}
	for k, w := range wanted {
		for i := range m {
			from := (i*count + int64(w)) * size
			copy(out[k][i*size:(i+1)*size], block[from:from+size])
		}
	}
	return out, nil
}
