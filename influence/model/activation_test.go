package model

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestActivationsAgainstTheStandardLibrary, whose functions are as good but have other
// bits on other machines.
func TestActivationsAgainstTheStandardLibrary(t *testing.T) {
	for x := -12.0; x <= 12; x += 0.00390625 {
		z, got := []float64{x}, []float64{0}
		Tanh.apply(got, z)
		require.InDelta(t, math.Tanh(x), got[0], 1e-15*math.Abs(math.Tanh(x))+1e-300, "tanh %v", x)
		GELU.apply(got, z)
		require.InDelta(t, x*0.5*math.Erfc(-x/math.Sqrt2), got[0], 1e-15*max(1, math.Abs(x)), "gelu %v", x)
	}
}

func TestActivationsOfSpecialValues(t *testing.T) {
	inf, z := math.Inf(1), []float64{math.NaN(), math.Inf(-1), 0, math.Inf(1)}
	for a, want := range map[Activation][]float64{ReLU: {math.NaN(), 0, 0, inf}, Tanh: {math.NaN(), -1, 0, 1}, GELU: {math.NaN(), math.NaN(), 0, inf}} {
		got := make([]float64, len(z))
		a.apply(got, z)
		for i := range want {
			require.True(t, got[i] == want[i] || math.IsNaN(got[i]) && math.IsNaN(want[i]), "%s(%v) = %v", a, z[i], got[i])
		}
	}
}
