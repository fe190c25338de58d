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
func Rotate(v OuterSums, workers int, bases func(ctx context.Context) (Bases, error)) OuterSums {
	return &rotated{OuterSums: v, workers: workers, bases: bases}
}

type rotated struct {
	OuterSums // as they are in their own bases
	workers   int
	bases     func(ctx context.Context) (Bases, error)
}

// OuterBlocks implements [OuterSums].
func (r *rotated) OuterBlocks(ctx context.Context, lo, hi int64) iter.Seq2[OuterBlock, error] {
	return func(yield func(OuterBlock, error) bool) {
		bases, err := r.bases(ctx)
		if err != nil {
			yield(OuterBlock{}, err)
			return
		}
		rotate := rotateBlock[float32]
		if r.Dtype() == dataset.Float64 {
			rotate = rotateBlock[float64]
		}
		for b, err := range r.OuterSums.OuterBlocks(ctx, lo, hi) {
			if err == nil {
				b.Outputs = rotate(r.workers, b.Outputs, bases.Outputs)
				b.Inputs = rotate(r.workers, b.Inputs, bases.Inputs)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// rotateBlock returns rows times a square matrix, in F.
func rotateBlock[F kernel.Float](workers int, rows dataset.Block, q kernel.Matrix[float64]) dataset.Block {
	var buffer []F
	out := kernel.NewMatrix[F](rows.Rows, q.Cols)
	kernel.GemmNN(workers, matrixOf(workers, rows, floatDtype(rows), &buffer), inType[F](workers, q, 1), out)
	return blockOf(rows.First, out)
}

// Blocks implements [Vectors].
func (r *rotated) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	if r.Dtype() == dataset.Float64 {
		return formBlocks[float64](ctx, r, r.workers, lo, hi)
	}
	return formBlocks[float32](ctx, r, r.workers, lo, hi)
}

// formBlocks streams sums of outer products in F, as many at a time as make good use of
// the queries that they meet.
func formBlocks[F kernel.Float](ctx context.Context, v OuterSums, workers int, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		const numbers = 1 << 24
		cols := v.Cols()
		step := max(1, numbers/max(1, cols))
		var buffers [2][]F
		var vectors []F
		for b, err := range v.OuterBlocks(ctx, lo, hi) {
			if err != nil {
				yield(dataset.Block{}, err)
				return
			}
			outputs := matrixOf(workers, b.Outputs, floatDtype(b.Outputs), &buffers[0])
			inputs := matrixOf(workers, b.Inputs, floatDtype(b.Inputs), &buffers[1])
			for at := 0; at < b.vectors(); at += step {
				n := min(step, b.vectors()-at)
				if cap(vectors) < n*cols {
					vectors = make([]F, n*cols)
				}
				sums := kernel.MatrixOf(vectors[:n*cols], n, cols)
				clear(sums.Data)
				kernel.OuterSums(workers, b.Starts[at:at+n+1], outputs, inputs, sums)
				if !yield(blockOf(b.First+int64(at), sums), nil) {
					return
				}
			}
		}
	}
}
