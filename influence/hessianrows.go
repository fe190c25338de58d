package influence

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// HessianRows returns vectors whose outer products are the exact Hessians of the losses
// by the weights of a linear layer, from its inputs x and the gradients g of its K
// outputs, of which each example has one row:
//
//	Σ_k r_ik·r_ikᵀ = C_i ⊗ x_i·x_iᵀ     row i·K + k is r_ik
//
// with r_ik = √p_k·(e_k − p) ⊗ x_i for the softmax, and √c·e_k ⊗ x_i for squares, c being
// [OutputLoss.Curvature]: K rows of K·d numbers in float64 for each example, which are
// formed while they are read. With
// bias each x ends with a further 1. For gradients in the layout of [Outer] they make
// the curvature of [CurvatureOptions]; the Hessian is that of the whole model where the
// layer is all of it.
//
// Reading is an error where a row is not finite or, for the softmax, where it is not
// p − e_y: a label that is spread over classes, for example, or a weight of the row. Where
// p_y is 1, rounding leaves g = 0 and the rows are 0.
func HessianRows(inputs, gradients Vectors, bias bool, l OutputLoss) (Vectors, error) {
	if err := sameRows(inputs, gradients); err != nil {
		return nil, err
	}
	if l == SoftmaxLoss && gradients.Cols() < 2 {
		return nil, fmt.Errorf("a softmax of %d outputs; the loss is not its cross-entropy", gradients.Cols())
	}
	return &hessianRows{outer{inputs, gradients, bias, dataset.Float64}, l}, nil
}

type hessianRows struct {
	outer
	loss OutputLoss
}

func (h *hessianRows) Rows() int64 { return h.inputs.Rows() * int64(h.gradients.Cols()) }

func (h *hessianRows) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		k := int64(h.gradients.Cols())
		step := max(1, gatherNumbers/int64(h.Cols())/k) * k // whole examples
		for lo < hi {
			end := min(lo-lo%k+step, hi)
			b, err := h.block(ctx, lo, end)
			if !yield(b, err) || err != nil {
				return
			}
			lo = end
		}
	}
}

// block returns rows lo … hi−1, which may begin and end within an example.
func (h *hessianRows) block(ctx context.Context, lo, hi int64) (dataset.Block, error) {
	k := h.gradients.Cols()
	first := lo / int64(k)
	examples := RowRange(first, (hi-1)/int64(k)+1)
	var parts [2]dataset.Block
	all := Range{0, examples.Len()}
	if err := firstError(gather(ctx, h.inputs, examples, all, &parts[0]), gather(ctx, h.gradients, examples, all, &parts[1])); err != nil {
		return dataset.Block{}, err
	}
	var buffers [2][]float64
	x := matrixOf(1, parts[0], h.inputs.Dtype(), &buffers[0])
	g := matrixOf(1, parts[1], h.gradients.Dtype(), &buffers[1])
	out := kernel.NewMatrix[float64](int(hi-lo), h.Cols())
	p, outputs := make([]float64, k), make([]float64, k)
	for i := range g.Rows {
		example := first + int64(i)
		if finite(x.Row(i)) >= 0 || finite(g.Row(i)) >= 0 {
			return dataset.Block{}, &NonFiniteError{Side: "train", Row: example, Count: 1}
		}
		if err := h.chances(p, g.Row(i)); err != nil {
			return dataset.Block{}, fmt.Errorf("train row %d: %w", example, err)
		}
		for j := range k {
			row := example*int64(k) + int64(j)
			if row < lo || row >= hi {
				continue
			}
			h.output(outputs, p, j)
			h.spread(out.Row(int(row-lo)), outputs, x.Row(i))
		}
	}
	return dataset.Block{First: lo, Rows: out.Rows, Cols: out.Cols, Float64: out.Data}, nil
}

// chances writes the probabilities that a gradient tells, where the loss has any.
func (h *hessianRows) chances(p, g []float64) error {
	if h.loss != SoftmaxLoss {
		return nil
	}
	label, ok := LabelOf(g)
	if !ok {
		return fmt.Errorf("the gradient of its outputs is not that of a cross-entropy: probabilities less 1 in one class")
	}
	for c, v := range g {
		p[c] = max(0, v)
	}
	p[label] = max(0, 1+g[label])
	return nil
}

// output writes the part of row k that belongs to the outputs.
func (h *hessianRows) output(out, p []float64, k int) {
	if h.loss != SoftmaxLoss {
		clear(out)
		out[k] = math.Sqrt(h.loss.Curvature(len(out)))
		return
	}
	root := math.Sqrt(p[k])
	for c, v := range p {
		out[c] = -(root * v)
	}
	out[k] = root * (1 - p[k])
}

// spread writes outputs ⊗ x, with the 1 of a bias.
func (h *hessianRows) spread(row, outputs, x []float64) {
	width := h.width()
	for c, v := range outputs {
		part := row[c*width : (c+1)*width]
		for j, u := range x {
			part[j] = v * u
		}
		if h.bias {
			part[width-1] = v
		}
	}
}
