package dense

import (
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

// pivotedTinyRows is the size up to which numbers are taken one by one.
const pivotedTinyRows = 17

// pivotedTiny is [PivotedCholesky] of a matrix too small for vectors, with their
// bits. It works in the lower triangle.
func pivotedTiny(a kernel.Matrix[float64], tolerance float64) (order []int, rank int) {
	n, data, stride := a.Rows, a.Data, a.Stride
	order = make([]int, n)
	left := make([]float64, n) // of the diagonal
	for i := range order {
		order[i], left[i] = i, data[i*stride+i]
	}
	for ; rank < n; rank++ {
		next := rank
		for i := rank + 1; i < n; i++ {
			if left[i] > left[next] {
				next = i
			}
		}
		pivot := left[next]
		if !(pivot > tolerance) {
			break
		}
		if next != rank {
			order[rank], order[next] = order[next], order[rank]
			left[next] = left[rank]
			swapLower(a, rank, next)
		}
		root := math.Sqrt(pivot)
		data[rank*stride+rank] = root
		inverse, factors := 1/root, data[rank*stride:][:rank]
		for i := rank + 1; i < n; i++ {
			row := data[i*stride:][:rank+1]
			sum, known := row[rank], row[:len(factors)]
			for k, x := range factors {
				sum = math.FMA(-x, known[k], sum)
			}
			x := sum * inverse
			row[rank] = x
			left[i] -= float64(x * x)
		}
	}
	for i := range n {
		clear(data[i*stride:][:n][min(i+1, rank):])
	}
	return order, rank
}

// swapLower exchanges rows and columns p < q of the symmetric matrix whose lower
// triangle is there, but for their numbers on the diagonal.
func swapLower(a kernel.Matrix[float64], p, q int) {
	data, stride := a.Data, a.Stride
	x, y := data[p*stride:][:p], data[q*stride:][:q]
	for k, v := range x {
		x[k], y[k] = y[k], v
	}
	for i := p + 1; i < q; i++ {
		data[i*stride+p], y[i] = y[i], data[i*stride+p]
	}
	for i := q + 1; i < a.Rows; i++ {
		row := data[i*stride:][:q+1]
		row[p], row[q] = row[q], row[p]
	}
}
