package influence

import (
	"context"
	"fmt"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// Outer returns the gradients of a linear layer of K outputs as vectors, from its
// inputs x and the gradients g of its outputs, of which each row has one:
//
//	row i = g_i ⊗ x_i     K·d numbers: g[0]·x[0], g[0]·x[1], …
//
// With bias each x ends with a further 1. [TracIn] takes the inner products of both
// parts and never forms the rows; whoever reads them has them formed in a dtype,
// float64 or float32. It is an error where the parts differ in rows.
func Outer(inputs, gradients Vectors, bias bool, d dataset.Dtype) (Vectors, error) {
	if err := sameRows(inputs, gradients); err != nil {
		return nil, err
	}
	if d != dataset.Float64 && d != dataset.Float32 {
		return nil, fmt.Errorf("gradients are not formed in %s", d)
	}
	return &outer{inputs, gradients, bias, d}, nil
}

type outer struct {
	inputs, gradients Vectors
	bias              bool
	dtype             dataset.Dtype
}

func (o *outer) Rows() int64          { return o.inputs.Rows() }
func (o *outer) Dtype() dataset.Dtype { return o.dtype }
func (o *outer) Cols() int            { return o.gradients.Cols() * o.width() }

// width is the number of inputs with the 1 of a bias.
func (o *outer) width() int {
	if o.bias {
		return o.inputs.Cols() + 1
	}
	return o.inputs.Cols()
}

func (o *outer) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		step := max(1, gatherNumbers/int64(o.Cols()))
		var parts [2]dataset.Block
		for ; lo < hi; lo += step {
			rows := RowRange(lo, min(lo+step, hi))
			all := Range{0, rows.Len()}
			err := firstError(gather(ctx, o.inputs, rows, all, &parts[0]), gather(ctx, o.gradients, rows, all, &parts[1]))
			out := dataset.Block{First: lo, Rows: int(rows.Len()), Cols: o.Cols()}
			switch {
			case err != nil:
			case o.dtype == dataset.Float64:
				out.Float64 = form[float64](o, parts)
			default:
				out.Float32 = form[float32](o, parts)
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// RowsEach implements [OuterSums].
func (o *outer) RowsEach() float64 { return 1 }

// Single implements [OuterSums].
func (o *outer) Single() bool { return true }

// Shape implements [OuterSums].
func (o *outer) Shape() (out, in int) { return o.gradients.Cols(), o.width() }

// OuterBlocks implements [OuterSums].
func (o *outer) OuterBlocks(ctx context.Context, lo, hi int64) iter.Seq2[OuterBlock, error] {
	return func(yield func(OuterBlock, error) bool) {
		step := max(1, gatherNumbers/int64(max(o.width(), o.gradients.Cols())))
		var parts [2]dataset.Block
		for ; lo < hi; lo += step {
			rows := RowRange(lo, min(lo+step, hi))
			all := Range{0, rows.Len()}
			err := firstError(gather(ctx, o.inputs, rows, all, &parts[0]), gather(ctx, o.gradients, rows, all, &parts[1]))
			b := OuterBlock{First: lo}
			if err == nil {
				for i := range rows.Len() + 1 {
					b.Starts = append(b.Starts, int(i))
				}
				b.Inputs = sideOf(o.dtype, parts[0], o.inputs.Dtype(), o.bias)
				b.Outputs = sideOf(o.dtype, parts[1], o.gradients.Dtype(), false)
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// sideOf returns the rows of a block in a type, each with a further 1 where one is asked
// for.
func sideOf(to dataset.Dtype, b dataset.Block, d dataset.Dtype, one bool) dataset.Block {
	out := dataset.Block{First: b.First, Rows: b.Rows, Cols: b.Cols}
	if one {
		out.Cols++
	}
	if to == dataset.Float64 {
		out.Float64 = withOne[float64](b, d, one)
	} else {
		out.Float32 = withOne[float32](b, d, one)
	}
	return out
}

func withOne[F kernel.Float](b dataset.Block, d dataset.Dtype, one bool) []F {
	var buffer []F
	m := matrixOf(1, b, d, &buffer)
	if !one {
		return m.Data
	}
	out := make([]F, 0, m.Rows*(m.Cols+1))
	for i := range m.Rows {
		out = append(append(out, m.Row(i)...), 1)
	}
	return out
}

// form returns the outer products of the rows of two blocks.
func form[F kernel.Float](o *outer, parts [2]dataset.Block) []F {
	var buffers [2][]F
	x := matrixOf(1, parts[0], o.inputs.Dtype(), &buffers[0])
	g := matrixOf(1, parts[1], o.gradients.Dtype(), &buffers[1])
	out := make([]F, 0, x.Rows*o.Cols())
	for i := range x.Rows {
		for _, slope := range g.Row(i) {
			for _, v := range x.Row(i) {
				out = append(out, slope*v)
			}
			if o.bias {
				out = append(out, slope)
			}
		}
	}
	return out
}

// productOf returns the factors of the inner product of two sides of a layer: one, or
// those of the parts where both sides are outer products of the same kind.
func productOf(train, query Vectors) []factor {
	a, ok := train.(*outer)
	if !ok {
		return []factor{{train: train, query: query}}
	}
	if query == nil {
		return []factor{{train: a.inputs, bias: a.bias}, {train: a.gradients}}
	}
	b, ok := query.(*outer)
	if !ok || a.bias != b.bias || a.inputs.Cols() != b.inputs.Cols() {
		return []factor{{train: train, query: query}}
	}
	return []factor{{train: a.inputs, query: b.inputs, bias: a.bias}, {train: a.gradients, query: b.gradients}}
}
