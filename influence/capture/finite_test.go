package capture

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/dataset"
)

// TestFinite puts each special value into each place.
func TestFinite(t *testing.T) {
	for n := range 19 {
		single, double := make([]float32, n), make([]float64, n)
		for i := range n {
			single[i], double[i] = -math.MaxFloat32, math.MaxFloat64
		}
		require.True(t, finite(single))
		require.True(t, finite(double))
		for i := range n {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				single[i], double[i] = float32(bad), bad
				require.False(t, finite(single))
				require.False(t, finite(double))
			}
			single[i], double[i] = 1, 1
		}
		for d, special := range map[dataset.Dtype]struct{ largest, bad []uint16 }{
			dataset.Float16:  {[]uint16{0x7bff, 0xfbff, 0x0001}, []uint16{0x7c00, 0xfc00, 0x7c01, 0xffff}},
			dataset.BFloat16: {[]uint16{0x7f7f, 0xff7f, 0x0001}, []uint16{0x7f80, 0xff80, 0x7f81, 0xffff}},
		} {
			half := make([]uint16, n)
			for i := range n {
				for _, v := range special.bad {
					half[i] = v
					require.False(t, finiteHalf(half, d))
				}
				for _, v := range special.largest {
					half[i] = v
					require.True(t, finiteHalf(half, d))
				}
			}
		}
	}
}
