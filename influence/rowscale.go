package influence

import (
	"context"
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// scaleRows finds what the scores of a chunk's train rows are multiplied with: one by
// a norm of the row, or the mean of the row's weights.
func (r *productRun[F]) scaleRows(ctx context.Context, part Range) error {
	if r.relative == AsTheyAre && r.rowWeights == nil {
		return nil
	}
	sums := make([]float64, part.Len())
	if r.relative != AsTheyAre {
		if err := r.addNorms(ctx, part, sums); err != nil {
			return err
		}
		for i, s := range sums {
			sums[i] = inverseNorm(max(0, s))
		}
	}
	for _, w := range r.rowWeights {
		var buffer []float64
		err := eachPiece(ctx, w, r.job.Train, part, func(first int64, b dataset.Block) error {
			for i, v := range matrixOf(1, b, w.Dtype(), &buffer).Data {
				sums[first-part.Lo+int64(i)] += v / float64(len(r.rowWeights))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	r.rowScale = make([]F, len(sums))
	for i, s := range sums {
		r.rowScale[i] = F(s)
	}
	return nil
}

// addNorms adds up over the terms what a row has to do with itself, or the square of
// how far it moves the parameters.
func (r *productRun[F]) addNorms(ctx context.Context, part Range, sums []float64) error {
	for _, x := range r.terms {
		f := x.factors[0]
		if rows := x.quadratic(); rows != nil {
			if err := r.addQuadraticNorms(ctx, f, rows, part, sums); err != nil {
				return err
			}
			continue
		}
		err := eachPiece(ctx, f.train, r.job.Train, part, func(first int64, b dataset.Block) error {
			m := matrixOf(r.workers, b, f.train.Dtype(), &r.buffer)
			left, right := m, m
			if f.inverse != nil {
				var err error
				if right, err = r.moved(ctx, f, m); err != nil {
					return err
				}
				if r.relative == ThetaRelatIF {
					left = right
				}
			}
			dots := make([]F, m.Rows)
			kernel.RowDots(r.workers, left, right, dots)
			for i, v := range dots {
				sums[first-part.Lo+int64(i)] += float64(v)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// addQuadraticNorms is addNorms of a term that is [term.quadratic].
func (r *productRun[F]) addQuadraticNorms(ctx context.Context, f factor, rows OuterSums, part Range, sums []float64) error {
	m, err := f.diagonal(ctx)
	if err != nil {
		return err
	}
	if r.relative == ThetaRelatIF {
		m = slices.Clone(m)
		for i, v := range m {
			m[i] = v * v
		}
	}
	return r.quadratics(ctx, rows, m, part, func(at int64, v float64) { sums[at] += v })
}
