package influence

import (
	"context"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// outerQueries are packed queries that meet the rows of train gradients, which are not
// formed.
type outerQueries[F kernel.Float] interface {
	EachBlock(workers int, start []int, g, a kernel.Matrix[F], use func(worker, first int, scores kernel.Matrix[F]))
}

// unformed returns the train side of a term whose queries meet the rows of gradients,
// and no gradients are formed: where that is fewer operations, and so wherever a gradient
// is one outer product. nil elsewhere. It depends on the job and not on memory, so that
// scores do not.
func (s *productScorer) unformed(x term, l Layout) OuterSums {
	sums, f := x.outerSums(), x.factors[0]
	if sums == nil || sums.RowsEach() == 0 {
		return nil
	}
	out, in := sums.Shape()
	rows, formed := sums.RowsEach(), float64(out*in)
	queries := float64(max(1, l.Query/int64(max(1, s.layers))))
	if rows*f.rowNumbers(sums) >= rows*formed/queries+formed {
		return nil
	}
	return sums
}

// outerSums returns the train side of a term that is inner products of [OuterSums] as they
// are; nil elsewhere.
func (x term) outerSums() OuterSums {
	sums, ok := x.factors[0].train.(OuterSums)
	if !ok || x.unit || x.factors[0].bias || len(x.factors) > 1 {
		return nil
	}
	return sums
}

// rowNumbers is how many numbers of a query meet a row of a gradient that is not formed.
func (f factor) rowNumbers(sums OuterSums) float64 {
	out, in := sums.Shape()
	if f.staysFactored(sums) {
		return float64(f.lowRank().Rank() * (out + in))
	}
	return float64(out * in)
}

// staysFactored reports whether a query of low rank meets rows as its factors, and not as
// the matrix that they make.
func (f factor) staysFactored(sums OuterSums) bool {
	out, in := sums.Shape()
	low := f.lowRank()
	return low != nil && low.Rank()*(out+in) < out*in
}

// unformedPanel packs the queries of a slab, each number times weight, to meet rows.
func (r *productRun[F]) unformedPanel(ctx context.Context, t int, sums OuterSums, slab Range, weight float64) (*panel[F], error) {
	f := r.terms[t].factors[0]
	if f.lowRank() != nil {
		factors, err := r.factorQueries(ctx, t, f, slab)
		if err != nil {
			return nil, err
		}
		if f.staysFactored(sums) {
			return newLowRankPanel[F](r.workers, f.lowRank().Rank(), factors, weight)
		}
		m := kernel.NewQueryMatrices[F](sums.Shape())
		return &panel[F]{unformed: m}, appendMatrices(r.workers, m, factors.matrices(r.workers), nil, weight)
	}
	m := kernel.NewQueryMatrices[F](sums.Shape())
	return &panel[F]{unformed: m}, r.appendQueries(ctx, m, f, slab, weight)
}

// appendQueries packs the queries of a slab as matrices. They are not held in float64
// where they neither are sums nor go through an inverse that may want them all.
func (r *productRun[F]) appendQueries(ctx context.Context, to *kernel.QueryMatrices[F], f factor, slab Range, weight float64) error {
	factors, err := f.diagonal(ctx)
	if err != nil {
		return err
	}
	if r.job.Pools != nil || f.inverse != nil && factors == nil {
		rows, _, err := readQueries(ctx, r.job, f, false, slab)
		if err == nil {
			rows, err = f.inverted(ctx, rows)
		}
		if err != nil {
			return err
		}
		return appendMatrices(r.workers, to, rows, nil, weight)
	}
	return r.eachQueries(ctx, f, slab, func(rows kernel.Matrix[float64]) error {
		return appendMatrices(r.workers, to, rows, factors, weight)
	})
}

// eachQueries calls use for the vectors of the queries of a slab in float64, which are not
// to be written, some at a time. A vector that is not finite is a NonFiniteError.
func (r *productRun[F]) eachQueries(ctx context.Context, f factor, slab Range, use func(rows kernel.Matrix[float64]) error) error {
	var buffer []float64
	return eachPiece(ctx, f.query, r.job.Query, slab, func(_ int64, b dataset.Block) error {
		rows := matrixOf(r.workers, b, f.query.Dtype(), &buffer)
		if finite(rows.Data) >= 0 {
			return checkFinite(ctx, f.query, "query", r.job.Query)
		}
		return use(rows)
	})
}

// appendMatrices packs further queries, each number times a factor of its own, if there
// are any, and times weight.
func appendMatrices[F kernel.Float](workers int, to *kernel.QueryMatrices[F], m kernel.Matrix[float64], factors []float64, weight float64) error {
	few := max(1, gatherNumbers/max(1, m.Cols)) // They stay in a cache until they are packed.
	for lo := 0; lo < m.Rows; lo += few {
		rows := times[F](workers, m.Block(lo, 0, min(few, m.Rows-lo), m.Cols), factors, weight)
		if i := finite(rows.Data); i >= 0 {
			return beyondFloat32(to.Len() + i/m.Cols)
		}
		to.Append(workers, rows)
	}
	return nil
}

// newLowRankPanel packs queries of low rank, times weight, in F.
func newLowRankPanel[F kernel.Float](workers, rank int, f LowRank, weight float64) (*panel[F], error) {
	u, v := inType[F](workers, f.Outputs, weight), inType[F](workers, f.Inputs, 1)
	for _, m := range []kernel.Matrix[F]{u, v} {
		if i := finite(m.Data); i >= 0 {
			return nil, beyondFloat32(i / m.Cols / rank)
		}
	}
	return &panel[F]{unformed: kernel.NewLowRankRows(workers, rank, u, v)}, nil
}

// multiplyRows multiplies the rows of a block of train gradients with the queries of a
// term.
func (r *productRun[F]) multiplyRows(ctx context.Context, t int, part Range2, first int64, b OuterBlock) {
	outputs := matrixOf(r.workers, b.Outputs, floatDtype(b.Outputs), &r.buffer)
	inputs := matrixOf(r.workers, b.Inputs, floatDtype(b.Inputs), &r.inputs)
	r.panels[t][0].unformed.EachBlock(r.workers, b.Starts, outputs, inputs, func(_, row int, c kernel.Matrix[F]) {
		r.take(ctx, t, 0, part, first+int64(row)-part.Train.Lo, c)
	})
}
