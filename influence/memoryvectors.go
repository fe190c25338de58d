package influence

import (
	"context"
	"fmt"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
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
		b := dataset.Block{First: lo, Rows: int(hi - lo), Cols: v.cols}
		if err := ctx.Err(); err != nil || hi == lo {
			if err != nil {
				yield(b, err)
			}
			return
		}
		switch numbers := any(v.numbers[lo*int64(v.cols) : hi*int64(v.cols)]).(type) {
		case []float32:
			b.Float32 = numbers
		case []float64:
			b.Float64 = numbers
		}
		yield(b, nil)
	}
}
