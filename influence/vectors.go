package influence

import (
	"context"
	"fmt"
	"iter"
	"math"
	"unsafe"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// Vectors are rows of numbers of one length: the features or the gradients of one
// side. A [dataset.Matrix] is one; so is whatever makes its rows while they are
// read. Vectors may be read from several goroutines.
type Vectors interface {
	Rows() int64
	Cols() int
	Dtype() dataset.Dtype

	// Blocks streams rows lo … hi−1 in order, as [dataset.Matrix.Blocks] does. A
	// block is valid until the next one is asked for.
	Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error]
}

// computed are vectors that are made when they are first read.
type computed interface {
	bytes() int64        // of memory that they then take
	operations() float64 // that they then cost
}

// matrixOf returns the rows of a block in F: the block's own numbers where they
// have that type, else converted into the buffer. Numbers of float64 are rounded to
// float32; the other conversions are exact.
func matrixOf[F kernel.Float](workers int, b dataset.Block, d dataset.Dtype, buffer *[]F) kernel.Matrix[F] {
	switch d {
	case dataset.Float64:
		if own, ok := any(b.Float64).([]F); ok {
			return kernel.MatrixOf(own, b.Rows, b.Cols)
		}
	case dataset.Float32:
		if own, ok := any(b.Float32).([]F); ok {
			return kernel.MatrixOf(own, b.Rows, b.Cols)
		}
	}
	if n := b.Rows * b.Cols; cap(*buffer) < n {
		*buffer = make([]F, n)
	} else {
		*buffer = (*buffer)[:n]
	}
	const step = 1 << 16
	numbers := *buffer
	if len(b.Scale) > 0 {
		unscale(workers, kernel.MatrixOf(numbers, b.Rows, b.Cols), b)
		return kernel.MatrixOf(numbers, b.Rows, b.Cols)
	}
	// The loop has no errors and no end but its own.
	_ = parallel.For(context.Background(), workers, (len(numbers)+step-1)/step, func(_, i int) error {
		lo, hi := i*step, min((i+1)*step, len(numbers))
		convert(numbers[lo:hi], b, d, lo, hi)
		return nil
	})
	return kernel.MatrixOf(numbers, b.Rows, b.Cols)
}

// convert writes numbers lo … hi−1 of a block.
func convert[F kernel.Float](out []F, b dataset.Block, d dataset.Dtype, lo, hi int) {
	switch d {
	case dataset.Float64:
		for i, v := range b.Float64[lo:hi] {
			out[i] = F(v)
		}
	case dataset.Float32:
		for i, v := range b.Float32[lo:hi] {
			out[i] = F(v)
		}
	case dataset.Float16:
		widen(out, halves[kernel.Float16](b.Half[lo:hi]))
	default:
		widen(out, halves[kernel.BFloat16](b.Half[lo:hi]))
	}
}

// widen writes numbers of 16 bits in F.
func widen[F kernel.Float, H kernel.Half](out []F, src []H) {
	if own, ok := any(out).([]float32); ok {
		kernel.Widen(own, src)
		return
	}
	var part [512]float32
	for len(src) > 0 {
		n := min(len(src), len(part))
		kernel.Widen(part[:n], src[:n])
		for i, v := range part[:n] {
			out[i] = F(v)
		}
		out, src = out[n:], src[n:]
	}
}

// inType returns a matrix times weight, rounded to F.
func inType[F kernel.Float](workers int, m kernel.Matrix[float64], weight float64) kernel.Matrix[F] {
	return times[F](workers, m, nil, weight)
}

// times is inType of a matrix whose columns are multiplied with factors of their own
// first; nil for none.
func times[F kernel.Float](workers int, m kernel.Matrix[float64], factors []float64, weight float64) kernel.Matrix[F] {
	out := kernel.NewMatrix[F](m.Rows, m.Cols)
	// The loop has no errors and no end but its own.
	_ = parallel.For(context.Background(), workers, m.Rows, func(_, i int) error {
		to, from := out.Row(i), m.Row(i)
		if factors == nil {
			for j, v := range from {
				to[j] = F(v * weight)
			}
			return nil
		}
		for j, v := range from {
			to[j] = F(v * factors[j] * weight)
		}
		return nil
	})
	return out
}

// halves sees bits as numbers of 16 bits.
func halves[H kernel.Half](bits []uint16) []H {
	return unsafe.Slice((*H)(unsafe.Pointer(unsafe.SliceData(bits))), len(bits))
}

// ReadVectors returns the numbers of all vectors, row after row, in float64.
func ReadVectors(ctx context.Context, v Vectors) ([]float64, error) {
	m, err := readAll(ctx, v)
	return m.Data, err
}

// A NonFiniteError says that vectors hold NaN or ±Inf. A score with such a vector
// would be a number that nobody can vouch for.
type NonFiniteError struct {
	Side  string // "train" or "query"
	Row   int64  // the first such row
	Count int64  // of the rows that were asked for
}

func (e *NonFiniteError) Error() string {
	rows, them := "rows have vectors", "them"
	if e.Count == 1 {
		rows, them = "row has a vector", "it"
	}
	return fmt.Sprintf("%d %s %s with NaN or infinite numbers, row %d first; repair %s or leave %[5]s out", e.Count, e.Side, rows, e.Row, them)
}

// checkFinite returns a NonFiniteError where one of the vectors is not finite.
func checkFinite(ctx context.Context, v Vectors, side string, rows Rows) error {
	bad := &NonFiniteError{Side: side}
	var buffer []float64
	err := eachPiece(ctx, v, rows, Range{0, rows.Len()}, func(first int64, b dataset.Block) error {
		m := matrixOf(1, b, v.Dtype(), &buffer)
		for i := range m.Rows {
			if finite(m.Row(i)) < 0 {
				continue
			}
			if bad.Count == 0 {
				bad.Row = rows.At(first + int64(i))
			}
			bad.Count++
		}
		return nil
	})
	if err == nil && bad.Count > 0 {
		return bad
	}
	return err
}

// finite returns the index of the first number that is NaN or ±Inf, or −1.
func finite[F kernel.Float](x []F) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}

// squaredNorm returns Σ x², in float64 and without overflow where the sum is a
// finite number.
func squaredNorm[F kernel.Float](x []F) float64 {
	sum := 0.0
	for _, v := range x {
		sum = math.FMA(float64(v), float64(v), sum)
	}
	return sum
}
