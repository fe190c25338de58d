package dense

import (
	"math"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// Cholesky factors a symmetric positive definite matrix of n × n numbers:
//
//	A = L·Lᵀ
//
// with L lower triangular and positive on its diagonal. It reads the lower
// triangle of a (column ≤ row) and overwrites it with L; above the diagonal a
// becomes zero.
//
// The error is a [*NotPositiveError] that names the first pivot which is not
// positive, NaN included; a is of no use then. Infinities elsewhere in a, which
// no positive definite matrix has, become NaN in L. A matrix that is not square is
// a panic.
//
// The results have the same bits for any number of workers and on any CPU path.
// Cost: n³/3 operations and a scratch memory of 256·n numbers for each worker.
// The factorisation is backward stable: ‖A − L·Lᵀ‖ ≤ c·n·ε·‖A‖ (Higham, Accuracy
// and Stability of Numerical Algorithms, theorem 10.3).
//
// Source: recursive blocks as in LAPACK's dpotrf2, so that most of the work is
// large products.
func Cholesky(workers int, a kernel.Matrix[float64]) error {
	n := a.Rows
	if a.Cols != n {
		panic("dense: Cholesky needs a square matrix")
	}
	if n <= choleskyTinyRows {
		return choleskyTiny(a)
	}
	if n < sharedRows {
		workers = 1
	} else {
		workers = parallel.Workers(workers)
	}
	if err := cholesky(workers, a); err != nil {
		return err
	}
	for i := range n {
		clear(a.Row(i)[i+1:])
	}
	return nil
}

// choleskyTiny is [Cholesky] of a matrix too small for vectors, with their bits.
func choleskyTiny(a kernel.Matrix[float64]) error {
	n := a.Rows
	if n == 1 && a.Data[0] > 0 {
		a.Data[0] = math.Sqrt(a.Data[0])
		return nil
	}
	var inverse [choleskyTinyRows]float64
	for i := range n {
		row := a.Data[i*a.Stride:][:n]
		pivot := row[i]
		for j := range i {
			known := row[:j]
			above := a.Data[j*a.Stride:][:len(known)]
			sum := row[j]
			for k, x := range known {
				sum = math.FMA(-x, above[k], sum)
			}
			x := sum * inverse[j]
			row[j] = x
			pivot = math.FMA(-x, x, pivot)
		}
		if !(pivot > 0) {
			return &NotPositiveError{Pivot: i, Value: pivot}
		}
		row[i] = math.Sqrt(pivot)
		inverse[i] = 1 / row[i]
		for j := i + 1; j < n; j++ {
			row[j] = 0
		}
	}
	return nil
}

const (
	// choleskyTinyRows is the size up to which numbers are taken one by one.
	choleskyTinyRows = 12
	// choleskyRows is the size up to which a matrix is not divided.
	choleskyRows = 96
	// sharedRows is the size from which more workers than one are worth their start.
	sharedRows = 192
)

// cholesky factors the halves of the diagonal, with a solve and a product
// between them. What it leaves above the diagonal is of no use.
func cholesky(workers int, a kernel.Matrix[float64]) error {
	n := a.Rows
	if n <= choleskyRows {
		return choleskySmall(a)
	}
	half := roundUp(n/2, 8)
	first, corner, second := a.Block(0, 0, half, half), a.Block(half, 0, n-half, half), a.Block(half, half, n-half, n-half)
	if err := cholesky(workers, first); err != nil {
		return err
	}
	// X·L₁ᵀ = A₂₁; the diagonal of L₁ is positive.
	_ = SolveRight(workers, Triangular{Matrix: first, Transposed: true}, corner)
	subtractSquare(workers, corner, second)
	if err := cholesky(workers, second); err != nil {
		e := err.(*NotPositiveError)
		e.Pivot += half
		return e
	}
	return nil
}

// choleskySmall copies the lower triangle above the diagonal, computes the rows of
// Lᵀ there, where they lie along memory, and copies each to its column of L.
func choleskySmall(a kernel.Matrix[float64]) error {
	n, data, stride := a.Rows, a.Data, a.Stride
	for i := range n {
		at := i
		for _, x := range data[i*stride:][:i] {
			data[at] = x
			at += stride
		}
	}
	for k := range n {
		row := data[k*stride:][k:n]
		kernel.SubtractRowMultiples(data[k:], stride, data[k*stride:][:k], row)
		if !(row[0] > 0) {
			return &NotPositiveError{Pivot: k, Value: row[0]}
		}
		root := math.Sqrt(row[0])
		row[0] = root
		inverse, at := 1/root, k*stride+k
		for i := 1; i < len(row); i++ {
			x := row[i] * inverse
			row[i] = x
			at += stride
			data[at] = x
		}
	}
	return nil
}

const (
	// squareRows is the size of the blocks on the diagonal of a product, which are
	// computed whole.
	squareRows = 128
	// negatedRows is how many rows of a factor are negated at a time.
	negatedRows = 256
)

// subtractSquare subtracts A·Aᵀ from the lower triangle of c, and something from
// numbers beside its diagonal.
func subtractSquare(workers int, a, c kernel.Matrix[float64]) {
	n := a.Rows
	each(workers, (n+squareRows-1)/squareRows, func(b int) {
		lo := b * squareRows
		count := min(squareRows, n-lo)
		subtractProduct(1, a.Block(lo, 0, count, a.Cols), a.Block(lo, 0, count, a.Cols), c.Block(lo, lo, count, count))
	})
	subtractBelow(workers, a, c)
}

// subtractBelow does that below the blocks of the diagonal.
func subtractBelow(workers int, a, c kernel.Matrix[float64]) {
	n := a.Rows
	if n <= squareRows {
		return
	}
	half := roundUp(n/2, squareRows)
	if half == n {
		half -= squareRows
	}
	top, bottom := a.Block(0, 0, half, a.Cols), a.Block(half, 0, n-half, a.Cols)
	subtractBelow(workers, top, c.Block(0, 0, half, half))
	subtractBelow(workers, bottom, c.Block(half, half, n-half, n-half))
	subtractProduct(workers, bottom, top, c.Block(half, 0, n-half, half))
}

// subtractProduct subtracts A·Bᵀ from c.
func subtractProduct(workers int, a, b, c kernel.Matrix[float64]) {
	negative := kernel.NewMatrix[float64](min(a.Rows, negatedRows*workers), a.Cols)
	for lo := 0; lo < a.Rows; lo += negative.Rows {
		part := negative.Block(0, 0, min(negative.Rows, a.Rows-lo), a.Cols)
		for i := range part.Rows {
			negate(part.Row(i), a.Row(lo+i))
		}
		kernel.GemmNT(workers, part, b, c.Block(lo, 0, part.Rows, c.Cols))
	}
}
