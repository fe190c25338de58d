package dense

import (
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

// sweepsMost bounds the QL sweeps for one eigenvalue; two are usual.
const sweepsMost = 60

// implicitQL solves the tridiagonal problem with diagonal d and e[i] between rows
// i and i+1 by the QL algorithm with implicit shifts (Dubrulle, Martin and
// Wilkinson, 1968). d becomes the eigenvalues, in no order, and the rows of z are
// multiplied by the transposed eigenvectors: from the identity, row i becomes the
// eigenvector of d[i]. e, as long as d, is used up; its last number has no
// meaning.
//
// Numbers e that are negligible beside the largest number of all are cut: the
// rounding of a sweep keeps the smaller ones of a graded problem from
// converging further.
func implicitQL(d, e []float64, z kernel.Matrix[float64]) error {
	n := len(d)
	floor := cutBelow(d, e)
	for l := range n {
		for sweep := 0; ; sweep++ {
			m := l
			for m < n-1 && math.Abs(e[m]) > floor {
				m++
			}
			if m == l {
				break
			}
			if sweep == sweepsMost {
				return ErrNotConverged
			}
			sweepQL(d, e, z, l, m)
		}
	}
	return nil
}

// cutBelow returns the size up to which a number e is negligible beside the largest of
// a tridiagonal problem.
func cutBelow(d, e []float64) float64 {
	largest := 0.0
	for i, x := range d {
		largest = max(largest, math.Abs(x))
		if i < len(d)-1 {
			largest = max(largest, math.Abs(e[i]))
		}
	}
	return largest * unitRoundoff
}

// sweepQL does one sweep over rows l … m, between which no e is negligible.
func sweepQL(d, e []float64, z kernel.Matrix[float64], l, m int) {
	g := d[m] - d[l] + belowFirst(d[l], e[l], d[l+1])
	s, c, p := 1.0, 1.0, 0.0
	for i := m - 1; i >= l; i-- {
		f, b := float64(s*e[i]), float64(c*e[i])
		r := hypotenuse(f, g)
		e[i+1] = r
		if r == 0 {
			d[i+1] -= p
			e[m] = 0
			return
		}
		s, c = f/r, g/r
		g = d[i+1] - p
		r = float64((d[i]-g)*s) + float64(2*float64(c*b))
		p = float64(s * r)
		d[i+1] = g + p
		g = float64(c*r) - b
		kernel.Rotate(z.Row(i), z.Row(i+1), c, -s)
	}
	d[l] -= p
	e[l] = g
	e[m] = 0
}

// belowFirst returns how far the shift of a sweep, Wilkinson's, is below the first number
// of the diagonal; beside stands between it and the second.
func belowFirst(first, beside, second float64) float64 {
	g := (second - first) / (2 * beside)
	return beside / (g + math.Copysign(hypotenuse(g, 1), g))
}

// hypotenuse returns √(x² + y²) without overflow or underflow. The standard
// library's differs between machines.
func hypotenuse(x, y float64) float64 {
	if square := float64(x*x) + float64(y*y); square > 1e-280 && square < 1e280 {
		return math.Sqrt(square)
	}
	x, y = math.Abs(x), math.Abs(y)
	long, short := max(x, y), min(x, y)
	if long == 0 {
		return 0
	}
	q := short / long
	return long * math.Sqrt(1+float64(q*q))
}
