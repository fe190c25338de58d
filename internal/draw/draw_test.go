package draw

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSubsetsAreEquallyLikely(t *testing.T) {
	source := rand.NewPCG(9, 0)
	count := map[string]int{}
	for range 6000 {
		count[fmt.Sprint(Subset(source, 4, 2))]++
	}
	require.Len(t, count, 6)
	for subset, n := range count {
		require.InDelta(t, 1000, n, 150, subset)
	}
	require.Equal(t, []int64{0, 1, 2}, Subset(source, 3, 5))
	require.Empty(t, Subset(source, 0, 5))
}

func TestOrdersAreEquallyLikely(t *testing.T) {
	source := rand.NewPCG(9, 0)
	count := map[string]int{}
	for range 6000 {
		count[fmt.Sprint(Shuffled(source, 3))]++
	}
	require.Len(t, count, 6)
	for order, n := range count {
		require.InDelta(t, 1000, n, 150, order)
	}
}

// TestDrawsStayTheSame compares with another program of PCG-DXSM, in Python: results of
// earlier versions must come again.
func TestDrawsStayTheSame(t *testing.T) {
	source := rand.NewPCG(1, 2)
	require.EqualValues(t, 887026987320667985, Below(source, 1<<60))
	require.Equal(t, []int64{41, 234, 613, 782, 795}, Subset(source, 1000, 5))
	require.Equal(t, []int64{3, 0, 5, 4, 2, 1}, Shuffled(source, 6))
}
