package kernel

import "math"

// poleSumsGeneric continues sums from a multiple of eight on.
func poleSumsGeneric(d, w []float64, origin, offset float64, sums, slopes *[8]float64) {
	for i, p := range d {
		r := 1 / ((p - origin) - offset)
		q := float64(w[i] * r)
		sums[i%8] += q
		slopes[i%8] = math.FMA(q, r, slopes[i%8])
	}
}

func poleRatiosGeneric(p, d []float64, origin, offset, pole float64) {
	for i := range p {
		ratio := (origin - d[i]) + offset
		if d[i] != pole {
			ratio /= pole - d[i]
		}
		p[i] *= ratio
	}
}

// poleQuotientsGeneric continues the sum from a multiple of eight on.
func poleQuotientsGeneric(out, u, d []float64, origin, offset float64, squares *[8]float64) {
	for i := range out {
		q := u[i] / ((d[i] - origin) - offset)
		out[i] = q
		squares[i%8] = math.FMA(q, q, squares[i%8])
	}
}
