package parallel

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAheadGivesAllPartsInOrder(t *testing.T) {
	for _, hi := range []int64{3, 4, 10, 13} {
		at, turn := int64(3), 0
		for v, err := range Ahead(t.Context(), 3, hi, 4, func(lo, hi int64, turn int) ([3]int64, error) { return [3]int64{lo, hi, int64(turn)}, nil }) {
			require.NoError(t, err)
			require.Equal(t, [3]int64{at, min(at+4, hi), int64(turn)}, v)
			at, turn = at+4, 1-turn
		}
		require.GreaterOrEqual(t, at, hi)
	}
}

func TestAheadEnds(t *testing.T) {
	broken := errors.New("broken")
	var reading atomic.Int32
	read := func(lo, _ int64, _ int) (int64, error) {
		defer reading.Add(-1)
		reading.Add(1)
		if lo == 2 {
			return 0, broken
		}
		return lo, nil
	}
	var seen []int64
	for v, err := range Ahead(t.Context(), 0, 9, 1, read) {
		if err != nil {
			require.ErrorIs(t, err, broken)
			break
		}
		seen = append(seen, v)
	}
	require.Equal(t, []int64{0, 1}, seen)
	for range Ahead(t.Context(), 5, 9, 1, read) {
		break
	}
	require.Zero(t, reading.Load(), "a part is still being read")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n := 0
	for _, err := range Ahead(ctx, 5, 9, 1, read) {
		n++
		require.ErrorIs(t, err, context.Canceled)
	}
	require.Equal(t, 1, n)
}
