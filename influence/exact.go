package influence

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
)

// maxExact is the largest side of a matrix that is factored.
const maxExact = 20_000

// A denseInverse factors the curvature once. Where there are far fewer train rows
// than numbers in a gradient, it factors the matrix of their inner products instead:
//
//	H⁻¹ = (I − scale·Gᵀ·(scale·G·Gᵀ + λI)⁻¹·G) / λ
type denseInverse struct {
	*fisher
	meanEntry bool // divides the inverse by the mean magnitude of its entries

	factor  kernel.Matrix[float64] // lower triangular; without rows while not known
	g       kernel.Matrix[float64] // train gradients, for inner products only
	divisor float64
}

// dual reports whether inner products are factored.
func (h *denseInverse) dual() bool {
	n, d := h.train.Rows(), int64(h.train.Cols())
	return n < d && d > 2048 && (h.damping.Heuristic || h.damping.Value > 0)
}

// side is the number of rows of the matrix that is factored.
func (h *denseInverse) side() int64 {
	if h.dual() {
		return h.train.Rows()
	}
	return int64(h.train.Cols())
}

func (h *denseInverse) Bytes(vectors int64) int64 {
	levels := h.timesBytes(1)/max(1, int64(h.train.Cols())*8) + 1
	if h.dual() {
		return (h.side()*h.side() + h.side()*int64(h.train.Cols()) + vectors*h.side()) * 8
	}
	return levels * h.side() * h.side() * 8
}

func (h *denseInverse) Operations(vectors int64) float64 {
	side := float64(h.side())
	return 2*float64(h.train.Rows())*float64(h.train.Cols())*side + side*side*side/3 + 2*float64(vectors)*side*side
}

// check refuses matrices that are too large to be factored.
func (h *denseInverse) check() error {
	if side := h.side(); side > maxExact {
		return &UnsupportedError{What: fmt.Sprintf("a dense inverse of %d × %d numbers", side, side), Reason: "it takes too long", Instead: "use datainf, cg or nystroem, or project the gradients"}
	}
	return nil
}

func (h *denseInverse) prepare(ctx context.Context) error {
	lambda, err := h.lambda(ctx)
	if err != nil {
		return err
	}
	var c kernel.Matrix[float64]
	if h.dual() {
		if h.g, err = readAll(ctx, h.train); err != nil {
			return err
		}
		c = kernel.NewMatrix[float64](h.g.Rows, h.g.Rows)
		kernel.GemmNT(h.workers, h.g, h.g, c)
	} else {
		d := h.train.Cols()
		c, err = h.sumRows(ctx, d, d, func(_ int64, g, into kernel.Matrix[float64]) { kernel.GemmTN(h.workers, g, g, into) })
		if err != nil {
			return err
		}
	}
	if finite(c.Data) >= 0 {
		return h.notFinite(ctx)
	}
	for i := range c.Rows {
		row := c.Row(i)
		for j := range row {
			row[j] *= h.scale
		}
		row[i] += lambda
	}
	if err := factorize(h.workers, c); err != nil {
		return fmt.Errorf("the curvature has no inverse: its %d × %d matrix %w with a damping of %v; use a larger one", c.Rows, c.Cols, err, lambda)
	}
	h.factor, h.divisor = c, 1
	if h.meanEntry {
		return h.findDivisor(ctx)
	}
	return nil
}

// factorize is [dense.Cholesky]. A pivot that rounding alone may have made counts as
// zero.
func factorize(workers int, c kernel.Matrix[float64]) error {
	before := make([]float64, c.Rows)
	for i := range before {
		before[i] = c.At(i, i)
	}
	var singular *dense.NotPositiveError
	if err := dense.Cholesky(workers, c); err != nil && !errors.As(err, &singular) {
		return err
	}
	for i, v := range before {
		if l := c.At(i, i); singular != nil || l*l <= float64(c.Rows)*0x1p-52*v {
			return errors.New("is not positive definite")
		}
	}
	return nil
}

// readAll returns all vectors in float64.
func readAll(ctx context.Context, v Vectors) (kernel.Matrix[float64], error) {
	out := kernel.NewMatrix[float64](int(v.Rows()), v.Cols())
	var buffer []float64
	for b, err := range v.Blocks(ctx, 0, v.Rows()) {
		if err != nil {
			return out, err
		}
		m := matrixOf(1, b, v.Dtype(), &buffer)
		copy(out.Data[int(b.First)*v.Cols():], m.Data)
	}
	return out, nil
}

// findDivisor computes the mean magnitude of the inverse's entries.
func (h *denseInverse) findDivisor(ctx context.Context) error {
	d := h.train.Cols()
	all := kernel.NewMatrix[float64](d, d)
	for i := range d {
		all.Row(i)[i] = 1
	}
	if err := h.Apply(ctx, all); err != nil {
		return err
	}
	sum := 0.0
	for _, v := range all.Data {
		sum += math.Abs(v)
	}
	h.divisor = sum / float64(d*d)
	return nil
}

func (h *denseInverse) Apply(ctx context.Context, rows kernel.Matrix[float64]) error {
	if h.factor.Rows == 0 {
		if err := h.prepare(ctx); err != nil {
			return err
		}
	}
	if !h.dual() {
		if err := h.solve(rows); err != nil {
			return err
		}
	} else {
		lambda, err := h.lambda(ctx)
		if err != nil {
			return err
		}
		inner := kernel.NewMatrix[float64](rows.Rows, h.g.Rows)
		kernel.GemmNT(h.workers, rows, h.g, inner)
		if err := h.solve(inner); err != nil {
			return err
		}
		for i := range inner.Data {
			inner.Data[i] *= -h.scale
		}
		kernel.GemmNN(h.workers, inner, h.g, rows)
		for i := range rows.Data {
			rows.Data[i] /= lambda
		}
	}
	if h.divisor != 1 {
		for i := range rows.Data {
			rows.Data[i] /= h.divisor
		}
	}
	return h.checkRows(ctx, rows)
}

// solve overwrites rows x with x·(L·Lᵀ)⁻¹.
func (h *denseInverse) solve(rows kernel.Matrix[float64]) error {
	l := dense.Triangular{Matrix: h.factor}
	up := l
	up.Transposed = true
	return firstError(dense.SolveRight(h.workers, up, rows), dense.SolveRight(h.workers, l, rows))
}
