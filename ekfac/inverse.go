package ekfac

import (
	"context"
	"fmt"
	"math"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
)

// An Inverse maps gradients G of a module, out × in numbers in row-major order, through
// its damped curvature, in float64:
//
//	G·H⁻¹ = Q_S·[(Q_Sᵀ·G·Q_A) ∘ 1/(Λ + λ)]·Q_Aᵀ
//
// With a heuristic damping λ is a tenth of the mean of Λ, and with one of Tikhonov the
// middle factor is Λ/(Λ² + λ). It is an [influence.Inverse]: the module's matrices are
// read when it is first applied, and kept.
type Inverse struct {
	load    func(ctx context.Context) (*Curvature, error)
	invert  func(c *Curvature) (kernel.Matrix[float64], error)
	out, in int // of the module; in with the 1 of a bias
	workers int

	curvature *Curvature             // nil while it is not read
	factors   kernel.Matrix[float64] // what Λ becomes, entry by entry
}

// Inverse returns the damped inverse of a module's curvature. See [Factors.Curvature] for
// which strategies the factors serve.
func (f *Factors) Inverse(module string, s Strategy, form Form, d influence.Damping, workers int) (*Inverse, error) {
	return f.function(module, s, form, workers, dampedBy(d))
}

// function returns a function of a module's curvature: what becomes of each eigenvalue.
func (f *Factors) function(module string, s Strategy, form Form, workers int, of func(*Curvature) (kernel.Matrix[float64], error)) (*Inverse, error) {
	m, err := f.module(module)
	if err != nil {
		return nil, err
	}
	return &Inverse{
		load:   func(ctx context.Context) (*Curvature, error) { return f.Curvature(ctx, module, s, form) },
		invert: of, out: int(m.Out), in: int(m.Columns()), workers: workers,
	}, nil
}

// InverseOf returns the damped inverse of a curvature whose eigenvalues are not empty.
func InverseOf(c *Curvature, d influence.Damping, workers int) *Inverse {
	return &Inverse{
		load:   func(context.Context) (*Curvature, error) { return c, nil },
		invert: dampedBy(d), out: c.Eigenvalues.Rows, in: c.Eigenvalues.Cols, workers: workers,
	}
}

// atOnce is how many gradients are rotated at a time, each of which takes twice its size.
const atOnce = 32

// Apply implements [influence.Inverse]. It is an error where an eigenvalue is 0 and
// nothing is added to it.
func (v *Inverse) Apply(ctx context.Context, rows kernel.Matrix[float64]) error {
	if err := v.prepare(ctx); err != nil {
		return err
	}
	if err := v.fits(rows); err != nil {
		return err
	}
	v.images(rows, rows, v.factors)
	return ctx.Err()
}

// images writes what several functions of the curvature, each by what the eigenvalues
// become, make of each row: image k of row r is row r·len(factors) + k of out. With one
// function out may be rows.
func (v *Inverse) images(rows, out kernel.Matrix[float64], factors ...kernel.Matrix[float64]) {
	if len(v.curvature.Input.Vectors.Data) == 0 {
		scaleInto(v.workers, out, rows, factors)
		return
	}
	n := min(rows.Rows, atOnce)
	rotated := kernel.NewMatrix[float64](n, rows.Cols)
	scaled := rotated
	if len(factors) > 1 {
		scaled = kernel.NewMatrix[float64](n*len(factors), rows.Cols)
	}
	for lo := 0; lo < rows.Rows; lo += atOnce {
		n := min(atOnce, rows.Rows-lo)
		there, images := rotated.Block(0, 0, n, rows.Cols), scaled.Block(0, 0, n*len(factors), rows.Cols)
		clear(there.Data)
		v.rotate(rows.Block(lo, 0, n, rows.Cols), there)
		scaleInto(v.workers, images, there, factors)
		to := out.Block(lo*len(factors), 0, images.Rows, rows.Cols)
		clear(to.Data)
		v.rotateBack(images, to)
	}
}

// scaleInto writes each row times each of some factors, number by number, as images does.
func scaleInto(workers int, out, rows kernel.Matrix[float64], factors []kernel.Matrix[float64]) {
	each(workers, rows.Rows, func(r int) {
		row := rows.Row(r)
		for k, f := range factors {
			to := out.Row(r*len(factors) + k)
			for j, v := range row {
				to[j] = v * f.Data[j]
			}
		}
	})
}

