package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReadSeesEveryByte sets one byte of many and wants all paths to come by.
func TestReadSeesEveryByte(t *testing.T) {
	old := path
	defer func() { path = old }()
	rng := rand.New(rand.NewPCG(1, 1))
	for path = Generic; path <= best(); path++ {
		for _, n := range ladder(2048) {
			g := guard(make([]byte, n), 1, 255)
			require.Zero(t, read(g.slice()), "%s reads %d bytes", path, n)
			g.unharmed(t, "data")
		}
		// Of the vector forms only the low eight bytes of a register are told.
		data := make([]byte, 5000)
		for range 50 {
			i := rng.IntN(len(data)/64)*64 + rng.IntN(8)
			data[i] = 1
			require.NotZero(t, read(data), "%s misses byte %d", path, i)
			data[i] = 0
		}
	}
}

func TestProbesMeasure(t *testing.T) {
	old := path
	defer func() { path = old }()
	for path = Generic; path <= best(); path++ {
		require.Positive(t, FMAPeak[float32](1))
		require.Positive(t, FMAPeak[float64](2))
		require.Positive(t, ReadRate(2, make([]byte, 3<<20)))
	}
}
