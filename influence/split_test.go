package influence

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplit(t *testing.T) {
	v, err := VectorsOf([]float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 4)
	require.NoError(t, err)
	blocks, err := Split(v, 1, 3)
	require.NoError(t, err)
	for i, want := range [][]float64{{0, 4, 8}, {1, 2, 3, 5, 6, 7, 9, 10, 11}} {
		numbers, err := ReadVectors(t.Context(), blocks[i])
		require.NoError(t, err)
		require.Equal(t, want, numbers)
	}

	// All parts in order are the whole itself, anything else is copied.
	whole, err := Concat(blocks...)
	require.NoError(t, err)
	require.Equal(t, v, whole)
	again, err := Split(v, 1, 3)
	require.NoError(t, err)
	for _, others := range [][]Vectors{{blocks[1], blocks[0]}, {blocks[0], again[1]}, {blocks[0], blocks[0], blocks[1]}, {v, blocks[0]}} {
		whole, err := Concat(others...)
		require.NoError(t, err)
		_, copied := whole.(*joined)
		require.True(t, copied)
	}

	one, err := Split(v, 4)
	require.NoError(t, err)
	require.Equal(t, []Vectors{v}, one)
	for _, sizes := range [][]int{{}, {1, 2}, {4, 1}, {0, 4}, {-1, 5}, {1 << 62, 1 << 62}} {
		_, err := Split(v, sizes...)
		require.Error(t, err, "%v", sizes)
	}
}
