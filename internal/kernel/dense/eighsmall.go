package dense

import (
	"github.com/infl-dev/infl/internal/kernel"
)

// smallRows is the size up to which [Eigh] needs neither blocks nor workers.
const smallRows = 100

// eighSmall is [Eigh] of a·scale for a few rows: the reflections are applied one at a time,
// and the QL sweeps turn the rows of their product at once.
func eighSmall(a kernel.Matrix[float64], values []float64, scale float64) error {
	n := a.Rows
	for i := range n {
		row := a.Row(i)
		for j := range i + 1 {
			row[j] *= scale
			a.Data[j*a.Stride+i] = row[j]
		}
	}
	r := newSmallReduction(n, n, 0)
	r.reduce(a, values)
	r.multiply(a)
	if err := implicitQL(values, r.e, a); err != nil {
		return err
	}
	sortRows(values, a)
	return nil
}

// eighValuesSmall is [EighValues] of a·scale for a few rows.
func eighValuesSmall(a kernel.Matrix[float64], values []float64, scale float64) error {
	n := a.Rows
	switch n {
	case 1:
		values[0] = a.Data[0] * scale
		return nil
	case 2:
		beside := a.At(1, 0) * scale
		values[0], values[1] = valuesOfTwo(a.At(0, 0)*scale, a.At(1, 1)*scale, float64(beside*beside))
		return nil
	}
	r := newSmallReduction(n, 1, n*n)
	work := kernel.MatrixOf(r.spare, n, n)
	for i := range n {
		row := work.Row(i)
		for j, x := range a.Row(i)[:i+1] {
			row[j] = x * scale
			work.Data[j*n+i] = row[j]
		}
	}
	r.reduce(work, values)
	return rationalQL(values, r.e)
}

// A smallReduction turns a symmetric matrix of a few rows into a tridiagonal one, as
// reduction does for many. It keeps all reflectors, or the last one for those who want
// values alone.
type smallReduction struct {
	e, tau, product, pair, factors, spare []float64
	reflectors                            kernel.Matrix[float64]
}

// newSmallReduction returns the memory for n rows, of which reflectors are kept for n
// or 1, and spare numbers.
func newSmallReduction(n, kept, spare int) *smallReduction {
	width := roundUp(n, 8)
	work := make([]float64, 3*n+(kept+2)*width+2+spare)
	take := func(k int) []float64 {
		x := work[:k:k]
		work = work[k:]
		return x
	}
	r := &smallReduction{
		e: take(n), tau: take(n), product: take(n), pair: take(2 * width), factors: take(2),
		reflectors: kernel.Matrix[float64]{Data: take(kept * width), Rows: n, Cols: width, Stride: width},
		spare:      work,
	}
	if kept == 1 {
		r.reflectors.Stride = 0
	}
	return r
}

// reduce reduces a, all of it; d becomes the diagonal.
func (r *smallReduction) reduce(a kernel.Matrix[float64], d []float64) {
	n := a.Rows
	for j := range n - 1 {
		v := r.reflectors.Row(j)
		clear(v[:j+2]) // what the last one left where this one begins
		rest := a.Block(j+1, j+1, n-j-1, n-j-1)
		column := r.product[:n-j-1]
		copy(column, a.Row(j)[j+1:])
		d[j] = a.At(j, j)
		from := (j + 1) / 8 * 8
		r.e[j], r.tau[j] = reflect(column, v[j+1:n], v[from:])
		if r.tau[j] != 0 {
			reflectBothSides(rest, v[from:], j+1-from, r.tau[j], r.pair, r.factors)
		}
	}
	d[n-1] = a.At(n-1, n-1)
}

// reflectBothSides computes H·A·H for the symmetric matrix a, all of it, and
// H = I − τ·v·vᵀ. padded is v behind skip zeros and before others, a multiple of 8
// long; pair and factors are scratch memory.
func reflectBothSides(a kernel.Matrix[float64], padded []float64, skip int, tau float64, pair, factors []float64) {
	n := a.Rows
	width := len(padded)
	v := padded[skip:][:n]
	vw := pair[:2*width]
	clear(vw)
	copy(vw, padded)
	w := vw[width+skip:][:n]
	kernel.AddRowMultiples(a.Data, a.Stride, v, w)
	half := -0.5 * float64(tau*tau) * dot(vw[width:], padded)
	for i := range w {
		w[i] = float64(tau*w[i]) + float64(half*v[i])
	}
	for i := range n {
		factors[0], factors[1] = -w[i], -v[i]
		kernel.AddRowMultiples(vw[skip:], width, factors, a.Row(i))
	}
}

// multiply writes H(n−2)·…·H(0) to a.
func (r *smallReduction) multiply(a kernel.Matrix[float64]) {
	n := a.Rows
	identity(a)
	for j, t := range r.tau[:n-1] {
		if t == 0 {
			continue
		}
		v := r.reflectors.Row(j)[j+1 : n]
		clear(r.product)
		kernel.AddRowMultiples(a.Data[(j+1)*a.Stride:], a.Stride, v, r.product)
		for i, x := range v {
			r.factors[0] = -t * x
			kernel.AddRowMultiples(r.product, n, r.factors[:1], a.Row(j+1+i))
		}
	}
}

// sortRows sorts values into ascending order, and the rows of z with them.
func sortRows(values []float64, z kernel.Matrix[float64]) {
	for i := range values {
		least := i
		for j := i + 1; j < len(values); j++ {
			if values[j] < values[least] {
				least = j
			}
		}
		if least == i {
			continue
		}
		values[i], values[least] = values[least], values[i]
		x, y := z.Row(i), z.Row(least)
		for j := range x {
			x[j], y[j] = y[j], x[j]
		}
	}
}
