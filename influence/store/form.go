package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// A Form is how the numbers of a store are written.
type Form string

// The forms of a store.
const (
	AsTheyAre Form = ""        // each block in the type that it has
	Single    Form = "float32" // float64 rounded, the rest exact
	Half      Form = "float16" // with a power of two for each row, see [kernel.NarrowRows]
	Int8      Form = "int8"    // with a scale for 256 neighbours of a row, see [kernel.Quantize]
)

// ParseForm reads float32, float16 or int8.
func ParseForm(text string) (Form, error) {
	switch f := Form(text); f {
	case Single, Half, Int8:
		return f, nil
	}
	return "", fmt.Errorf("%q is not known; use float32, float16 or int8", text)
}

// head describes a block in a form.
func (f Form) head(b Block) BlockHead {
	h := BlockHead{Name: b.Name, Cols: b.Cols(), Dtype: tensorDtypes[b.Dtype()]}
	switch f {
	case Single:
		h.Dtype = "F32"
	case Half:
		h.Dtype, h.Scaled = "F16", true
	case Int8:
		h.Dtype, h.Scaled = "I8", true
	}
	return h
}

// width is the number of numbers of a row as they lie in the tensor.
func (h *BlockHead) width() int {
	if h.Dtype == "I8" {
		return (h.Cols + 63) / 64 * 64
	}
	return h.Cols
}

// scales is the number of scales of a row.
func (h *BlockHead) scales() int {
	switch {
	case !h.Scaled:
		return 0
	case h.Dtype == "I8":
		return (h.Cols + kernel.Int8Block - 1) / kernel.Int8Block
	}
	return 1
}

// itemBytes are the sizes of the numbers of tensors.
var itemBytes = map[string]int64{"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I8": 1}

// rowBytes is the size of a row in a file.
func (h *BlockHead) rowBytes() int64 {
	return int64(h.width())*itemBytes[h.Dtype] + 4*int64(h.scales())
}

// tensors returns rows lo … hi−1 of a block as the tensors of a shard: its numbers, and
// its scales where it has some, which are kept from the writing of the numbers on.
func (f Form) tensors(ctx context.Context, b Block, h *BlockHead, lo, hi int64, workers int) []tensor {
	n := hi - lo
	numbers := tensor{
		Tensor: dataset.Tensor{Name: numbersOf + h.Name, Dtype: h.Dtype, Shape: []int64{n, int64(h.width())}, Bytes: n * int64(h.width()) * itemBytes[h.Dtype]},
		write:  func(w io.Writer) error { return writeRows(ctx, w, b, lo, hi, false) },
	}
	if f == Single {
		numbers.write = func(w io.Writer) error {
			return writeRows(ctx, w, influence.InFloat32(b.Vectors, workers), lo, hi, false)
		}
	}
	if !h.Scaled {
		return []tensor{numbers}
	}
	var scales []byte
	numbers.write = func(w io.Writer) error {
		for x, err := range influence.InFloat32(b.Vectors, workers).Blocks(ctx, lo, hi) {
			if err != nil {
				return err
			}
			bytes, s := f.narrow(workers, kernel.MatrixOf(x.Float32, x.Rows, x.Cols))
			for _, v := range s {
				scales = binary.LittleEndian.AppendUint32(scales, math.Float32bits(v))
			}
			if _, err := w.Write(bytes); err != nil {
				return err
			}
		}
		return nil
	}
	return []tensor{numbers, {
		Tensor: dataset.Tensor{Name: scalesOf + h.Name, Dtype: "F32", Shape: []int64{n, int64(h.scales())}, Bytes: 4 * n * int64(h.scales())},
		write: func(w io.Writer) error {
			_, err := w.Write(scales)
			return err
		},
	}}
}

// narrow returns the numbers of rows as they lie in a tensor, and their scales.
func (f Form) narrow(workers int, m kernel.Matrix[float32]) (bytes []byte, scales []float32) {
	if f == Half {
		h := kernel.NarrowRows(workers, m)
		bytes = make([]byte, 0, 2*len(h.Data))
		for _, x := range h.Data {
			bytes = binary.LittleEndian.AppendUint16(bytes, uint16(x))
		}
		return bytes, h.Scale
	}
	q := kernel.Quantize(workers, m)
	bytes = make([]byte, len(q.Data))
	for i, x := range q.Data {
		bytes[i] = byte(x)
	}
	return bytes, q.Scale
}

// scaled is vectors of float16 or int8 with their scales.
type scaled struct {
	*dataset.Matrix                 // the numbers
	scales          *dataset.Matrix // as many rows
	cols            int
}

func (s scaled) Cols() int { return s.cols }

func (s scaled) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		var buffer []uint64
		for b, err := range s.Matrix.Blocks(ctx, lo, hi) {
			if err == nil {
				var x dataset.Block
				x, err = s.scales.Read(b.First, int64(b.Rows), &buffer)
				b.Cols, b.Scale = s.cols, x.Float32
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}
