package dense

import (
	"math"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// PivotedCholesky factors a symmetric positive semidefinite matrix A of n × n
// numbers as far as its rank goes:
//
//	A[order[i], order[j]] ≈ Σ L[i, k]·L[j, k]     over k < rank
//
// It reads the lower triangle of a (column ≤ row) and overwrites a with L, whose
// columns from rank on and whose numbers above the diagonal are zero. Each pivot
// is the largest number left on the diagonal, the first of equals; so the diagonal
// of L does not increase.
//
// The factorisation ends at the first pivot that is not above tolerance, an
// absolute number in the units of A; below zero it stands for n·ε·max A[i, i]. What
// is then left of a positive semidefinite A has no number above it. A negative
// pivot, which only another matrix has, ends the factorisation as a small one does.
//
// The error is [ErrNotFinite] for NaN or ±Inf in the lower triangle, which leaves
// a as it was. A matrix that is not square is a panic.
//
// The results have the same bits for any number of workers and on any CPU path.
// Cost: n²·rank operations.
//
// Source: Higham (1990), blocked as in LAPACK's dpstrf.
func PivotedCholesky(workers int, a kernel.Matrix[float64], tolerance float64) (order []int, rank int, err error) {
	n := a.Rows
	if a.Cols != n {
		panic("dense: PivotedCholesky needs a square matrix")
	}
	if _, err := largestOfLower(a); err != nil {
		return nil, 0, err
	}
	if tolerance < 0 {
		tolerance = 0
		for i := range n {
			tolerance = max(tolerance, float64(n)*0x1p-52*a.At(i, i))
		}
	}
	if n < sharedRows {
		workers = 1
	} else {
		workers = parallel.Workers(workers)
	}
	p := newPivoted(a, tolerance)
	for more := true; more && p.rank < n; {
		first := p.rank
		more = p.panel()
		if end := p.rank; more && end < n {
			subtractSquare(workers, a.Block(end, first, n-end, end-first), a.Block(end, end, n-end, n-end))
		}
	}
	for i := range n {
		clear(a.Row(i)[min(i+1, p.rank):])
	}
	return p.order, p.rank, nil
}

// pivotedColumns is how many columns are factored before the rest of the matrix
// learns of them.
const pivotedColumns = 64

// A pivoted is a factorisation under way.
type pivoted struct {
	a         kernel.Matrix[float64]
	tolerance float64
	order     []int
	rank      int
	left      []float64 // of the diagonal, without what the panel takes from it
}

func newPivoted(a kernel.Matrix[float64], tolerance float64) *pivoted {
	n := a.Rows
	p := &pivoted{a: a, tolerance: tolerance, order: make([]int, n), left: make([]float64, n)}
	for i := range p.order {
		p.order[i] = i
	}
	return p
}

// panel factors the next columns and reports whether all of them had a pivot.
func (p *pivoted) panel() bool {
	first := p.rank
	count := min(pivotedColumns, p.a.Rows-first)
	for i := first; i < p.a.Rows; i++ {
		p.left[i] = p.a.At(i, i)
	}
	for range count {
		row, left := p.largest()
		if !(left > p.tolerance) {
			break
		}
		p.swap(first, row)
		p.column(first, math.Sqrt(left))
		p.rank++
	}
	return p.rank == first+count
}

// largest returns the row of the next pivot and the pivot.
func (p *pivoted) largest() (row int, left float64) {
	left = math.Inf(-1)
	for i, x := range p.left[p.rank:] {
		if x > left {
			row, left = p.rank+i, x
		}
	}
	return row, left
}

// swap exchanges a row and column of the symmetric matrix with the next ones, of
// which the lower triangle is there, in a panel that begins at first.
func (p *pivoted) swap(first, row int) {
	next := p.rank
	if row == next {
		return
	}
	a, data, stride := p.a, p.a.Data, p.a.Stride
	p.order[next], p.order[row] = p.order[row], p.order[next]
	p.left[next], p.left[row] = p.left[row], p.left[next]
	for k := first; k < next; k++ {
		u := data[k*stride:]
		u[next], u[row] = u[row], u[next]
	}
	x, y := a.Row(next), a.Row(row)
	for j := range next {
		x[j], y[j] = y[j], x[j]
	}
	x[next], y[row] = y[row], x[next]
	for i := next + 1; i < row; i++ {
		data[i*stride+next], y[i] = y[i], data[i*stride+next]
	}
	for i := row + 1; i < a.Rows; i++ {
		z := data[i*stride:]
		z[next], z[row] = z[row], z[next]
	}
}

// column computes the next column of a panel that begins at first; its pivot has
// the given root. Like [choleskySmall] it works along a row of Lᵀ above the
// diagonal.
func (p *pivoted) column(first int, root float64) {
	k, data, stride := p.rank, p.a.Data, p.a.Stride
	row, left := data[k*stride:][k:p.a.Rows], p.left[k:p.a.Rows]
	for i := range row {
		row[i] = data[(k+i)*stride+k]
	}
	kernel.SubtractRowMultiples(data[first*stride+k:], stride, data[k*stride:][first:k], row)
	row[0] = root
	inverse := 1 / root
	for i := 1; i < len(row); i++ {
		x := row[i] * inverse
		row[i] = x
		left[i] -= float64(x * x)
		data[(k+i)*stride+k] = x
	}
}
