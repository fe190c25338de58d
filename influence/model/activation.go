package model

import (
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

// An Activation is the function between two layers.
type Activation string

// The activations.
const (
	ReLU Activation = "relu" // max(x, 0); its slope at 0 is 0
	GELU Activation = "gelu" // x·Φ(x), Φ the normal distribution (not its approximation by tanh)
	Tanh Activation = "tanh" // the hyperbolic tangent
)

// Activations lists the activations.
func Activations() []Activation { return []Activation{ReLU, GELU, Tanh} }

// apply writes the function of z to out.
func (a Activation) apply(out, z []float64) {
	for i, x := range z {
		switch a {
		case ReLU:
			out[i] = max(x, 0)
		case GELU:
			out[i] = x * normalCDF(x)
		case Tanh:
			out[i] = tanh(x)
		}
	}
}

// slope multiplies g by the derivative of the function at z.
func (a Activation) slope(g, z []float64) {
	for i, x := range z {
		switch a {
		case ReLU:
			if !(x > 0) {
				g[i] = 0
			}
		case GELU:
			density := kernel.Exp(-0.5*float64(x*x)) / math.Sqrt(2*math.Pi)
			g[i] *= normalCDF(x) + float64(x*density)
		case Tanh:
			y := tanh(x)
			g[i] *= 1 - float64(y*y)
		}
	}
}

// tanh returns the hyperbolic tangent to within some units in the last place, with the
// same bits on every machine. Near 0, where 1 − e^(−2|x|) loses digits, it is Lambert's
// continued fraction x/(1 + x²/(3 + x²/(5 + …))).
func tanh(x float64) float64 {
	if math.Abs(x) > 0.5 {
		e := kernel.Exp(-2 * math.Abs(x))
		return math.Copysign((1-e)/(1+e), x)
	}
	square := x * x
	f := 17.0
	for k := 15.0; k >= 1; k -= 2 {
		f = k + square/f
	}
	return x / f
}

// normalCDF returns the standard normal distribution function by the series
//
//	Φ(x) = 1/2 + φ(x)·(x + x³/3 + x⁵/(3·5) + …)
//
// whose terms have one sign, to within 1e-16 or so, with the same bits on every
// machine. Beyond 9 it is 0 or 1 to that accuracy.
func normalCDF(x float64) float64 {
	if !(math.Abs(x) < 9) {
		switch {
		case x > 0:
			return 1
		case x < 0:
			return 0
		}
		return x // NaN
	}
	sum, term := x, x
	for k := 3.0; math.Abs(term) > 1e-17*math.Abs(sum); k += 2 {
		term *= x * x / k
		sum += term
	}
	density := kernel.Exp(-0.5*float64(x*x)) / math.Sqrt(2*math.Pi)
	return 0.5 + float64(density*sum)
}
