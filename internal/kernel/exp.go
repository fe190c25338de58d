package kernel

import "math"

// ln 2 in two pieces: ln2Hi has 32 trailing zero bits, so that k·ln2Hi is
// exact for every exponent k of a float64.
const (
	ln2Hi = 0x1.62e42feep-1
	ln2Lo = 0x1.a39ef35793c76p-33
)

// expCoef holds 1/j! for j = 13, 12, …, 2. On |r| ≤ ln(2)/2 the Taylor
// polynomial of that degree is within 5e-18 of exp(r).
var expCoef = [...]float64{
	1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
	1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2,
}

// Exp returns e^x to within 1 unit in the last place, with the same bits on
// every machine.
//
//	x = k·ln 2 + r, |r| ≤ ln(2)/2;  e^x = 2^k · e^r
//
// Exp(+Inf) = +Inf, Exp(−Inf) = 0, Exp(NaN) = NaN; too large an x overflows to
// +Inf and too small an x underflows to 0 by way of denormal numbers.
func Exp(x float64) float64 {
	switch {
	case x != x || x > 709.79:
		if x != x {
			return x
		}
		return math.Inf(1)
	case x < -745.14:
		return 0
	}
	k := math.Floor(float64(x*math.Log2E) + 0.5)
	hi := x - float64(k*ln2Hi)
	lo := float64(k * ln2Lo)
	r := hi - lo
	p := expCoef[0]
	for _, c := range expCoef[1:] {
		p = float64(p*r) + c
	}
	// The rounding error of r = hi − lo goes back in at first order.
	e := float64(float64(p*r)*r) + ((hi - r) - lo)
	y := 1 + (r + e)
	if n := int(k); n > -1022 && n < 1023 {
		return y * math.Float64frombits(uint64(n+1023)<<52)
	}
	return math.Ldexp(y, int(k))
}

// Sigmoid returns 1/(1+e^−x); it does not overflow.
func Sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + Exp(-x))
	}
	e := Exp(x)
	return e / (1 + e)
}
