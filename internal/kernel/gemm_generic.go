package kernel

import (
	"math"
	"unsafe"
)

// addProduct adds to C[i, j] the product of vector i of the left side and vector
// j of the right side: the definition of every product of matrices.
func addProduct[F Float](left, right *side[F], c *Matrix[F]) {
	for i := range left.n {
		row := c.Data[i*c.Stride:][:right.n]
		for j, s := range row {
			a, b := i*left.across, j*right.across
			for range left.k {
				s = fma(left.data[a], right.data[b], s)
				a += left.along
				b += right.along
			}
			row[j] = s
		}
	}
}

// addFew is addProduct without what a function of any type costs.
func addFew(left, right *side[float64], c *Matrix[float64]) {
	for i := range left.n {
		x, row := left.data[i*left.across:], c.Data[i*c.Stride:][:right.n]
		for j, s := range row {
			a := 0
			for _, y := range right.data[j*right.across:][:right.k] {
				s = math.FMA(x[a], y, s)
				a += left.along
			}
			row[j] = s
		}
	}
}

// genericGemm is plain Go: everything is a strip.
func genericGemm[F Float]() gemmKernels[F] {
	const rows, cols = 8, 8
	return gemmKernels[F]{
		tile: func(k int, a, b, c []F, ldc int) {
			stripGeneric(rows, cols, k, a, 1, rows, b, cols, c, ldc)
		},
		strip: stripGeneric[F],
		widen: widenGeneric[F],
		rows:  rows, cols: cols, lanes: 1, blockRows: 64, depth: 256,
	}
}

func stripGeneric[F Float](m, n, k int, a []F, across, along int, b []F, ldb int, c []F, ldc int) {
	addProduct(&side[F]{a, m, k, across, along}, &side[F]{b, n, k, 1, ldb}, &Matrix[F]{c, m, n, ldc})
}

// stripInPlaceGeneric is stripGeneric for numbers that may lie on the stack.
func stripInPlaceGeneric[F Float](m, n, k int, a *F, across, along int, b *F, ldb int, c *F, ldc int) {
	as, bs, cs := unsafe.Slice(a, (m-1)*across+(k-1)*along+1), unsafe.Slice(b, (k-1)*ldb+n), unsafe.Slice(c, (m-1)*ldc+n)
	stripGeneric(m, n, k, as, across, along, bs, ldb, cs, ldc)
}

func widenGeneric[F Float](src []F, dst []float64) {
	for i, v := range src {
		dst[i] += float64(v)
	}
}
