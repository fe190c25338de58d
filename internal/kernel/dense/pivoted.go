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
// Cost: n²·rank operations and 64·n numbers of scratch memory.
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
	workers = parallel.Workers(workers)
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
	columns   kernel.Matrix[float64] // the panel's columns as rows
	squares   []float64              // what these take from the diagonal
}

func newPivoted(a kernel.Matrix[float64], tolerance float64) *pivoted {
	n := a.Rows
	p := &pivoted{
		a: a, tolerance: tolerance, order: make([]int, n), squares: make([]float64, n),
		columns: kernel.NewMatrix[float64](min(n, pivotedColumns), roundUp(n, 8)),
	}
	for i := range p.order {
		p.order[i] = i
	}
	return p
}

// panel factors the next columns and reports whether all of them had a pivot.
func (p *pivoted) panel() bool {
	first := p.rank
	count := min(pivotedColumns, p.a.Rows-first)
	clear(p.squares)
	for k := range count {
		row, left := p.largest()
		if !(left > p.tolerance) {
			break
		}
		p.swap(first, row)
		p.column(first, k, math.Sqrt(left))
		p.rank++
	}
	for i := first; i < p.a.Rows; i++ {
		row := p.a.Row(i)[first:]
		for k := range min(p.rank-first, i-first+1) {
			row[k] = p.columns.At(k, i)
		}
	}
	return p.rank == first+count
}

// largest returns the row of the next pivot and the pivot.
func (p *pivoted) largest() (row int, left float64) {
	left = math.Inf(-1)
	for i := p.rank; i < p.a.Rows; i++ {
		if x := p.a.At(i, i) - p.squares[i]; x > left {
			row, left = i, x
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
	p.squares[next], p.squares[row] = p.squares[row], p.squares[next]
	for k := range next - first {
		c := p.columns.Row(k)
		c[next], c[row] = c[row], c[next]
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

// column computes column k of a panel, whose pivot has the given root.
func (p *pivoted) column(first, k int, root float64) {
	j, n := first+k, p.a.Rows
	column := p.columns.Row(k)
	clear(column[:j])
	for i := j; i < n; i++ {
		column[i] = p.a.Data[i*p.a.Stride+j]
	}
	from := j / 8 * 8
	known := p.columns.Block(0, from, k, p.columns.Cols-from)
	var factors [pivotedColumns]float64
	for c := range k {
		factors[c] = -p.columns.At(c, j)
	}
	kernel.AddRowMultiples(known.Data, known.Stride, factors[:k], column[from:])
	column[j] = root
	for i := j + 1; i < n; i++ {
		column[i] /= root
		p.squares[i] += float64(column[i] * column[i])
	}
}
