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
// below 20·ε·σ₁·√(2n) in every test. That is better than the roots of the
// eigenvalues of AᵀA, which lose all that lies below √ε·σ₁. Errors: [ErrNotFinite]
// for NaN or ±Inf; [ErrRange] where σ₁ exceeds the range of float64;
// [ErrNotConverged].
//
// The results have the same bits for any number of workers and on any CPU path.
// With m ≥ n, cost is 2·m·n² operations over all of A, once, and (32/3)·n³
// afterwards; scratch memory is 4·n² numbers, and 3·n² for each of up to 16 groups
// of rows.
//
// Source: A = Q·R by Householder reflections of stacked rows (Golub, Plemmons and
// Sameh, 1988); then the values of R, with both signs, are the eigenvalues of
// the symmetric matrix with R and Rᵀ beside a zero diagonal (Jordan; Golub and
// Kahan, 1965). LAPACK reduces R to two diagonals instead, with a quarter of the
// operations; the larger problem needs no other algorithm than ours.
func SingularValues(workers int, a kernel.Matrix[float64], values []float64) error {
	n := min(a.Rows, a.Cols)
	if len(values) != n {
		panic("dense: SingularValues needs a value for each row or column")
	}
	largest, err := largestOf(a)
	if err != nil || n == 0 {
		return err
	}
	workers = parallel.Workers(workers)
	if a.Rows < a.Cols {
		upright := kernel.NewMatrix[float64](a.Cols, a.Rows)
		transpose(upright, a)
		a = upright
	}
	scale := powerOfTwo(largest)
	both := kernel.NewMatrix[float64](2*n, 2*n)
	r := triangularize(workers, a, 1/scale)
	for j := range n {
		copy(both.Row(n + j)[:j+1], r.Row(j))
	}
	t, free := newReduction(both, 1)
	defer free()
	t.reduce(workers)
	if err := implicitQL(t.d, t.e, kernel.Matrix[float64]{Rows: 2 * n}); err != nil {
		return err
	}
	slices.Sort(t.d)
	for i := range values {
		values[i] = max(0, t.d[2*n-1-i]) * scale
	}
	if math.IsInf(values[0], 0) {
		return ErrRange
	}
	return nil
}
