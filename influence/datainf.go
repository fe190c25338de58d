package influence

import (
	"context"
	"errors"

	"github.com/infl-dev/infl/internal/kernel"
)

// DataInf returns influence functions with the mean of inverses in the place of the
// inverse of the mean:
//
//	I(i, q) = Σ over blocks  g_qᵀ·(1/n)·Σ_j (g_j·g_jᵀ + λI)⁻¹·g_i
//
// (Kwon, Wu, Wu and Zou 2024, equation 5, of which their repository stores the
// negative). By the formula of Sherman and Morrison a query's g_q becomes
//
//	(g_q − (1/n)·Σ_j (g_q·g_j)/(λ + ‖g_j‖²)·g_j) / λ
//
// in one pass over the train gradients, in float64. λ must be above 0. The heuristic
// damping is that of the paper: a tenth of the mean square of a block's gradients.
//
// Cost: 4·n·q·d operations and one read beside those of [Dot].
func DataInf(c Checkpoint, o CurvatureOptions) (Scorer, error) {
	if !o.Damping.Heuristic && o.Damping.Value == 0 {
		return nil, errors.New("datainf divides by the damping, which is 0; use a larger one")
	}
	if o.Hessian != nil {
		return nil, &UnsupportedError{What: "datainf with the exact Hessian", Reason: "it inverts the products of single gradients", Instead: "use exact or cg"}
	}
	d := lossDescription("datainf")
	d.Source = "Kwon, Wu, Wu and Zou (2024), DataInf, equation 5; the repository stores the negative"
	d.Approximate = []string{"the inverse of the mean curvature is replaced by the mean of inverses"}
	return throughInverse(c, o, d, func(h *fisher) (Inverse, error) { return meanOfInverses{h}, nil })
}

// meanOfInverses is the mean of (g·gᵀ + λI)⁻¹ over train rows.
type meanOfInverses struct{ *fisher }

func (h meanOfInverses) Bytes(vectors int64) int64 { return h.timesBytes(vectors) }

func (h meanOfInverses) Operations(vectors int64) float64 { return h.passOperations(vectors) }

func (h meanOfInverses) Apply(ctx context.Context, rows kernel.Matrix[float64]) error {
	lambda, err := h.lambda(ctx)
	if err != nil {
		return err
	}
	if lambda == 0 {
		return errors.New("datainf divides by the damping, which is 0 because all gradients of a block are")
	}
	sum, err := h.sumRows(ctx, rows.Rows, rows.Cols, func(_ int64, g, into kernel.Matrix[float64]) {
		products := kernel.NewMatrix[float64](rows.Rows, g.Rows)
		kernel.GemmNT(h.workers, rows, g, products)
		for j := range g.Rows {
			share := h.scale / (lambda + squaredNorm(g.Row(j)))
			for q := range products.Rows {
				products.Row(q)[j] *= share
			}
		}
		kernel.GemmNN(h.workers, products, g, into)
	})
	if err != nil {
		return err
	}
	for i, v := range sum.Data {
		rows.Data[i] = (rows.Data[i] - v) / lambda
	}
	return h.checkRows(ctx, rows)
}
