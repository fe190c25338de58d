package ekfac

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
)

// randomBasis is the eigenbasis of a random covariance.
func randomBasis(t *testing.T, r *rand.Rand, d int) Eigenbasis {
	x := kernel.NewMatrix[float64](2*d, d)
	for i := range x.Data {
		x.Data[i] = r.NormFloat64()
	}
	b := Eigenbasis{Values: make([]float64, d), Vectors: kernel.NewMatrix[float64](d, d)}
	kernel.GemmTN(1, x, x, b.Vectors)
	require.NoError(t, dense.Eigh(1, b.Vectors, b.Values))
	return b
}

// TestInverseIsThatOfTheMatrix multiplies what an inverse returns with the curvature
// written out: the gradient must come back.
func TestInverseIsThatOfTheMatrix(t *testing.T) {
	const out, in, rows = 3, 5, 4
	r := rand.New(rand.NewPCG(7, 7))
	c := &Curvature{Module: "m", Input: randomBasis(t, r, in), Output: randomBasis(t, r, out), Eigenvalues: kernel.NewMatrix[float64](out, in)}
	mean := 0.0
	for i := range c.Eigenvalues.Data {
		c.Eigenvalues.Data[i] = r.Float64()
		mean += c.Eigenvalues.Data[i] / (out * in)
	}
	plain := func(lambda float64) func(x float64) float64 { return func(x float64) float64 { return x + lambda } }
	for _, test := range []struct {
		damping influence.Damping
		damped  func(x float64) float64
	}{
		{influence.Damping{Heuristic: true}, plain(0.1 * mean)},
		{influence.Damping{Value: 0.3}, plain(0.3)},
		{influence.Damping{}, plain(0)},
		{influence.Damping{Value: 0.3, Tikhonov: true}, func(x float64) float64 { return (x*x + 0.3) / x }},
	} {
		h := kernel.NewMatrix[float64](out*in, out*in)
		for a := range out * in {
			for b := range out * in {
				for k := range out * in {
					o, i := k/in, k%in
					left := c.Output.Vectors.At(a/in, o) * c.Input.Vectors.At(a%in, i)
					right := c.Output.Vectors.At(b/in, o) * c.Input.Vectors.At(b%in, i)
					h.Row(a)[b] += left * test.damped(c.Eigenvalues.Data[k]) * right
				}
			}
		}
		g := kernel.NewMatrix[float64](rows, out*in)
		for i := range g.Data {
			g.Data[i] = r.NormFloat64()
		}
		moved := kernel.NewMatrix[float64](rows, out*in)
		copy(moved.Data, g.Data)
		require.NoError(t, InverseOf(c, test.damping, 2).Apply(t.Context(), moved))
		back := kernel.NewMatrix[float64](rows, out*in)
		kernel.GemmNN(1, moved, h, back)
		for i, v := range g.Data {
			require.InDelta(t, v, back.Data[i], 1e-12, "%v", test.damping)
		}
	}
}

func TestInverseRefusesWhatItCannotDivideBy(t *testing.T) {
	c := &Curvature{Module: "m", Eigenvalues: kernel.NewMatrix[float64](1, 2)}
	row := kernel.NewMatrix[float64](1, 2)
	require.ErrorContains(t, InverseOf(c, influence.Damping{Heuristic: true}, 1).Apply(t.Context(), row), `module "m": all gradients that its curvature was fitted to are zero`)
	c.Eigenvalues.Data[0] = 1
	require.ErrorContains(t, InverseOf(c, influence.Damping{}, 1).Apply(t.Context(), row), "an eigenvalue of the curvature is 0 and the damping 0; use a larger damping")
	c.Eigenvalues.Data[1] = 4
	row.Data[0], row.Data[1] = 3, 8
	require.NoError(t, InverseOf(c, influence.Damping{}, 1).Apply(t.Context(), row))
	require.Equal(t, []float64{3, 2}, row.Data)
	require.ErrorContains(t, InverseOf(c, influence.Damping{}, 1).Apply(t.Context(), kernel.NewMatrix[float64](1, 3)), "gradients of 3 numbers meet a curvature of 1 × 2")
}
