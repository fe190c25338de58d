package influence

import (
	"context"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// quadratic returns the train side of a term whose vectors G = g·aᵀ are one outer product
// each and whose inverse is a diagonal m, so that what a vector has to do with itself is
//
//	⟨G∘m, G⟩ = (g∘g)ᵀ·m·(a∘a)
//
// and needs neither vectors nor precision beyond that of g and a. nil elsewhere.
func (x term) quadratic() OuterSums {
	sums := x.outerSums()
	if _, diagonal := x.factors[0].inverse.(DiagonalInverse); sums == nil || !diagonal || !sums.Single() {
		return nil
	}
	return sums
}

// quadratics calls use, on several goroutines, for the position of each vector of an area,
// from its first on, and for (g∘g)ᵀ·m·(a∘a), which is computed in float64.
func (r *productRun[F]) quadratics(ctx context.Context, sums OuterSums, m []float64, area Range, use func(at int64, v float64)) error {
	matrix := kernel.NewQueryMatrices[float64](sums.Shape())
	matrix.Append(r.workers, kernel.MatrixOf(m, 1, len(m)))
	return outerPiecesOf(sums).each(ctx, r.job.Train, area, func(first int64, b OuterBlock) error {
		g, a := squaresOf(r.workers, b.Outputs), squaresOf(r.workers, b.Inputs)
		matrix.EachBlock(r.workers, b.Starts, g, a, func(_, row int, c kernel.Matrix[float64]) {
			for i, v := range c.Data {
				use(first-area.Lo+int64(row+i), v)
			}
		})
		return ctx.Err()
	})
}

// squaresOf returns the squares of the numbers of rows.
func squaresOf(workers int, b dataset.Block) kernel.Matrix[float64] {
	var buffer []float64
	rows := matrixOf(workers, b, floatDtype(b), &buffer)
	out := kernel.NewMatrix[float64](rows.Rows, rows.Cols)
	// The loop has no errors and no end but its own.
	_ = parallel.For(context.Background(), workers, rows.Rows, func(_, i int) error {
		to := out.Row(i)
		for j, v := range rows.Row(i) {
			to[j] = v * v
		}
		return nil
	})
	return out
}

// addSelf adds what the train rows of a part have to do with themselves by a term.
func (r *productRun[F]) addSelf(ctx context.Context, x term, sums OuterSums, part Range2) error {
	m, err := x.factors[0].diagonal(ctx)
	if err != nil {
		return err
	}
	return r.quadratics(ctx, sums, m, part.Train, func(at int64, v float64) { r.sum.Data[at] += F(v * x.weight) })
}