// fits returns an error where rows are not gradients of the module.
func (v *Inverse) fits(rows kernel.Matrix[float64]) error {
	if rows.Cols != v.out*v.in {
		return fmt.Errorf("module %q: gradients of %d numbers meet a curvature of %d × %d", v.curvature.Module, rows.Cols, v.out, v.in)
	}
	return nil
}

// rotate writes Q_Sᵀ·G·Q_A of each row G to out, which holds zeros.
func (v *Inverse) rotate(rows, out kernel.Matrix[float64]) {
	all := kernel.NewMatrix[float64](rows.Rows*v.out, v.in)
	kernel.GemmNN(v.workers, kernel.MatrixOf(rows.Data, all.Rows, v.in), v.curvature.Input.Vectors, all)
	for i := range rows.Rows {
		kernel.GemmTN(v.workers, v.curvature.Output.Vectors, all.Block(i*v.out, 0, v.out, v.in), kernel.MatrixOf(out.Row(i), v.out, v.in))
	}
}

// rotateBack writes Q_S·R·Q_Aᵀ of each row R to out, which holds zeros.
func (v *Inverse) rotateBack(rows, out kernel.Matrix[float64]) {
	all := kernel.NewMatrix[float64](rows.Rows*v.out, v.in)
	for i := range rows.Rows {
		kernel.GemmNN(v.workers, v.curvature.Output.Vectors, kernel.MatrixOf(rows.Row(i), v.out, v.in), all.Block(i*v.out, 0, v.out, v.in))
	}
	kernel.GemmNT(v.workers, all, v.curvature.Input.Vectors, kernel.MatrixOf(out.Data, all.Rows, v.in))
}

// read reads the curvature, once.
func (v *Inverse) read(ctx context.Context) (err error) {
	if v.curvature == nil {
		v.curvature, err = v.load(ctx)
	}
	return err
}

// prepare reads the curvature and inverts its eigenvalues.
func (v *Inverse) prepare(ctx context.Context) (err error) {
	if v.factors.Data != nil {
		return nil
	}
	if err := v.read(ctx); err != nil {
		return err
	}
	factors, err := v.invert(v.curvature)
	if err == nil {
		v.factors = factors
	}
	return err
}

// dampedBy inverts eigenvalues with a damping.
func dampedBy(d influence.Damping) func(*Curvature) (kernel.Matrix[float64], error) {
	return func(c *Curvature) (kernel.Matrix[float64], error) { return invertEigenvalues(c, d) }
}

// invertEigenvalues returns what the eigenvalues of a curvature are inverted to.
func invertEigenvalues(c *Curvature, d influence.Damping) (kernel.Matrix[float64], error) {
	out := kernel.NewMatrix[float64](c.Eigenvalues.Rows, c.Eigenvalues.Cols)
	lambda := d.Of(sum(c.Eigenvalues.Data) / float64(max(1, len(c.Eigenvalues.Data))))
	for i, x := range c.Eigenvalues.Data {
		if d.Tikhonov {
			out.Data[i] = x / (float64(x*x) + lambda)
		} else {
			out.Data[i] = 1 / (x + lambda)
		}
		if v := out.Data[i]; math.IsInf(v, 0) || math.IsNaN(v) {
			if lambda == 0 && d.Heuristic {
				return out, fmt.Errorf("module %q: all gradients that its curvature was fitted to are zero; leave the module out, or use a damping above 0", c.Module)
			}
			return out, fmt.Errorf("module %q: an eigenvalue of the curvature is %v and the damping %v; use a larger damping", c.Module, x, lambda)
		}
	}
	return out, nil
}

// Bytes implements [influence.Inverse].
func (v *Inverse) Bytes(vectors int64) int64 { return v.ownBytes() + v.rotatingBytes(vectors) }

// ownBytes is the memory for what it knows of the module.
func (v *Inverse) ownBytes() int64 {
	out, in := int64(v.out), int64(v.in)
	return 8 * (out*out + in*in + 2*out*in)
}

// rotatingBytes is the memory for rotating so many gradients.
func (v *Inverse) rotatingBytes(vectors int64) int64 {
	return 8 * 2 * min(vectors, atOnce) * int64(v.out) * int64(v.in)
}

// Operations implements [influence.Inverse].
func (v *Inverse) Operations(vectors int64) float64 {
	out, in := float64(v.out), float64(v.in)
	return 4 * float64(vectors) * out * in * (out + in)
}
