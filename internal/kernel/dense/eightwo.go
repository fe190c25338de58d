package dense

import (
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

// eighTwo is [Eigh] of a·scale for two rows.
func eighTwo(a kernel.Matrix[float64], values []float64, scale float64) error {
	x, beside, y := a.At(0, 0)*scale, a.At(1, 0)*scale, a.At(1, 1)*scale
	values[0], values[1] = valuesOfTwo(x, y, float64(beside*beside))
	half := (x - y) / 2
	root := hypotenuse(half, beside)
	// The larger eigenvalue less each number of the diagonal, of which one does not cancel.
	c, s := 1.0, 0.0
	switch {
	case root == 0:
	case half >= 0:
		c, s = half+root, beside
	default:
		c, s = beside, root-half
	}
	length := hypotenuse(c, s)
	c, s = c/length, s/length
	copy(a.Row(0), []float64{-s, c})
	copy(a.Row(1), []float64{c, s})
	return nil
}

// valuesOfTwo returns the eigenvalues of the symmetric matrix with x and y on its
// diagonal and a number of this square beside it.
func valuesOfTwo(x, y, square float64) (least, largest float64) {
	middle, half := (x+y)/2, (x-y)/2
	root := math.Sqrt(float64(half*half) + square)
	return middle - root, middle + root
}
