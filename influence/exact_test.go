package influence

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/internal/kernel"
)

// TestInverseByInnerProducts: with fewer rows than numbers, x·H is again what was
// solved for.
func TestInverseByInnerProducts(t *testing.T) {
	const n, d, q = 30, 2100, 3
	rng := rand.New(rand.NewPCG(1, 2))
	numbers := make([]float64, n*d)
	for i := range numbers {
		numbers[i] = rng.NormFloat64()
	}
	train, err := VectorsOf(numbers, d)
	require.NoError(t, err)
	for _, damping := range []Damping{{Heuristic: true}, {Value: 0.5}} {
		h := &denseInverse{fisher: meanFisher(train, damping, 2)}
		require.True(t, h.dual())
		want := kernel.NewMatrix[float64](q, d)
		for i := range want.Data {
			want.Data[i] = rng.NormFloat64()
		}
		x := copyOf(want)
		require.NoError(t, h.Apply(t.Context(), x))
		back, err := h.times(t.Context(), x)
		require.NoError(t, err)
		require.InDeltaSlice(t, want.Data, back.Data, 1e-10)
	}
}

// TestSumsOverRows: blocks of any size, and the end of the last one, add up to the
// same bits.
func TestSumsOverRows(t *testing.T) {
	const n, d = 9000, 3
	rng := rand.New(rand.NewPCG(3, 4))
	numbers := make([]float64, n*d)
	for i := range numbers {
		numbers[i] = rng.NormFloat64()
	}
	train, err := VectorsOf(numbers, d)
	require.NoError(t, err)
	v := kernel.MatrixOf(numbers[:2*d], 2, d)
	whole, err := meanFisher(train, Damping{Value: 1}, 1).times(t.Context(), v)
	require.NoError(t, err)
	pieces, err := meanFisher(inPieces{train, 1000}, Damping{Value: 1}, 3).times(t.Context(), v)
	require.NoError(t, err)
	require.Equal(t, whole.Data, pieces.Data)
}
