package dense

import (
	"math"
	"sync"

	"github.com/infl-dev/infl/internal/kernel"
)

const (
	// unitRoundoff is half the distance from 1 to the next float64.
	unitRoundoff = 0x1p-53
	// leafRows is the size up to which a tridiagonal problem is not divided.
	leafRows = 32
)

// A tridiagonal is a tridiagonal problem that is solved by divide and conquer.
type tridiagonal struct {
	d, e    []float64
	z       kernel.Matrix[float64] // eigenvectors as rows; halves are blocks on the diagonal
	scratch kernel.Matrix[float64] // as large as z; a block of it belongs to who owns that block of z
	order   []int                  // of the solved parts: order[lo+i] is the row, from lo, of value i in ascending order
	small   float64                // what may be neglected
}

// solveTridiagonal solves the problem with diagonal d and e[i] between rows i and
// i+1. d becomes the eigenvalues and row i of z the eigenvector of d[i], for all
// i in the order that it returns. e and scratch, of the size of z, are used up.
func solveTridiagonal(workers int, d, e []float64, z, scratch kernel.Matrix[float64]) (order []int, err error) {
	t := &tridiagonal{d: d, e: e, z: z, scratch: scratch, order: make([]int, len(d))}
	for i := range d {
		t.small = max(t.small, math.Abs(d[i]), math.Abs(e[i]))
	}
	t.small *= 8 * unitRoundoff
	return t.order, t.solve(workers, 0, len(d))
}

// solve solves the problem of rows [lo, hi).
func (t *tridiagonal) solve(workers, lo, hi int) error {
	if hi-lo <= leafRows {
		z := t.z.Block(lo, lo, hi-lo, hi-lo)
		identity(z)
		if err := implicitQL(t.d[lo:hi], t.e[lo:hi], z); err != nil {
			return err
		}
		sortAscending(t.order[lo:hi], t.d[lo:hi])
		return nil
	}
	mid := lo + (hi-lo)/2
	beta := t.e[mid-1]
	t.d[mid-1] -= math.Abs(beta)
	t.d[mid] -= math.Abs(beta)
	if err := t.solveHalves(workers, lo, mid, hi); err != nil {
		return err
	}
	return newMerge(t, lo, mid, hi, beta).run(workers)
}

// solveHalves solves rows [lo, mid) and [mid, hi), side by side where there are
// workers for it.
func (t *tridiagonal) solveHalves(workers, lo, mid, hi int) error {
	if workers <= 1 {
		if err := t.solve(1, lo, mid); err != nil {
			return err
		}
		return t.solve(1, mid, hi)
	}
	var wg sync.WaitGroup
	var first error
	wg.Go(func() { first = t.solve(workers/2, lo, mid) })
	second := t.solve(workers-workers/2, mid, hi)
	wg.Wait()
	if first != nil {
		return first
	}
	return second
}

// identity makes a square matrix the identity.
func identity(z kernel.Matrix[float64]) {
	for i := range z.Rows {
		clear(z.Row(i))
		z.Row(i)[i] = 1
	}
}
