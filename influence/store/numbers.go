package store

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// tensorDtypes are the names of the dtypes in safetensors files.
var tensorDtypes = map[dataset.Dtype]string{
	dataset.Float64: "F64", dataset.Float32: "F32", dataset.Float16: "F16", dataset.BFloat16: "BF16",
}

// npyDtypes are those of .npy files, which know no bfloat16; it becomes float32.
var npyDtypes = map[dataset.Dtype]string{
	dataset.Float64: "<f8", dataset.Float32: "<f4", dataset.Float16: "<f2", dataset.BFloat16: "<f4",
}

var errScaled = errors.New("numbers with scales are not written as they are; make them float32 first")

// writeRows writes rows lo … hi−1 as little-endian numbers, as they are, or bfloat16 as
// float32 with widen. Numbers with scales mean nothing without them and are an error.
func writeRows(ctx context.Context, w io.Writer, v influence.Vectors, lo, hi int64, widen bool) error {
	var out []byte
	for b, err := range v.Blocks(ctx, lo, hi) {
		if err != nil {
			return err
		}
		if len(b.Scale) > 0 {
			return errScaled
		}
		out = appendNumbers(out[:0], b, v.Dtype(), widen)
		if _, err := w.Write(out); err != nil {
			return err
		}
	}
	return nil
}

// appendNumbers appends the numbers of a block.
func appendNumbers(out []byte, b dataset.Block, d dataset.Dtype, widen bool) []byte {
	for _, x := range b.Float64 {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(x))
	}
	for _, x := range b.Float32 {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
	}
	for _, x := range b.Half {
		if widen && d == dataset.BFloat16 {
			out = binary.LittleEndian.AppendUint32(out, uint32(x)<<16)
		} else {
			out = binary.LittleEndian.AppendUint16(out, x)
		}
	}
	return out
}
