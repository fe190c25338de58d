package kernel

import "math"

// (ln 2)/32 in two pieces: the first has more trailing zero bits than the
// multiples k below have bits, so that k·ln2By32Hi is exact.
const (
	ln2By32Hi = 0x1.62e42p-6
	ln2By32Lo = 0x1.fdf473de6af28p-27
	by32Ln2   = 0x1.71547652b82fep+5 // 32/ln 2
)

// Exp returns e^x to within 1 unit in the last place, with the same bits on
// every machine.
//
//	x = k·(ln 2)/32 + r, |r| ≤ (ln 2)/64;  e^x = 2^⌊k/32⌋ · 2^((k mod 32)/32) · e^r
//
// The second factor comes from a table, the third from its Taylor polynomial of
// degree 6, which is within 4e-18 there. Exp(+Inf) = +Inf, Exp(−Inf) = 0,
// Exp(NaN) = NaN; too large an x overflows to +Inf and too small an x underflows
// to 0 by way of denormal numbers.
func Exp(x float64) float64 {
	if !(x < 709.79 && x > -745.14) {
		switch {
		case x != x:
			return x
		case x > 0:
			return math.Inf(1)
		}
		return 0
	}
	k := math.Floor(float64(x*by32Ln2) + 0.5)
	r := (x - float64(k*ln2By32Hi)) - float64(k*ln2By32Lo)
	q := float64(r*(1.0/720)) + 1.0/120
	q = float64(r*q) + 1.0/24
	q = float64(r*q) + 1.0/6
	q = float64(r*q) + 0.5
	p := r + float64(float64(r*r)*q)
	n := int(k)
	t := &twoTo[n&31]
	y := t.hi + (float64(t.hi*p) + t.lo)
	if n >>= 5; n > -1022 && n < 1023 {
		return y * math.Float64frombits(uint64(n+1023)<<52)
	}
	return math.Ldexp(y, n)
}

// Sigmoid returns 1/(1+e^−x); it does not overflow.
func Sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + Exp(-x))
	}
	e := Exp(x)
	return e / (1 + e)
}

// twoTo[j] is 2^(j/32): the nearest float64, and what is missing.
var twoTo = [32]struct{ hi, lo float64 }{
	{1, 0},
	{0x1.059b0d3158574p+0, 0x1.d73e2a475b465p-55},
	{0x1.0b5586cf9890fp+0, 0x1.8a62e4adc610bp-54},
	{0x1.11301d0125b51p+0, -0x1.6c51039449b3ap-54},
	{0x1.172b83c7d517bp+0, -0x1.19041b9d78a76p-55},
	{0x1.1d4873168b9aap+0, 0x1.e016e00a2643cp-54},
	{0x1.2387a6e756238p+0, 0x1.9b07eb6c70573p-54},
	{0x1.29e9df51fdee1p+0, 0x1.612e8afad1255p-55},
	{0x1.306fe0a31b715p+0, 0x1.6f46ad23182e4p-55},
	{0x1.371a7373aa9cbp+0, -0x1.63aeabf42eae2p-54},
	{0x1.3dea64c123422p+0, 0x1.ada0911f09ebcp-55},
	{0x1.44e086061892dp+0, 0x1.89b7a04ef80d0p-59},
	{0x1.4bfdad5362a27p+0, 0x1.d4397afec42e2p-56},
	{0x1.5342b569d4f82p+0, -0x1.07abe1db13cadp-55},
	{0x1.5ab07dd485429p+0, 0x1.6324c054647adp-54},
	{0x1.6247eb03a5585p+0, -0x1.383c17e40b497p-54},
	{0x1.6a09e667f3bcdp+0, -0x1.bdd3413b26456p-54},
	{0x1.71f75e8ec5f74p+0, -0x1.16e4786887a99p-55},
	{0x1.7a11473eb0187p+0, -0x1.41577ee04992fp-55},
	{0x1.82589994cce13p+0, -0x1.d4c1dd41532d8p-54},
	{0x1.8ace5422aa0dbp+0, 0x1.6e9f156864b27p-54},
	{0x1.93737b0cdc5e5p+0, -0x1.75fc781b57ebcp-57},
	{0x1.9c49182a3f090p+0, 0x1.c7c46b071f2bep-56},
	{0x1.a5503b23e255dp+0, -0x1.d2f6edb8d41e1p-54},
	{0x1.ae89f995ad3adp+0, 0x1.7a1cd345dcc81p-54},
	{0x1.b7f76f2fb5e47p+0, -0x1.5584f7e54ac3bp-56},
	{0x1.c199bdd85529cp+0, 0x1.11065895048ddp-55},
	{0x1.cb720dcef9069p+0, 0x1.503cbd1e949dbp-56},
	{0x1.d5818dcfba487p+0, 0x1.2ed02d75b3707p-55},
	{0x1.dfc97337b9b5fp+0, -0x1.1a5cd4f184b5cp-54},
	{0x1.ea4afa2a490dap+0, -0x1.e9c23179c2893p-54},
	{0x1.f50765b6e4540p+0, 0x1.9d3e12dd8a18bp-54},
}
