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
// With m ≥ n, cost is 2·m·n² operations over all of A, once, and (8/3)·n³
// afterwards, most of which wait for memory; scratch memory is 4·n² numbers, and
// 3·n² for each of up to 16 groups of rows.
//
// Source: A = Q·R by Householder reflections of stacked rows (Golub, Plemmons and
// Sameh, 1988), and R to two diagonals by reflections from both sides (Golub and
// Kahan, 1965). The values of these, with both signs, are the eigenvalues of a
// tridiagonal matrix with zeros on its diagonal and the numbers of both beside it.
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
	b := newBidiagonal(n)
	if a.Rows == n {
		b.load(a, 1/scale)
	} else {
		b.load(triangularize(workers, a, 1/scale), 1)
	}
	beside := b.reduce(workers)
	diagonal := make([]float64, len(beside))
	if err := implicitQL(diagonal, beside, kernel.Matrix[float64]{Rows: 2 * n}); err != nil {
		return err
	}
	slices.Sort(diagonal)
	for i := range values {
		values[i] = max(0, diagonal[2*n-1-i]) * scale
	}
	if math.IsInf(values[0], 0) {
		return ErrRange
	}
	return nil
}
