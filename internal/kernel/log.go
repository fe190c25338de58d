package kernel

import "math"

// ln 2 in two pieces: ln2Hi has so many trailing zero bits that k·ln2Hi is exact
// for every exponent k of a float64.
const (
	ln2Hi = 0x1.62e42feep-1
	ln2Lo = 0x1.a39ef35793c76p-33
)

// Log returns the natural logarithm of x to within 1 unit in the last place,
// with the same bits on every machine.
//
//	x = 2^k·m, m in [√½, √2);  log x = k·ln 2 + 2·artanh((m−1)/(m+1))
//
// Log(+Inf) = +Inf, Log(±0) = −Inf, Log(x < 0) = NaN, Log(NaN) = NaN.
func Log(x float64) float64 {
	switch {
	case x != x || x > math.MaxFloat64:
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	m, k := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		k--
	}
	return logParts(m-1, 0, float64(k))
}

// Log1p returns log(1 + x) to within 2 units in the last place, also for x
// near 0. Log1p(−1) = −Inf, Log1p(x < −1) = NaN, Log1p(+Inf) = +Inf.
func Log1p(x float64) float64 {
	switch {
	case x != x || x > math.MaxFloat64:
		return x
	case x < -1:
		return math.NaN()
	case x == -1:
		return math.Inf(-1)
	case math.Abs(x) < 0x1p-54:
		return x
	case x > -0.29 && x < 0.41:
		return logParts(x, 0, 0)
	}
	u := 1 + x
	lost := x - (u - 1) // what rounding took from 1 + x
	if x > 1 {
		lost = 1 - (u - x)
	}
	m, k := math.Frexp(u)
	if m < math.Sqrt2/2 {
		m *= 2
		k--
	}
	return logParts(m-1, lost/u, float64(k))
}

// LogSumExp0 returns log(1 + e^x): the logistic loss of margin −x. It does not
// overflow.
func LogSumExp0(x float64) float64 {
	if x > 0 {
		return x + Log1p(Exp(-x))
	}
	return Log1p(Exp(x))
}

// logParts returns k·ln 2 + log(1+f) + c for −0.3 ≤ f ≤ 0.42 and a small
// correction c. With s = f/(2+f), log(1+f) = 2·artanh(s) = f − s·(f − R) where
// R = 2·(s²/3 + s⁴/5 + …): that form keeps the leading term exact.
func logParts(f, c, k float64) float64 {
	s := f / (2 + f)
	z := float64(s * s)
	r := 0.0
	for j := 25; j >= 3; j -= 2 {
		r = float64(r*z) + logCoef[(j-3)/2]
	}
	r = float64(r * z)
	h := float64(0.5 * float64(f*f))
	// log(1+f) = f − (h − s·(h + R)).
	return float64(k*ln2Hi) - ((h - (float64(s*(h+r)) + (float64(k*ln2Lo) + c))) - f)
}

// logCoef[i] = 2/(2i+3).
var logCoef = [...]float64{
	2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23, 2.0 / 25,
}
