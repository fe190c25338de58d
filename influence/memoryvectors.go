package influence

import (
	"context"
	"fmt"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// VectorsOf returns the rows of numbers in memory as Vectors: len(numbers)/cols rows
// of cols numbers. The numbers are not copied and must not change. It is an error
// where they do not fill whole rows.
func VectorsOf[F float32 | float64](numbers []F, cols int) (Vectors, error) {
	if cols < 1 || len(numbers)%cols != 0 {
		return nil, fmt.Errorf("%d numbers are no rows of %d", len(numbers), cols)
	}
	return memoryVectors[F]{numbers, cols}, nil
}

type memoryVectors[F float32 | float64] struct {
	numbers []F
	cols    int
}

func (v memoryVectors[F]) Rows() int64 { return int64(len(v.numbers) / v.cols) }
func (v memoryVectors[F]) Cols() int   { return v.cols }

func (v memoryVectors[F]) Dtype() dataset.Dtype {
	if _, ok := any(v.numbers).([]float32); ok {
		return dataset.Float32
	}
	return dataset.Float64
}

func (v memoryVectors[F]) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		if err := ctx.Err(); err != nil || hi == lo {
			if err != nil {
				yield(dataset.Block{}, err)
			}
			return
		}
		numbers := v.numbers[lo*int64(v.cols) : hi*int64(v.cols)]
		yield(blockOf(lo, kernel.MatrixOf(numbers, int(hi-lo), v.cols)), nil)
	}
}

// blockOf returns the rows of a matrix without gaps as a block, of which the first is
// named.
func blockOf[F kernel.Float](first int64, m kernel.Matrix[F]) dataset.Block {
	b := dataset.Block{First: first, Rows: m.Rows, Cols: m.Cols}
	switch numbers := any(m.Data).(type) {
	case []float32:
		b.Float32 = numbers
	case []float64:
		b.Float64 = numbers
	}
	return b
}
