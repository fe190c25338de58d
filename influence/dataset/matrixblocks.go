package dataset

import (
	"context"
	"iter"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/float16"

	"github.com/infl-dev/infl/internal/parallel"
)

// A Block is consecutive rows of a [Matrix]: number j of row First+i is value
// i·Cols + j of the one slice that the matrix's dtype fills. The numbers may lie in
// a mapped file: writing to them ends the process, and they are valid until the
// next block is asked for.
//
// Vectors of a store may have scales: one for each row of Half, which its numbers are
// multiplied with; or, with Int8, one for each 256 neighbours of a row, so that number
// j means Scale[i·⌈Cols/256⌉ + j/256]·Int8[i·Stride + j].
type Block struct {
	First      int64
	Rows, Cols int
	Float64    []float64
	Float32    []float32
	Half       []uint16 // bits of Float16 or BFloat16
	Int8       []int8
	Stride     int // of Int8; a multiple of 64
	Scale      []float32
}

// Blocks streams rows lo … hi−1 in order, a block of equally many rows at a time but
// for the last one, across shards and record batches. While a block is being used,
// the next one is being read: two blocks of memory at most, and none where the rows
// of a block lie together in a mapped file.
//
// After an error, which is an [*Error] or the context's, the stream ends.
func (m *Matrix) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		if lo < 0 || hi < lo || hi > m.rows {
			yield(Block{}, at(m.path, problem("rows %d to %d of %d do not exist", lo, hi, m.rows)))
			return
		}
		// The files may be closed when the stream has ended: Ahead waits for its reader.
		var buffers [2][]uint64
		read := func(lo, hi int64, turn int) (Block, error) { return m.Read(lo, hi-lo, &buffers[turn]) }
		for b, err := range parallel.Ahead(ctx, lo, hi, int64(m.blockRows), read) {
			if !yield(b, err) {
				return
			}
		}
	}
}

// Read returns rows first … first+rows−1 as one block: a part of the mapped file
// where they lie together there, else copied into buffer, which grows as needed.
// The block is valid until the buffer is used again.
func (m *Matrix) Read(first, rows int64, buffer *[]uint64) (Block, error) {
	switch {
	case first < 0 || rows < 0 || rows > m.rows-first:
		return Block{}, at(m.path, problem("rows %d to %d of %d do not exist", first, first+rows, m.rows))
	case rows == 0:
		return Block{First: first, Cols: m.cols}, nil
	}
	values, err := m.values(first, rows, buffer)
	if err != nil {
		return Block{}, at(m.path, err)
	}
	return m.block(first, int(rows), values), nil
}

// block gives values the type of the matrix.
func (m *Matrix) block(first int64, rows int, values []byte) Block {
	b := Block{First: first, Rows: rows, Cols: m.cols}
	switch m.dtype {
	case Float64:
		b.Float64 = cast[float64](values)
	case Float32:
		b.Float32 = cast[float32](values)
	case Int8:
		b.Int8, b.Stride = cast[int8](values), m.cols
	default:
		b.Half = cast[uint16](values)
	}
	return b
}

// cast sees bytes as numbers; they begin at a multiple of the number's size.
func cast[T float64 | float32 | uint16 | int8](b []byte) []T {
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(t)))
}

// bytesOf sees numbers as bytes.
func bytesOf[T float64 | float32 | float16.Num | uint64](x []T) []byte {
	var t T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(t)))
}

// values returns the bytes of rows first … first+rows−1: of the mapped file where
// they lie together there, else copied into the buffer.
func (m *Matrix) values(first, rows int64, buffer *[]uint64) ([]byte, error) {
	size := m.dtype.Bytes()
	rowBytes := int64(m.cols) * size
	i := m.extentOf(first)
	if e := m.extents[i]; first+rows <= e.first+e.rows && !e.byColumn && e.file.mapped != nil {
		from := e.offset + (first-e.first)*rowBytes
		values := e.file.mapped[from : from+rows*rowBytes : from+rows*rowBytes]
		if uintptr(unsafe.Pointer(unsafe.SliceData(values)))%uintptr(size) == 0 {
			needSoon(e.file.mapped, from, from+rows*rowBytes)
			return values, nil
		}
	}
	if need := int((rows*rowBytes + 7) / 8); len(*buffer) < need {
		*buffer = make([]uint64, need)
	}
	out := bytesOf(*buffer)[:rows*rowBytes]
	for to := out; len(to) > 0; i++ {
		e := m.extents[i]
		skip := first - e.first
		n := min(e.rows-skip, int64(len(to))/rowBytes)
		if err := e.copyRows(to[:n*rowBytes], skip, n, int64(m.cols), size); err != nil {
			return nil, err
		}
		to, first = to[n*rowBytes:], first+n
	}
	return out, nil
}

// extentOf returns the number of the extent that holds a row.
func (m *Matrix) extentOf(row int64) int {
	lo, hi := 0, len(m.extents)
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; m.extents[mid].first <= row {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// copyRows copies n rows of an extent, from its row skip on.
func (e *extent) copyRows(to []byte, skip, n, cols, size int64) error {
	if !e.byColumn {
		return e.file.copyAt(to, e.offset+skip*cols*size)
	}
	column := make([]byte, n*size)
	for j := range cols {
		if err := e.file.copyAt(column, e.offset+(j*e.rows+skip)*size); err != nil {
			return err
		}
		for i := range n {
			copy(to[(i*cols+j)*size:][:size], column[i*size:][:size])
		}
	}
	return nil
}
