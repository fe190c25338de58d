package kernel

//go:generate go -C _gen run . -family panel -out ../panel_amd64.s -stubs ../panel_stubs_amd64.go -pkg kernel

// DotRows computes the dot products of a vector with rows of a matrix; row r is
// a[r·stride:], as long as x:
//
//	out[r] = Σ a[r, j]·x[j]
//
// for each r below len(out). A dot product has eight lanes: lane l is the chain
// of fused multiply-adds over j = l, l+8, l+16 …, from zero. The lanes are summed
// as ((0+4) + (2+6)) + ((1+5) + (3+7)). The length of x is a multiple of 8.
func DotRows(a []float64, stride int, x, out []float64) {
	if len(x)%8 != 0 {
		panic("kernel: a row that is no multiple of 8 long")
	}
	mustFitPanel(a, stride, len(x), len(out))
	if !dotRowsVector(a, stride, x, out) {
		dotRowsGeneric(a, stride, x, out)
	}
}

// AddRowMultiples adds multiples of the rows of a matrix to a vector; row r is
// a[r·stride:], as long as y:
//
//	y[j] += Σ c[r]·a[r, j]
//
// over r below len(c). Each y[j] is the sum of two chains of fused multiply-adds, so
// that narrow panels wait less: even rows in order, from y[j], and odd rows in order,
// from zero. No rows leave y as it is.
func AddRowMultiples(a []float64, stride int, c, y []float64) {
	mustFitPanel(a, stride, len(y), len(c))
	if len(c) > 0 && len(y) > 0 && !addRowMultiplesVector(len(y), len(c), &a[0], stride, &c[0], &y[0]) {
		addRowMultiplesGeneric(a, stride, c, y)
	}
}

// SubtractRowMultiples is [AddRowMultiples] with the negative of each factor,
//
//	y[j] −= Σ c[r]·a[r, j]
//
// but in one chain of all rows in order, which goes on where another call left it.
func SubtractRowMultiples(a []float64, stride int, c, y []float64) {
	mustFitPanel(a, stride, len(y), len(c))
	if len(c) > 0 && len(y) > 0 && !subtractRowMultiplesVector(len(y), len(c), &a[0], stride, &c[0], &y[0]) {
		subtractRowMultiplesGeneric(a, stride, c, y)
	}
}

// Rotate turns two vectors of one length into each other:
//
//	x[i], y[i] = c·x[i] + s·y[i], c·y[i] − s·x[i]
//
// Each product is rounded before they are added.
func Rotate(x, y []float64, c, s float64) {
	y = y[:len(x):len(y)] // no further than its length
	if len(x) >= 8 {
		done := rotateVector(x, y, c, s)
		x, y = x[done:], y[done:]
	}
	rotateGeneric(x, y, c, s)
}

// mustFitPanel panics where rows of a panel end beyond a: the vector forms do not
// look.
func mustFitPanel(a []float64, stride, length, rows int) {
	if rows > 0 && length > 0 && (stride < 0 || (rows-1)*stride+length > len(a)) {
		panic("kernel: a panel longer than its numbers")
	}
}
