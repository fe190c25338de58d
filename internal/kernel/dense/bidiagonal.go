package dense

import "github.com/infl-dev/infl/internal/kernel"

// A bidiagonal is a square matrix that loses row after row and column after
// column to reflections from the right and from the left.
type bidiagonal struct {
	n      int
	a      kernel.Matrix[float64] // rows are padded with zeros to a multiple of 8
	pair   kernel.Matrix[float64] // v, the reflection from the right, and u·A, u being that from the left
	u, av  []float64              // u, and A·v, or −τᵥ·A·v
	tauU   float64                // the factor of u
	column []float64              // the column that u reflects
	parts  kernel.Matrix[float64] // what sections of rows add to u·A
}

// newBidiagonal returns a matrix of n × n zeros.
func newBidiagonal(n int) *bidiagonal {
	width, sections := roundUp(n, 8), (n+sectionRows-1)/sectionRows
	memory := kernel.NewMatrix[float64](n+5+sections, width)
	return &bidiagonal{
		n: n, a: memory.Block(0, 0, n, width), pair: memory.Block(n, 0, 2, width),
		u: memory.Row(n + 2), av: memory.Row(n + 3), column: memory.Row(n + 4),
		parts: memory.Block(n+5, 0, sections, width),
	}
}

// load copies a square matrix, times scale.
func (b *bidiagonal) load(a kernel.Matrix[float64], scale float64) {
	for i := range b.n {
		row := b.a.Row(i)
		for j, x := range a.Row(i) {
			row[j] = x * scale
		}
	}
}

// reduce reduces the matrix to a diagonal and what is right of it, whose last number
// is zero.
func (b *bidiagonal) reduce(workers int) (diagonal, beside []float64) {
	numbers := make([]float64, 2*b.n)
	diagonal, beside = numbers[:b.n], numbers[b.n:]
	for k := range b.n {
		diagonal[k], beside[k] = b.step(workers, k)
	}
	return diagonal, beside
}

// step reduces row k and then column k below row k+1. Both reflections reach the
// rest of the matrix in one pass:
//
//	A − τᵥ·(A·v)·vᵀ − τᵤ·u·wᵀ     w = uᵀ·A − τᵥ·(uᵀ·A·v)·v
func (b *bidiagonal) step(workers, k int) (d, e float64) {
	n, from := b.n, k/8*8
	v, w, rows := b.pair.Row(0), b.pair.Row(1), n-k-1
	clear(v)
	d, tauV := reflect(b.a.Row(k)[k:n], v[k:n], v[from:])
	if rows == 0 {
		return d, 0
	}
	b.sections(workers, k, (*bidiagonal).multiplyV)
	av, column := b.av[:rows], b.column[:rows]
	for i := range column {
		av[i] *= -tauV
		column[i] = b.a.Data[(k+1+i)*b.a.Stride+k] + float64(av[i]*v[k])
	}
	clear(b.u)
	e, b.tauU = reflect(column, b.u[:rows], b.u)
	clear(w)
	b.sections(workers, k, (*bidiagonal).multiplyU)
	for s := range (rows + sectionRows - 1) / sectionRows {
		for i, x := range b.parts.Row(s)[from:] {
			w[from+i] += x
		}
	}
	b.sections(workers, k, (*bidiagonal).reflectRows)
	return d, e
}

// sections calls f for each section of the rows after k: its number, its first row
// counted from k+1, and its rows.
func (b *bidiagonal) sections(workers, k int, f func(b *bidiagonal, k, s, lo, count int)) {
	rows := b.n - k - 1
	if rows <= sectionRows {
		f(b, k, 0, 0, rows)
		return
	}
	each(workers, (rows+sectionRows-1)/sectionRows, func(s int) {
		lo := s * sectionRows
		f(b, k, s, lo, min(sectionRows, rows-lo))
	})
}

// multiplyV computes A·v for a section.
func (b *bidiagonal) multiplyV(k, _, lo, count int) {
	from := k / 8 * 8
	kernel.DotRows(b.a.Data[(k+1+lo)*b.a.Stride+from:], b.a.Stride, b.pair.Row(0)[from:], b.av[lo:lo+count])
}

// multiplyU computes what a section adds to w.
func (b *bidiagonal) multiplyU(k, s, lo, count int) {
	from := k / 8 * 8
	part, u := b.parts.Row(s)[from:], b.u[lo:lo+count]
	clear(part)
	kernel.AddRowMultiples(b.a.Data[(k+1+lo)*b.a.Stride+from:], b.a.Stride, u, part)
	factor := [1]float64{dotShort(u, b.av[lo:])}
	kernel.AddRowMultiples(b.pair.Row(0)[from:], 0, factor[:], part)
}

// reflectRows updates a section.
func (b *bidiagonal) reflectRows(k, _, lo, count int) {
	from := k / 8 * 8
	for i := lo; i < lo+count; i++ {
		factors := [2]float64{b.av[i], -b.tauU * b.u[i]}
		kernel.AddRowMultiples(b.pair.Data[from:], b.pair.Stride, factors[:], b.a.Row(k + 1 + i)[from:])
	}
}

// dotShort is the product of two vectors in the order of their numbers.
func dotShort(x, y []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += float64(v * y[i])
	}
	return sum
}
