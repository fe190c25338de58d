package kernel

//go:generate go -C _gen run . -family symv -out ../symv_amd64.s -stubs ../symv_stubs_amd64.go -pkg kernel

// SymvBlock is the number of rows and columns in a diagonal block of the
// triangle that [SymvLower] reads.
const SymvBlock = 8

// SymvLower adds what rows [lo, hi) of a lower triangle contribute to the
// product of its symmetric matrix and a vector. Row i of the matrix is
// a[i·stride:], and columns below from count as zeros:
//
//	y[j] += a[i, j]·x[i]     for from ≤ j < 8⌊i/8⌋
//	y[i] += Σ a[i, j]·x[j]   over from ≤ j < 8⌊i/8⌋ + 8
//
// The 8 × 8 blocks on the diagonal are read whole, everything else to their
// right not at all; so one pass over half of the matrix gives the product. The
// vectors are indexed like the columns. from, lo and hi are multiples of 8, with
// from ≤ lo.
//
// y[j] is one chain of fused multiply-adds in the order of the rows; the sum of
// row i is a [DotRows] and is added to y[i] before any later row is.
func SymvLower(a []float64, stride, from, lo, hi int, x, y []float64) {
	if (from|lo|hi)%SymvBlock != 0 || from < 0 || from > lo {
		panic("kernel: rows of a triangle that are no blocks")
	}
	if lo >= hi {
		return
	}
	_, _, _ = a[(hi-1)*stride+hi-1], x[hi-1], y[hi-1]
	for i := lo; i < hi; i += SymvBlock {
		if !symvRowsVector(a, stride, from, i, x, y) {
			symvRowsGeneric(a, stride, from, i, x, y)
		}
	}
}
