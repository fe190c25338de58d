package dense

import (
	"math"
	"slices"
)

// rationalQL computes the eigenvalues of the tridiagonal problem of [implicitQL], without
// vectors: d becomes the eigenvalues in ascending order, and e is used up.
//
// A sweep works on the squares of e and needs no square root but one. Source: the
// variant of Pal, Walker and Kahan of the QL algorithm (Parlett, The Symmetric
// Eigenvalue Problem, 1998, section 8.15). We differ in that negligible numbers are
// those of implicitQL, and that two rows are solved at once.
func rationalQL(d, e []float64) error {
	n := len(d)
	floor := cutBelow(d, e)
	floor *= floor
	for i, x := range e {
		e[i] = x * x
	}
	for l := 0; l < n; {
		for sweep := 0; ; sweep++ {
			m := l
			for m < n-1 && e[m] > floor {
				m++
			}
			if m <= l+1 {
				if m > l {
					d[l], d[m] = valuesOfTwo(d[l], d[m], e[l])
				}
				l = m + 1
				break
			}
			if sweep == sweepsMost {
				return ErrNotConverged
			}
			sweepRational(d, e, l, m)
		}
	}
	slices.Sort(d)
	return nil
}

// leastCosine is the square of a cosine below which what it divides is taken at its
// limit for 0.
const leastCosine = 1e-290

// sweepRational does one sweep over rows l … m, between which no square in e is
// negligible.
func sweepRational(d, e []float64, l, m int) {
	shift := d[l] - belowFirst(d[l], math.Sqrt(e[l]), d[l+1])
	c, s := 1.0, 0.0
	g := d[m] - shift
	p := g * g
	for i := m - 1; i >= l; i-- {
		square := e[i]
		r := p + square
		if i < m-1 {
			e[i+1] = s * r
		}
		before, old, x := c, g, d[i]
		inverse := r / p // a product with it does not wait for c, as a division would
		c, s = p/r, square/r
		g = float64(c*(x-shift)) - float64(s*old)
		d[i+1] = old + (x - g)
		if c > leastCosine {
			p = g * g * inverse
		} else {
			p = before * square
		}
	}
	e[l] = s * p
	d[l] = shift + g
}
