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
	if tolerance < 0 {
		tolerance = 0
		for i := range n {
			tolerance = max(tolerance, float64(n)*0x1p-52*a.Data[i*a.Stride+i])
		}
	}
	if n > pivotedTinyRows && n <= pivotedSmallRows {
		return pivotedSmall(a, tolerance)
	}
	if _, err := largestOfLower(a); err != nil {
		return nil, 0, err
	}
	if n <= pivotedTinyRows {
		order, rank = pivotedTiny(a, tolerance)
		return order, rank, nil
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
		if more && p.rank < n {
			p.update(workers, first)
		}
	}
	for i := range n {
		row, at := a.Row(i), i
		for j := range row[:min(i, p.rank)] {
			row[j] = a.Data[at]
			at += a.Stride
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

// A pivoted is a factorisation under way. It computes Lᵀ above the diagonal, whose
// rows lie along memory.
type pivoted struct {
	a         kernel.Matrix[float64]
	tolerance float64
	order     []int
	rank      int
	left      []float64 // of the diagonal, without what the panel takes from it
	factors   []float64 // of the rows of the panel
}

// newPivoted copies the lower triangle above the diagonal.
func newPivoted(a kernel.Matrix[float64], tolerance float64) pivoted {
	n := a.Rows
	work := make([]float64, n+min(n, pivotedColumns))
	p := pivoted{a: a, tolerance: tolerance, order: make([]int, n), left: work[:n], factors: work[n:]}
	for i := range p.order {
		p.order[i] = i
		at := i
		for _, x := range a.Row(i)[:i] {
			a.Data[at] = x
			at += a.Stride
		}
	}
	return p
}

// panel computes the next rows and reports whether all of them had a pivot.
func (p *pivoted) panel() bool {
	first := p.rank
	count := min(pivotedColumns, p.a.Rows-first)
	for i := first; i < p.a.Rows; i++ {
		p.left[i] = p.a.Data[i*p.a.Stride+i]
	}
	for range count {
		row, left := p.largest()
		if !(left > p.tolerance) {
			break
		}
		p.swap(row)
		p.next(first, math.Sqrt(left))
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

// swap exchanges a row and column of the symmetric matrix, of which the upper
// triangle is there, with the next ones.
func (p *pivoted) swap(row int) {
	next := p.rank
	if row == next {
		return
	}
	data, stride := p.a.Data, p.a.Stride
	p.order[next], p.order[row] = p.order[row], p.order[next]
	p.left[next], p.left[row] = p.left[row], p.left[next]
	at, apart := next, row-next
	for range next {
		data[at], data[at+apart] = data[at+apart], data[at]
		at += stride
	}
	x, y := p.a.Row(next), p.a.Row(row)
	x[next], y[row] = y[row], x[next]
	at = next*stride + row
	between := x[next+1 : row]
	for i, v := range between {
		at += stride
		between[i], data[at] = data[at], v
	}
	x, y = x[row+1:], y[row+1:]
	for i, v := range x {
		x[i], y[i] = y[i], v
	}
}

// next computes the next row of a panel that begins at first; its pivot has the
// given root.
func (p *pivoted) next(first int, root float64) {
	k, data, stride := p.rank, p.a.Data, p.a.Stride
	row := data[k*stride:][k:p.a.Rows]
	left := p.left[k:][:len(row)]
	if k > first {
		factors, at := p.factors[:k-first], first*stride+k
		for c := range factors {
			factors[c] = data[at]
			at += stride
		}
		kernel.SubtractRowMultiples(data[first*stride+k:], stride, factors, row)
	}
	row[0] = root
	inverse := 1 / root
	for i := 1; i < len(row); i++ {
		x := row[i] * inverse
		row[i] = x
		left[i] -= float64(x * x)
	}
}

// update subtracts what the panel that begins at first explains from the rest.
func (p pivoted) update(workers, first int) {
	rest, count := p.a.Rows-p.rank, p.rank-first
	each(workers, (rest+squareRows-1)/squareRows, func(b int) {
		lo := p.rank + b*squareRows
		rows, columns := min(squareRows, p.a.Rows-lo), p.a.Rows-lo
		negative := kernel.NewMatrix[float64](count, rows)
		for k := range count {
			negate(negative.Row(k), p.a.Row(first + k)[lo:][:rows])
		}
		kernel.GemmTN(1, negative, p.a.Block(first, lo, count, columns), p.a.Block(lo, lo, rows, columns))
	})
}
