package dense

import (
	"math"
	"slices"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// SingularValues returns the singular values of a matrix A of m × n numbers, the
// square roots of the eigenvalues of Aᵀ·A, in descending order. values has the
// length min(m, n); another length is a panic. a is only read.
//
// Values much smaller than the largest σ₁ have an absolute accuracy: every error is
// below 20·ε·σ₁·√n in every test. That is better than the roots of the
// eigenvalues of AᵀA, which lose all that lies below √ε·σ₁. Errors: [ErrNotFinite]
// for NaN or ±Inf; [ErrRange] where σ₁ exceeds the range of float64;
// [ErrNotConverged].
//
// The results have the same bits for any number of workers and on any CPU path.
// With m ≥ n, cost is 2·m·n² operations over all of A, once, and (8/3)·n³
// afterwards, most of which wait for memory; scratch memory is 4·n² numbers, and
// 3·n² for each of up to 16 groups of rows.
//
// Source: A = Q·R by Householder reflections of stacked rows (Golub, Plemmons and
// Sameh, 1988), and R to two diagonals by reflections from both sides (Golub and
// Kahan, 1965), whose singular values qd.go finds, each to its own last digits: what
// is lost is lost on the way to them.
func SingularValues(workers int, a kernel.Matrix[float64], values []float64) error {
	n := min(a.Rows, a.Cols)
	if len(values) != n {
		panic("dense: SingularValues needs a value for each row or column")
	}
	largest, err := largestOf(a)
	if err != nil || n == 0 {
		return err
	}
	if a.Rows == a.Cols && n <= 2 {
		return singularTiny(a, values, largest)
	}
	workers = parallel.Workers(workers)
	if a.Rows < a.Cols {
		upright := kernel.NewMatrix[float64](a.Cols, a.Rows)
		transpose(upright, a)
		a = upright
	}
	scale := powerOfTwo(largest)
	b := newBidiagonal(n)
	if a.Rows == n {
		b.load(a, 1/scale)
	} else {
		b.load(triangularize(workers, a, 1/scale), 1)
	}
	if err := newQuotients(b.reduce(workers)).eigenvalues(values); err != nil {
		return err
	}
	slices.Sort(values)
	slices.Reverse(values)
	for i, square := range values {
		values[i] = math.Sqrt(square)
	}
	return unscale(values, values, scale)
}

// singularTiny is [SingularValues] of one number or of
//
//	p q
//	r s
//
// which is a sum of multiples of a rotation and a reflection: their factors are half
// the sum and half the difference of the singular values.
func singularTiny(a kernel.Matrix[float64], values []float64, largest float64) error {
	if a.Rows == 1 {
		values[0] = largest
		return nil
	}
	scale := powerOfTwo(largest)
	half := 0.5 / scale
	p, q, r, s := a.At(0, 0)*half, a.At(0, 1)*half, a.At(1, 0)*half, a.At(1, 1)*half
	rotation, reflection := hypotenuse(p+s, r-q), hypotenuse(p-s, r+q)
	values[0], values[1] = rotation+reflection, math.Abs(rotation-reflection)
	return unscale(values, values, scale)
}
