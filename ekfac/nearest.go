package ekfac

import (
	"math"
	"math/rand/v2"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
)

// innerRows is how many rows of a symmetric matrix are computed up to the same column.
const innerRows = 64

// cutTo writes the factors of the best approximation of m of rank u.Rows = v.Rows,
// below the smaller side of m, to u and v, which hold zeros. It returns the norm of what is
// left by that of m.
//
// The singular vectors of the smaller side are eigenvectors of its inner products, and the
// other factor is their product with m: an approximation whose error is at most about
// √ε·‖m‖ larger than the best one's, and of the order of ε·‖m‖ where singular values are
// far from each other.
func cutTo(m, u, v kernel.Matrix[float64]) (float64, error) {
	small, k := min(m.Rows, m.Cols), u.Rows
	inner, values := kernel.NewMatrix[float64](small, small), make([]float64, small)
	for lo := 0; lo < small; lo += innerRows { // No more than the lower triangle is read.
		n := min(innerRows, small-lo)
		part := inner.Block(lo, 0, n, lo+n)
		if m.Rows <= m.Cols {
			kernel.GemmNT(1, m.Block(lo, 0, n, m.Cols), m.Block(0, 0, lo+n, m.Cols), part)
		} else {
			kernel.GemmTN(1, m.Block(0, lo, m.Rows, n), m.Block(0, 0, m.Rows, lo+n), part)
		}
	}
	if err := dense.EighLargest(1, inner, values, k); err != nil {
		return 0, err
	}
	all, left := 0.0, 0.0
	for i, x := range values {
		all += max(0, x)
		if i < small-k {
			left += max(0, x)
		}
	}
	top := inner.Block(small-k, 0, k, small)
	if m.Rows <= m.Cols {
		copy(u.Data, top.Data)
		kernel.GemmNN(1, top, m, v)
	} else {
		copy(v.Data, top.Data)
		kernel.GemmNT(1, top, m, u)
	}
	if all == 0 {
		return 0, nil
	}
	return math.Sqrt(left / all), nil
}

// oversampling is how many dimensions a sketch has beyond the rank.
const oversampling = 10

// powers is how often a sketch goes through the matrix and back.
const powers = 2

// signs returns rows of random signs for a sketch of the inputs; nothing without one.
func (c *cut) signs() kernel.Matrix[float64] {
	if !c.sketch {
		return kernel.Matrix[float64]{}
	}
	r := rand.NewPCG(c.seed, 0)
	out := kernel.NewMatrix[float64](min(c.rank+oversampling, c.out, c.in), c.in)
	for i := range out.Data {
		out.Data[i] = 1 - 2*float64(r.Uint64()>>63)
	}
	return out
}

// sketchTo is [cutTo] within the span of the outputs that m has for random inputs (Halko,
// Martinsson and Tropp 2011, algorithms 4.4 and 5.1).
func sketchTo(m, signs, u, v kernel.Matrix[float64]) (float64, error) {
	width := signs.Rows
	span := kernel.NewMatrix[float64](width, m.Rows)
	kernel.GemmNT(1, signs, m, span)
	for range powers {
		back := kernel.NewMatrix[float64](width, m.Cols)
		if err := orthonormal(span); err != nil {
			return 0, err
		}
		kernel.GemmNN(1, span, m, back)
		if err := orthonormal(back); err != nil {
			return 0, err
		}
		clear(span.Data)
		kernel.GemmNT(1, back, m, span)
	}
	if err := orthonormal(span); err != nil {
		return 0, err
	}
	inside, within := kernel.NewMatrix[float64](width, m.Cols), kernel.NewMatrix[float64](u.Rows, width)
	kernel.GemmNN(1, span, m, inside)
	if _, err := cutTo(inside, within, v); err != nil {
		return 0, err
	}
	kernel.GemmNN(1, within, span, u)
	all, kept := squares(m.Data), squares(v.Data)
	if all == 0 {
		return 0, nil
	}
	return math.Sqrt(max(0, 1-kept/all)), nil
}

// orthonormal makes rows orthonormal, by the eigenvectors of their inner products
// (Stathopoulos and Wu 2002), twice, for the first time leaves as much of their condition
// as rounding adds. Rows that depend on others become zeros.
func orthonormal(rows kernel.Matrix[float64]) error {
	inner, values := kernel.NewMatrix[float64](rows.Rows, rows.Rows), make([]float64, rows.Rows)
	old := kernel.NewMatrix[float64](rows.Rows, rows.Cols)
	for range 2 {
		clear(inner.Data)
		kernel.GemmNT(1, rows, rows, inner)
		if err := dense.Eigh(1, inner, values); err != nil {
			return err
		}
		least := values[len(values)-1] * 1e-14
		for i, x := range values {
			scale := 0.0
			if x > least {
				scale = 1 / math.Sqrt(x)
			}
			for j := range inner.Row(i) {
				inner.Row(i)[j] *= scale
			}
		}
		copy(old.Data, rows.Data)
		clear(rows.Data)
		kernel.GemmNN(1, inner, old, rows)
	}
	return nil
}

func squares(x []float64) (sum float64) {
	for _, v := range x {
		sum += float64(v * v)
	}
	return sum
}
