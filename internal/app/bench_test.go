package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryBenchmarkRuns(t *testing.T) {
	for _, k := range benchmarks {
		b := k.make(16)
		rate, limit, err := b.measure(t.Context(), 2)
		require.NoError(t, err, k.kernel)
		require.Positive(t, rate, k.kernel)
		require.Positive(t, limit, k.kernel)
		require.NotEmpty(t, b.shape, k.kernel)
	}
}

func TestDigits(t *testing.T) {
	for x, want := range map[float64]float64{0: 0, 65.123: 65.1, 0.0123456: 0.0123, 12345: 12300, 2: 2} {
		require.Equal(t, want, digits(x))
	}
}
