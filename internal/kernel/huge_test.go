package kernel

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHugeSlice(t *testing.T) {
	for _, n := range []int{0, 1, 1 << 20, 2*hugePage - 1, 2 * hugePage, 3*hugePage + 5} {
		x := hugeSlice[int8](n)
		require.Len(t, x, n)
		for i := range x {
			if x[i] != 0 {
				t.Fatal("not zero")
			}
			x[i] = 1
		}
	}
	require.Len(t, hugeSlice[float32](hugePage), hugePage)
}
