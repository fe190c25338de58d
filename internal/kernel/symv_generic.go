package kernel

import "math"

// symvRowsGeneric is [SymvLower] for the eight rows from i on.
func symvRowsGeneric(a []float64, stride, from, i int, x, y []float64) {
	for r := i; r < i+SymvBlock; r++ {
		row := a[r*stride:][:i+SymvBlock]
		y[r] += dot(row[from:], x[from:i+SymvBlock])
		for j := from; j < i; j++ {
			y[j] = math.FMA(row[j], x[r], y[j])
		}
	}
}
