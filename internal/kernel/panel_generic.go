package kernel

import "math"

func dotRowsGeneric(a []float64, stride int, x, out []float64) {
	for r := range out {
		out[r] = dot(a[r*stride:][:len(x)], x)
	}
}

// dot is the definition of a dot product in eight lanes.
func dot(x, y []float64) float64 {
	var lane [8]float64
	for j := range x {
		lane[j%8] = math.FMA(x[j], y[j], lane[j%8])
	}
	return sumLanes(&lane)
}

// sumLanes sums in the order that halving a register has.
func sumLanes(l *[8]float64) float64 {
	return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]))
}

func addRowMultiplesGeneric(a []float64, stride int, c, y []float64) {
	for j, even := range y {
		odd, at := 0.0, j
		for r := 0; r+1 < len(c); r += 2 {
			even = math.FMA(c[r], a[at], even)
			odd = math.FMA(c[r+1], a[at+stride], odd)
			at += 2 * stride
		}
		if len(c)%2 == 1 {
			even = math.FMA(c[len(c)-1], a[at], even)
		}
		y[j] = even + odd
	}
}

func subtractRowMultiplesGeneric(a []float64, stride int, c, y []float64) {
	for r, f := range c {
		row := a[r*stride:][:len(y)]
		for j := range y {
			y[j] = math.FMA(-f, row[j], y[j])
		}
	}
}

func rotateGeneric(x, y []float64, c, s float64) {
	y = y[:len(x)]
	for i, v := range x {
		w := y[i]
		x[i] = float64(c*v) + float64(s*w)
		y[i] = float64(c*w) - float64(s*v)
	}
}
