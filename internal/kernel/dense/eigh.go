package dense

import (
	"math"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// Eigh computes the eigenvalues and eigenvectors of a symmetric matrix A of n × n
// numbers,
//
//	A·vectorᵢ = valueᵢ·vectorᵢ
//
// It reads the lower triangle of a (column ≤ row) and overwrites all of a: row i
// becomes the eigenvector of values[i], of length 1. Values ascend. Eigenvectors
// of equal eigenvalues are any orthonormal basis of their space.
//
// Errors: [ErrNotFinite] for NaN or ±Inf in the lower triangle, which leaves a as
// it was; [ErrRange] where an eigenvalue exceeds the range of float64;
// [ErrNotConverged]. Any finite scale is handled: A is scaled by a power of two.
// values of a length other than n, or a that is not square, are a panic.
//
// The error is that of a backward stable method: with Λ and Q the results,
// ‖A·Q − Q·Λ‖₂/‖A‖₂ and ‖Qᵀ·Q − I‖₂ stay below 20·ε·√n in every test. Eigenvalues
// much smaller than the largest have an absolute, not a relative accuracy.
//
// The results have the same bits for any number of workers and on any CPU path.
// Cost: (4/3)·n³ operations for the reduction, of which half wait for memory, up
// to (4/3)·n³ for divide and conquer, and 2·n³ for the eigenvectors; 16·n² bytes
// of scratch memory beside a.
//
// Source: Dongarra, Sorensen, Hammarling (1989) for the blocked reduction, Cuppen
// (1981) and Gu and Eisenstat (1995) for divide and conquer, Schreiber and Van
// Loan (1989) for the blocked reflectors. The structure is that of LAPACK's
// dsyevd. We differ in that the whole matrix has one deflation tolerance,
// relative to its largest tridiagonal entry, and that eigenvectors are rows.
func Eigh(workers int, a kernel.Matrix[float64], values []float64) error {
	return EighLargest(workers, a, values, a.Rows)
}

// EighLargest is [Eigh] where only the eigenvectors of the k largest eigenvalues are
// wanted: values and the last k rows of a have the same bits, and what the other rows
// hold has no meaning. Cost: 2·n²·k operations for the eigenvectors instead of 2·n³.
func EighLargest(workers int, a kernel.Matrix[float64], values []float64, k int) error {
	n := a.Rows
	if a.Cols != n || len(values) != n || k < 0 || k > n {
		panic("dense: Eigh needs a square matrix, a value per row, and no more vectors than rows")
	}
	largest, err := largestOfLower(a)
	if err != nil || n == 0 {
		return err
	}
	if n == 1 {
		values[0], a.Data[0] = a.Data[0], 1
		return nil
	}
	scale := powerOfTwo(largest)
	switch {
	case n == 2:
		err = eighTwo(a, values, 1/scale)
	case n <= smallRows:
		err = eighSmall(a, values, 1/scale)
	default:
		err = eighLarge(workers, a, values, 1/scale, k)
	}
	if err != nil {
		return err
	}
	return unscale(values, values, scale)
}

// EighValues computes the eigenvalues that [Eigh] does, without eigenvectors: up
// to rounding the same ones. a is only read. Cost: (4/3)·n³ operations, of which
// half wait for memory, and 8·n² bytes of scratch memory.
func EighValues(workers int, a kernel.Matrix[float64], values []float64) error {
	n := a.Rows
	if a.Cols != n || len(values) != n {
		panic("dense: EighValues needs a square matrix and a value per row")
	}
	largest, err := largestOfLower(a)
	if err != nil || n == 0 {
		return err
	}
	scale := powerOfTwo(largest)
	if n <= smallRows {
		if err := eighValuesSmall(a, values, 1/scale); err != nil {
			return err
		}
		return unscale(values, values, scale)
	}
	t, free := newReduction(a, 1/scale)
	defer free()
	t.reduce(parallel.Workers(workers))
	if err := rationalQL(t.d, t.e); err != nil {
		return err
	}
	return unscale(values, t.d, scale)
}

// unscale writes x·scale to values, which ascend.
func unscale(values, x []float64, scale float64) error {
	for i := range values {
		values[i] = x[i] * scale
	}
	if math.IsInf(values[0], 0) || math.IsInf(values[len(values)-1], 0) {
		return ErrRange
	}
	return nil
}

// eighLarge is [EighLargest] of a·scale in blocks.
func eighLarge(workers int, a kernel.Matrix[float64], values []float64, scale float64, k int) error {
	n := a.Rows
	workers = parallel.Workers(workers)
	t, free := newReduction(a, scale)
	defer free()
	t.reduce(workers)
	z, freeZ := pages(n * n)
	defer freeZ()
	vectors := kernel.MatrixOf(z, n, n)
	order, err := solveTridiagonal(workers, t.d, t.e, vectors, a)
	if err != nil {
		return err
	}
	wanted := a.Block(n-k, 0, k, n)
	eachRow(workers, k, func(i int) { copy(wanted.Row(i), vectors.Row(order[n-k+i])) })
	t.backTransform(workers, wanted, vectors)
	for i, o := range order {
		values[i] = t.d[o]
	}
	return nil
}

// largestOfLower returns the largest absolute value of a lower triangle.
func largestOfLower(a kernel.Matrix[float64]) (float64, error) {
	return largestAbsolute(a.Rows, func(i int) []float64 { return a.Row(i)[:i+1] })
}

// largestOf returns the largest absolute value of a matrix.
func largestOf(a kernel.Matrix[float64]) (float64, error) { return largestAbsolute(a.Rows, a.Row) }

// largestAbsolute returns the largest absolute value of some rows. The bits of
// absolute values are in their order, and those of infinities and NaN come last.
func largestAbsolute(rows int, row func(i int) []float64) (float64, error) {
	largest := uint64(0)
	for i := range rows {
		for _, x := range row(i) {
			largest = max(largest, math.Float64bits(x)<<1)
		}
	}
	x := math.Float64frombits(largest >> 1)
	if !(x <= math.MaxFloat64) {
		return 0, ErrNotFinite
	}
	return x, nil
}

// powerOfTwo returns the power of two with which x becomes a number in [½, 1),
// as far as its inverse has one too, and 1 for 0.
func powerOfTwo(x float64) float64 {
	if x == 0 {
		return 1
	}
	_, exponent := math.Frexp(x)
	return math.Ldexp(1, max(-1021, min(1021, exponent)))
}
