package influence

import (
	"context"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// Bases are what the rows of a linear map are multiplied with: out × out and in × in
// numbers.
type Bases struct{ Outputs, Inputs kernel.Matrix[float64] }

// Rotate returns the gradients G of a linear map in other bases, each made of rows that
// are multiplied with them:
//
//	vector i = Σ_t (outputs[t]·Q_S) ⊗ (inputs[t]·Q_A) = Q_Sᵀ·G_i·Q_A
//
// in the type of v, with sums as [OuterSums] has them. bases is asked for each stream.
// Cost: 2·(out² + in²) operations a row, where rotating G takes 2·out·in·(out + in).
func Rotate(v OuterSums, workers int, bases func(ctx context.Context) (Bases, error)) Vectors {
	return &rotated{of: v, workers: workers, bases: bases}
}

type rotated struct {
	of      OuterSums
	workers int
	bases   func(ctx context.Context) (Bases, error)
}

func (r *rotated) Rows() int64          { return r.of.Rows() }
func (r *rotated) Cols() int            { return r.of.Cols() }
func (r *rotated) Dtype() dataset.Dtype { return r.of.Dtype() }

func (r *rotated) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		bases, err := r.bases(ctx)
		if err != nil {
			yield(dataset.Block{}, err)
			return
		}
		if r.Dtype() == dataset.Float64 {
			rotateBlocks[float64](ctx, r, bases, lo, hi, func(b dataset.Block, x []float64, err error) bool {
				b.Float64 = x
				return yield(b, err)
			})
			return
		}
		rotateBlocks[float32](ctx, r, bases, lo, hi, func(b dataset.Block, x []float32, err error) bool {
			b.Float32 = x
			return yield(b, err)
		})
	}
}

// rotateBlocks streams vectors in F, as many at a time as make good use of the queries
// that they meet.
func rotateBlocks[F kernel.Float](ctx context.Context, r *rotated, bases Bases, lo, hi int64, yield func(dataset.Block, []F, error) bool) {
	const numbers = 1 << 24
	qs, qa := inType[F](bases.Outputs, 1), inType[F](bases.Inputs, 1)
	cols := r.Cols()
	step := max(1, numbers/max(1, cols))
	var buffers [2][]F
	var vectors []F
	for b, err := range r.of.OuterBlocks(ctx, lo, hi) {
		if err != nil {
			yield(dataset.Block{}, nil, err)
			return
		}
		outputs := product(r.workers, matrixOf(r.workers, b.Outputs, floatDtype(b.Outputs), &buffers[0]), qs)
		inputs := product(r.workers, matrixOf(r.workers, b.Inputs, floatDtype(b.Inputs), &buffers[1]), qa)
		for at := 0; at < b.vectors(); at += step {
			n := min(step, b.vectors()-at)
			if cap(vectors) < n*cols {
				vectors = make([]F, n*cols)
			}
			vectors = vectors[:n*cols]
			clear(vectors)
			kernel.OuterSums(r.workers, b.Starts[at:at+n+1], outputs, inputs, kernel.MatrixOf(vectors, n, cols))
			if !yield(dataset.Block{First: b.First + int64(at), Rows: n, Cols: cols}, vectors, nil) {
				return
			}
		}
	}
}

// product returns rows times a square matrix.
func product[F kernel.Float](workers int, rows, q kernel.Matrix[F]) kernel.Matrix[F] {
	out := kernel.NewMatrix[F](rows.Rows, q.Cols)
	kernel.GemmNN(workers, rows, q, out)
	return out
}
