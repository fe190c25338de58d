package dense

import (
	"math"
	"sync"

	"github.com/infl-dev/infl/internal/kernel"
)

// pivotedSmallRows is the size up to which all of a matrix fits into a first level
// cache, about.
const pivotedSmallRows = 80

// A smallWork is scratch memory of pivotedSmall.
type smallWork struct {
	numbers       [pivotedSmallRows * pivotedSmallRows]float64
	left, factors [pivotedSmallRows]float64
}

var smallWorks = sync.Pool{New: func() any { return new(smallWork) }}

// pivotedSmall is [PivotedCholesky] of a small matrix, with its bits. It works in a
// copy: that finds numbers that are not finite on the way, and its rows are whole
// registers, so that no row has an end to care for. What stands before the diagonal of
// a row means nothing.
func pivotedSmall(a kernel.Matrix[float64], tolerance float64) (order []int, rank int, err error) {
	work := smallWorks.Get().(*smallWork)
	defer smallWorks.Put(work)
	n := a.Rows
	left := work.left[:n]
	u := kernel.Matrix[float64]{Data: work.numbers[:], Rows: n, Cols: n, Stride: roundUp(n, 8)}
	largest := uint64(0)
	for i := range n {
		at := i
		for _, x := range a.Row(i)[:i+1] {
			largest = max(largest, math.Float64bits(x)<<1)
			u.Data[at] = x
			at += u.Stride
		}
		left[i] = u.Data[at-u.Stride]
	}
	if !(math.Float64frombits(largest>>1) <= math.MaxFloat64) {
		return nil, 0, ErrNotFinite
	}
	order = make([]int, n)
	for i := range order {
		order[i] = i
	}
	p := pivoted{a: u, tolerance: tolerance, order: order, left: left, factors: work.factors[:n]}
	p.small()
	for i := range n {
		row, at := a.Row(i), i
		known := row[:min(i+1, p.rank)]
		for j := range known {
			known[j] = u.Data[at]
			at += u.Stride
		}
		clear(row[len(known):])
	}
	return order, p.rank, nil
}

// small computes all rows, as one panel.
func (p *pivoted) small() {
	data, stride := p.a.Data, p.a.Stride
	row, pivot := p.largest()
	for pivot > p.tolerance {
		k := p.rank
		p.swap(row)
		aligned := k &^ 7
		of := data[k*stride:][aligned:stride]
		factors, at := p.factors[:k], k
		for c := range factors {
			factors[c] = data[at]
			at += stride
		}
		kernel.SubtractRowMultiples(data[aligned:], stride, factors, of)
		root := math.Sqrt(pivot)
		p.rank++
		row, pivot = p.rank, math.Inf(-1)
		of = of[k-aligned:]
		of[0] = root
		inverse := 1 / root
		left := p.left[k:]
		of = of[:len(left)]
		for i := 1; i < len(left); i++ {
			x := of[i] * inverse
			of[i] = x
			rest := left[i] - float64(x*x)
			left[i] = rest
			if rest > pivot {
				row, pivot = k+i, rest
			}
		}
	}
}
