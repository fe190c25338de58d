package influence

import (
	"context"
	"fmt"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// Mapped returns the products v_i·M of vectors with a matrix of Cols rows, which are made
// while they are read, in float64: the projection of a tool whose matrix is known but
// not its random numbers. The matrix is read here, once; its Rows()·Cols() numbers stay
// in memory. An entry is one chain over the numbers of the vector, so that nothing but
// the vector and the matrix decides it.
func Mapped(ctx context.Context, v, matrix Vectors, workers int) (Vectors, error) {
	if matrix.Rows() != int64(v.Cols()) {
		return nil, fmt.Errorf("a matrix of %d rows cannot project vectors of %d numbers", matrix.Rows(), v.Cols())
	}
	m, err := readAll(ctx, matrix)
	if err != nil {
		return nil, err
	}
	if at := finite(m.Data); at >= 0 {
		return nil, fmt.Errorf("row %d of the matrix has numbers that are not finite", at/max(1, m.Cols))
	}
	return mapped{v, m, parallel.Workers(workers)}, nil
}

type mapped struct {
	Vectors
	by      kernel.Matrix[float64]
	workers int
}

func (p mapped) Cols() int            { return p.by.Cols }
func (p mapped) Dtype() dataset.Dtype { return dataset.Float64 }

func (p mapped) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		var buffer []float64
		for b, err := range p.Vectors.Blocks(ctx, lo, hi) {
			if err != nil {
				yield(b, err)
				return
			}
			x := matrixOf(p.workers, b, p.Vectors.Dtype(), &buffer)
			out := kernel.NewMatrix[float64](x.Rows, p.by.Cols)
			kernel.GemmNN(p.workers, x, p.by, out)
			if !yield(dataset.Block{First: b.First, Rows: x.Rows, Cols: out.Cols, Float64: out.Data}, nil) {
				return
			}
		}
	}
}
