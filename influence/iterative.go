package influence

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

// cgTolerance is the residual, relative to the right-hand side, at which conjugate
// gradients stop.
const cgTolerance = 1e-10

// CG returns the scores of [Exact] by conjugate gradients, each query on its own,
// until the residual is 1e-10 of the query's gradient: ‖H·x − b‖ ≤ 1e-10·‖b‖, for which a
// pass over the train gradients is made in each step. It is an error where that is not
// reached in 10·d steps, or in 10,000.
//
// Cost: 4·n·q·d operations and one read of the train gradients for each step.
func CG(c Checkpoint, o CurvatureOptions) (Scorer, error) {
	d := lossDescription("cg")
	d.Source = "Koh and Liang (2017), section 3, conjugate gradients; sign turned"
	d.Approximate = []string{fmt.Sprintf("H·x = b is solved to a residual of %g of b", cgTolerance)}
	return throughInverse(c, o, d, func(h *fisher) (Inverse, error) { return conjugate{h}, nil })
}

type conjugate struct{ *fisher }

func (h conjugate) Bytes(vectors int64) int64 {
	return h.timesBytes(vectors) + 4*vectors*int64(h.train.Cols())*8
}

// usualSteps is how many steps an iteration is expected to take.
const usualSteps = 50

func (h conjugate) Operations(vectors int64) float64 { return usualSteps * h.passOperations(vectors) }

func (h conjugate) Apply(ctx context.Context, rows kernel.Matrix[float64]) error {
	x := kernel.NewMatrix[float64](rows.Rows, rows.Cols)
	residual, direction := rows, copyOf(rows)
	square, stop := make([]float64, rows.Rows), make([]float64, rows.Rows)
	for q := range square {
		square[q] = squaredNorm(rows.Row(q))
		stop[q] = cgTolerance * cgTolerance * square[q]
	}
	steps := min(10_000, 10*rows.Cols)
	for step := 0; ; step++ {
		open := 0
		for q := range square {
			if square[q] > stop[q] {
				open++
			}
		}
		switch {
		case open == 0:
			copy(rows.Data, x.Data)
			return h.checkRows(ctx, rows)
		case step == steps:
			return fmt.Errorf("conjugate gradients do not reach a residual of %g for %d of %d queries in %d steps; use a larger damping", cgTolerance, open, len(square), steps)
		}
		product, err := h.times(ctx, direction)
		if err != nil {
			return err
		}
		for q := range square {
			if square[q] <= stop[q] {
				continue
			}
			d, hd := direction.Row(q), product.Row(q)
			curvature := inner(d, hd)
			if !(curvature > 0) {
				return firstError(h.checkRows(ctx, product), errors.New("the curvature is not positive along a direction; use a larger damping"))
			}
			rate := square[q] / curvature
			addMultiple(x.Row(q), rate, d)
			addMultiple(residual.Row(q), -rate, hd)
			next := squaredNorm(residual.Row(q))
			turn := next / square[q]
			r := residual.Row(q)
			for i := range d {
				d[i] = float64(turn*d[i]) + r[i]
			}
			square[q] = next
		}
	}
}

func copyOf(m kernel.Matrix[float64]) kernel.Matrix[float64] {
	c := kernel.NewMatrix[float64](m.Rows, m.Cols)
	copy(c.Data, m.Data)
	return c
}

// inner returns Σ x·y, one chain of fused multiply-adds.
func inner(x, y []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum = math.FMA(v, y[i], sum)
	}
	return sum
}

// addMultiple adds a·y to x.
func addMultiple(x []float64, a float64, y []float64) {
	for i, v := range y {
		x[i] += float64(a * v)
	}
}

// lissaTolerance is the residual at which LiSSA stops.
const lissaTolerance = 1e-6

// LiSSA returns the scores of [Exact] by the series of Neumann over all train rows,
//
//	h ← b + (I − H/s)·h     result h/s
//
// with s a little above the largest eigenvalue of H, which is found first, so that the
// series converges (Agarwal, Bullins and Hazan 2017; Koh and Liang 2017, section 3).
// Published versions draw one row in each step; ours takes all, and is repeatable.
// It ends when ‖H·x − b‖ ≤ 1e-6·‖b‖ for each query. It is an error where that takes more
// than 10,000 steps: the damping is then too small for this method.
//
// Cost: 4·n·q·d operations and one read of the train gradients for each step, of which
// there are some 14 times the ratio of the largest eigenvalue to the damping.
func LiSSA(c Checkpoint, o CurvatureOptions) (Scorer, error) {
	d := lossDescription("lissa")
	d.Source = "Agarwal, Bullins and Hazan (2017); Koh and Liang (2017), section 3, with all rows in each step; sign turned"
	d.Approximate = []string{fmt.Sprintf("H·x = b is solved to a residual of %g of b", lissaTolerance)}
	return throughInverse(c, o, d, func(h *fisher) (Inverse, error) { return &neumann{fisher: h}, nil })
}

type neumann struct {
	*fisher
	bound float64 // s; 0 while not known
}

func (h *neumann) Bytes(vectors int64) int64 {
	return h.timesBytes(vectors) + 2*vectors*int64(h.train.Cols())*8
}

func (h *neumann) Operations(vectors int64) float64 {
	return usualSteps * h.passOperations(vectors+1)
}

// largest finds s by 50 steps of the power method from a fixed start. The method
// comes from below, so a tenth is added; up to twice the eigenvalue the series
// converges anyway.
func (h *neumann) largest(ctx context.Context) error {
	v := kernel.NewMatrix[float64](1, h.train.Cols())
	for i := range v.Data {
		v.Data[i] = 1 + float64(i*2654435761%1024)/1024
	}
	for range 50 {
		scale := inverseNorm(squaredNorm(v.Data))
		for i := range v.Data {
			v.Data[i] *= scale
		}
		var err error
		if v, err = h.times(ctx, v); err != nil {
			return err
		}
	}
	h.bound = 1.1 * math.Sqrt(squaredNorm(v.Data))
	if h.bound == 0 || h.bound-h.bound != 0 {
		return firstError(h.checkRows(ctx, v), errors.New("the curvature is zero; use a damping"))
	}
	return nil
}

func (h *neumann) Apply(ctx context.Context, rows kernel.Matrix[float64]) error {
	if h.bound == 0 {
		if err := h.largest(ctx); err != nil {
			return err
		}
	}
	const steps = 10_000
	x := copyOf(rows)
	for i := range x.Data {
		x.Data[i] /= h.bound
	}
	for range steps {
		product, err := h.times(ctx, x)
		if err != nil {
			return err
		}
		worst := 0.0
		for q := range rows.Rows {
			b, hx, at := rows.Row(q), product.Row(q), x.Row(q)
			for i := range hx {
				hx[i] = b[i] - hx[i]
				at[i] += hx[i] / h.bound
			}
			if norm := squaredNorm(b); norm > 0 {
				worst = max(worst, squaredNorm(hx)/norm)
			}
		}
		if !(worst > lissaTolerance*lissaTolerance) {
			copy(rows.Data, x.Data)
			return h.checkRows(ctx, rows)
		}
	}
	return fmt.Errorf("lissa does not reach a residual of %g in %d steps; use a larger damping, or cg", lissaTolerance, steps)
}
