package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// ulps returns the distance of got from want in units of want's last place.
func ulps(got, want float64) float64 {
	if got == want || got != got && want != want {
		return 0
	}
	_, e := math.Frexp(want)
	return math.Abs(got-want) / math.Ldexp(1, max(e-53, -1074))
}

// bigExp is e^x by its power series on x/2^m, squared m times.
func bigExp(x float64) float64 {
	const prec, m = 300, 40
	r := new(big.Float).SetPrec(prec).SetFloat64(x)
	r.SetMantExp(r, -m)
	sum, term := big.NewFloat(1).SetPrec(prec), big.NewFloat(1).SetPrec(prec)
	for j := 1; j < 12; j++ {
		term.Mul(term, r)
		term.Quo(term, big.NewFloat(float64(j)).SetPrec(prec))
		sum.Add(sum, term)
	}
	for range m {
		sum.Mul(sum, sum)
	}
	f, _ := sum.Float64()
	return f
}

func TestExpAgainstItsSeries(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	worst := 0.0
	for range 4000 {
		x := rng.NormFloat64() * []float64{1e-9, 0.3, 5, 200}[rng.IntN(4)]
		if x > 709 || x < -700 {
			continue
		}
		worst = max(worst, ulps(Exp(x), bigExp(x)))
	}
	require.LessOrEqual(t, worst, 1.0)
}

func TestExpSpecialValues(t *testing.T) {
	require.Equal(t, 1.0, Exp(0))
	require.Equal(t, math.Inf(1), Exp(math.Inf(1)))
	require.Equal(t, math.Inf(1), Exp(710))
	require.Zero(t, Exp(math.Inf(-1)))
	require.Zero(t, Exp(-746))
	require.True(t, math.IsNaN(Exp(math.NaN())))
	// The standard library overflows here on some machines.
	require.LessOrEqual(t, ulps(Exp(709.7), bigExp(709.7)), 1.0)
	require.LessOrEqual(t, ulps(Exp(-740), bigExp(-740)), 1.0)
}

func TestLogInvertsExp(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 4000 {
		x := math.Ldexp(rng.Float64()+0.5, rng.IntN(2000)-1000)
		if rng.IntN(3) == 0 {
			x = 1 + rng.NormFloat64()*0.1
		}
		// |log(x) − math.Log(x)| of two good logarithms is within two units.
		require.LessOrEqual(t, ulps(Log(x), math.Log(x)), 2.0, "log(%v)", x)
	}
	for _, x := range []float64{0, -1, math.Inf(1), math.NaN(), 1} {
		require.LessOrEqual(t, ulps(Log(x), math.Log(x)), 1.0, "log(%v)", x)
	}
	// The standard library is wrong by 5 % for denormal numbers on some machines.
	require.LessOrEqual(t, ulps(Log(5e-324), -1074*math.Ln2), 1.0)
}

func TestLog1p(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 4000 {
		x := rng.NormFloat64() * []float64{1e-17, 1e-8, 0.1, 0.5, 100}[rng.IntN(5)]
		if x < -1 {
			continue
		}
		require.LessOrEqual(t, ulps(Log1p(x), math.Log1p(x)), 3.0, "log1p(%v)", x)
	}
	for _, x := range []float64{0, -1, -2, math.Inf(1), math.NaN(), 0.41, -0.29, 1e300} {
		require.LessOrEqual(t, ulps(Log1p(x), math.Log1p(x)), 2.0, "log1p(%v)", x)
	}
}

func TestSigmoidAndLogSumExp0(t *testing.T) {
	for _, x := range []float64{-800, -40, -1, 0, 1e-9, 2, 40, 800} {
		require.InEpsilon(t, 1+1/(1+math.Exp(-x)), 1+Sigmoid(x), 1e-15)
		want := math.Log1p(math.Exp(x))
		if x > 700 {
			want = x
		}
		require.InDelta(t, want, LogSumExp0(x), 1e-15*math.Max(1, want))
	}
}

func BenchmarkExp(b *testing.B) {
	s := 0.0
	x := -3.0
	for b.Loop() {
		s += Exp(x)
		x += 1e-6
	}
	sink = s
}

var sink float64

// The slice forms are the single forms, number by number, on every path.
func TestSliceFormsHaveTheSameBits(t *testing.T) {
	forms := map[string]struct {
		many func(out, x []float64)
		one  func(float64) float64
	}{"exp": {Exps, Exp}, "sigmoid": {Sigmoids, Sigmoid}}
	for name, f := range forms {
		for _, n := range ladder(256) {
			for _, shift := range []int{0, 1} {
				rng := rand.New(rand.NewPCG(uint64(n), 7))
				for kind, x := range map[string][]float64{
					"normal": normal[float64](rng, n), "extreme": extreme[float64](rng, n), "wide": scaled(normal[float64](rng, n), 250),
				} {
					onEachPath(t, func(t *testing.T) []float64 {
						in, out := guard(x, shift, -7.5), guard(make([]float64, n), shift, -7.5)
						f.many(out.slice(), in.slice())
						in.unchanged(t, name)
						out.unharmed(t, name)
						want := make([]float64, n)
						for i, v := range x {
							want[i] = f.one(v)
						}
						requireSameBits(t, want, out.slice(), name+" "+kind)
						f.many(in.slice(), in.slice())
						requireSameBits(t, want, in.slice(), name+" in place")
						return out.slice()
					})
				}
			}
		}
	}
}

func scaled(x []float64, by float64) []float64 {
	for i := range x {
		x[i] *= by
	}
	return x
}

func BenchmarkSigmoids(b *testing.B) {
	x := normal[float64](rand.New(rand.NewPCG(1, 1)), 4096)
	out := make([]float64, len(x))
	for b.Loop() {
		Sigmoids(out, x)
	}
}
