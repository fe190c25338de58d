package kernel

//go:generate go -C _gen run . -family poles -out ../poles_amd64.s -stubs ../poles_stubs_amd64.go -pkg kernel

// PoleSums evaluates a rational function and its derivative at x, which is given
// as a distance from a point near it:
//
//	sum   = Σ w[i]/(d[i] − x)      x = origin + offset
//	slope = Σ w[i]/(d[i] − x)²
//
// With r = 1/((d[i] − origin) − offset), which is accurate where origin is one of
// the poles, number i adds q = w[i]·r, rounded, to lane i mod 8 of the sum and
// q·r, by a fused multiply-add, to that of the slope; the lanes are summed as
// those of [DotRows] are. A pole at x gives ±Inf or NaN.
func PoleSums(d, w []float64, origin, offset float64) (sum, slope float64) {
	_ = w[:len(d)]
	var sums, slopes [8]float64
	done := poleSumsVector(d, w, origin, offset, &sums, &slopes)
	poleSumsGeneric(d[done:], w[done:], origin, offset, &sums, &slopes)
	return sumLanes(&sums), sumLanes(&slopes)
}

// PoleRatios multiplies each number by the ratio of its pole's distances from x
// and from another pole:
//
//	p[i] *= ((origin − d[i]) + offset)/(pole − d[i])     x = origin + offset
//
// and only by the upper of these where d[i] is that pole.
func PoleRatios(p, d []float64, origin, offset, pole float64) {
	_ = d[:len(p)]
	done := poleRatiosVector(p, d, origin, offset, pole)
	poleRatiosGeneric(p[done:], d[done:], origin, offset, pole)
}

// PoleQuotients writes quotients by the distances of poles from x and returns the
// sum of their squares:
//
//	out[i] = u[i]/((d[i] − origin) − offset)     x = origin + offset
//
// The sum is that of [DotRows].
func PoleQuotients(out, u, d []float64, origin, offset float64) (square float64) {
	_, _ = u[:len(out)], d[:len(out)]
	var squares [8]float64
	done := poleQuotientsVector(out, u, d, origin, offset, &squares)
	poleQuotientsGeneric(out[done:], u[done:], d[done:], origin, offset, &squares)
	return sumLanes(&squares)
}
