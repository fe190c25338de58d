package gbdt

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// someLosses are all losses with parameters that change their derivatives.
func someLosses(t *testing.T) map[string]Loss {
	t.Helper()
	stats := LabelStats{Rows: 100, Positive: 30}
	out := make(map[string]Loss)
	for name, c := range map[string]struct {
		spec LossSpec
		k    int
	}{
		"squared":         {LossSpec{Name: "regression"}, 1},
		"binary":          {LossSpec{Name: "binary"}, 1},
		"binary weighted": {LossSpec{Name: "binary", Sigmoid: 1.7, ScalePosWeight: 2.5}, 1},
		"unbalanced":      {LossSpec{Name: "binary", Unbalance: true}, 1},
		"softmax":         {LossSpec{Name: "multiclass"}, 4},
		"one versus all":  {LossSpec{Name: "multiclassova", Sigmoid: 0.6}, 3},
		"poisson":         {LossSpec{Name: "poisson", MaxDelta: 0.7}, 1},
		"gamma":           {LossSpec{Name: "gamma"}, 1},
		"tweedie":         {LossSpec{Name: "tweedie", TweediePower: 1.3}, 1},
		"tweedie 1":       {LossSpec{Name: "tweedie", TweediePower: 1}, 1},
		"huber":           {LossSpec{Name: "huber", Alpha: 1.1}, 1},
		"fair":            {LossSpec{Name: "fair", FairC: 0.8}, 1},
		"cross entropy":   {LossSpec{Name: "cross_entropy"}, 1},
		"lambda":          {LossSpec{Name: "cross_entropy_lambda"}, 1},
	} {
		l, err := c.spec.Loss(c.k, stats)
		require.NoError(t, err)
		out[name] = l
	}
	return out
}

// randomPoint draws a label that the loss takes, and margins.
func randomPoint(rng *rand.Rand, l Loss) (y float64, f []float64) {
	f = make([]float64, l.K())
	for c := range f {
		f[c] = rng.NormFloat64()
	}
	switch {
	case !l.Classifier():
		return 0.5 + float64(rng.IntN(4)), f
	case l.Check(0.3) == nil:
		return rng.Float64(), f
	case l.K() == 1:
		return float64(rng.IntN(2)), f
	}
	return float64(rng.IntN(l.K())), f
}

// single returns K slices of one number.
func single(k int) [][]float64 {
	s := make([][]float64, k)
	for c := range s {
		s[c] = []float64{0}
	}
	return s
}

// at evaluates fn, which fills K slices of one row, at margins f.
func at(f []float64, fn func(f, out [][]float64)) []float64 {
	in, out := make([][]float64, len(f)), make([][]float64, len(f))
	for c := range f {
		in[c], out[c] = []float64{f[c]}, []float64{0}
	}
	fn(in, out)
	flat := make([]float64, len(f))
	for c := range out {
		flat[c] = out[c][0]
	}
	return flat
}

// slope is the central difference of component o of fn in F_c.
func slope(f []float64, c, o int, fn func(f, out [][]float64)) float64 {
	const e = 1e-5
	up, down := append([]float64(nil), f...), append([]float64(nil), f...)
	up[c] += e
	down[c] -= e
	return (at(up, fn)[o] - at(down, fn)[o]) / (2 * e)
}

func TestDerivativesAreThoseOfTheDefinition(t *testing.T) {
	for name, l := range someLosses(t) {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			for range 200 {
				y, f := randomPoint(rng, l)
				value := func(f, out [][]float64) { l.Value([]float64{y}, f, out[0]) }
				gradient := func(f, out [][]float64) { l.Gradient([]float64{y}, f, out) }
				derive := func(pick func(d Derivatives) [][]float64) func(f, out [][]float64) {
					return func(f, out [][]float64) {
						d := Derivatives{single(l.K()), single(l.K()), single(l.K()), single(l.K())}
						l.Derive([]float64{y}, f, d)
						for c := range out {
							out[c][0] = pick(d)[c][0]
						}
					}
				}
				g := derive(func(d Derivatives) [][]float64 { return d.G })
				h := derive(func(d Derivatives) [][]float64 { return d.H })
				dg := derive(func(d Derivatives) [][]float64 { return d.DG })
				dh := derive(func(d Derivatives) [][]float64 { return d.DH })
				for c := range f {
					require.InDelta(t, slope(f, c, 0, value), at(f, gradient)[c], 1e-7)
					require.InDelta(t, slope(f, c, c, g), at(f, dg)[c], 1e-7)
					require.InDelta(t, slope(f, c, c, h), at(f, dh)[c], 1e-7)
				}
			}
		})
	}
}

func TestProbabilityGradient(t *testing.T) {
	for name, l := range someLosses(t) {
		if !l.Classifier() {
			require.Error(t, l.Probability(nil, nil), name)
			continue
		}
		rng := rand.New(rand.NewPCG(3, 4))
		for range 100 {
			_, f := randomPoint(rng, l)
			probability := func(f, out [][]float64) { require.NoError(t, l.Probability(f, out)) }
			for o := range f {
				got := at(f, func(f, out [][]float64) {
					require.NoError(t, l.ProbabilityGradient(f, []int32{int32(o)}, out))
				})
				for c := range f {
					require.InDelta(t, slope(f, c, o, probability), got[c], 1e-8, name)
				}
			}
		}
	}
}

func TestExtremeMarginsStayFinite(t *testing.T) {
	for name, l := range someLosses(t) {
		if !l.Classifier() {
			continue
		}
		for _, v := range []float64{-1e3, -40, 40, 1e3} {
			f := make([]float64, l.K())
			f[0] = v
			for y := range 2 {
				got := at(f, func(f, out [][]float64) { l.Value([]float64{float64(y)}, f, out[0]) })[0]
				require.False(t, math.IsNaN(got) || math.IsInf(got, 0), "%s at %v", name, v)
				require.GreaterOrEqual(t, got, 0.0)
			}
		}
	}
}

func TestChecksOfLabels(t *testing.T) {
	bad := map[string][]float64{
		"binary": {2, 0.5, -3}, "softmax": {-1, 4, 1.5}, "one versus all": {3}, "poisson": {-1},
	}
	good := map[string][]float64{"binary": {0, 1, -1}, "softmax": {0, 3}, "poisson": {0, 2.5}, "squared": {-1e9, 3}}
	losses := someLosses(t)
	for name, labels := range bad {
		for _, y := range labels {
			require.Error(t, losses[name].Check(y), "%s %v", name, y)
		}
	}
	for name, labels := range good {
		for _, y := range labels {
			require.NoError(t, losses[name].Check(y), "%s %v", name, y)
		}
	}
}

func TestUnknownLoss(t *testing.T) {
	_, err := LossSpec{Name: "lambdarank"}.Loss(1, LabelStats{})
	require.ErrorContains(t, err, `objective "lambdarank" is not supported`)
	_, err = LossSpec{Name: "multiclass"}.Loss(1, LabelStats{})
	require.Error(t, err)
}
