package parallel

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestForRunsEachBlockOnce(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 5, 16} {
		for _, blocks := range []int{0, 1, 2, 3, 64, 1000} {
			seen := make([]atomic.Int32, blocks)
			require.NoError(t, For(t.Context(), workers, blocks, func(_, b int) error {
				seen[b].Add(1)
				return nil
			}))
			for b := range seen {
				require.EqualValues(t, 1, seen[b].Load(), "block %d of %d, %d workers", b, blocks, workers)
			}
		}
	}
}

func TestForWorkersOwnTheirNumber(t *testing.T) {
	busy := make([]atomic.Int32, 4)
	require.NoError(t, For(t.Context(), 4, 500, func(w, _ int) error {
		if busy[w].Add(1) != 1 {
			return fmt.Errorf("worker %d runs twice at a time", w)
		}
		busy[w].Add(-1)
		return nil
	}))
}

func TestForStopsAtAnError(t *testing.T) {
	for _, workers := range []int{1, 2, 8} {
		var ran atomic.Int32
		err := For(t.Context(), workers, 10_000, func(_, b int) error {
			ran.Add(1)
			if b >= 5 {
				return fmt.Errorf("block %d", b)
			}
			return nil
		})
		require.EqualError(t, err, "block 5")
		require.Less(t, int(ran.Load()), 100)
	}
}

func TestForStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := For(ctx, 3, 1000, func(_, b int) error {
		if b == 7 {
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
}

func TestForRaisesPanicsInTheCaller(t *testing.T) {
	for _, workers := range []int{1, 3} {
		require.PanicsWithValue(t, "boom", func() {
			_ = For(context.Background(), workers, 10, func(_, b int) error {
				if b == 3 {
					panic("boom")
				}
				return nil
			})
		})
	}
}

// merged writes the tree that the definition describes: pair neighbours level
// by level, pass an odd last one up.
func merged(leaves []string) string {
	for len(leaves) > 1 {
		var up []string
		for i := 0; i < len(leaves); i += 2 {
			if i+1 == len(leaves) {
				up = append(up, leaves[i])
			} else {
				up = append(up, "("+leaves[i]+leaves[i+1]+")")
			}
		}
		leaves = up
	}
	return leaves[0]
}

func TestTreeShape(t *testing.T) {
	for blocks := 1; blocks <= 70; blocks++ {
		leaves := make([]string, blocks)
		for i := range leaves {
			leaves[i] = fmt.Sprint(i, ";")
		}
		tree := NewTree(blocks, func(a, b string) string { return "(" + a + b + ")" })
		for _, b := range rand.Perm(blocks) {
			require.NoError(t, tree.Add(b, leaves[b]))
		}
		got, err := tree.Root()
		require.NoError(t, err)
		require.Equal(t, merged(leaves), got)
	}
}

func TestTreeMissesABlock(t *testing.T) {
	tree := NewTree(4, func(a, b int) int { return a + b })
	for _, b := range []int{0, 1, 3} {
		require.NoError(t, tree.Add(b, 1))
	}
	_, err := tree.Root()
	require.EqualError(t, err, "3 of 4 blocks were added")
	require.Error(t, tree.Add(4, 1))
}

func TestReduceHasTheSameBitsForAnyWorkers(t *testing.T) {
	sum := func(workers int) float64 {
		s, err := Reduce(t.Context(), workers, 1001, func(_, b int) (float64, error) {
			return rand.New(rand.NewPCG(1, uint64(b))).NormFloat64() * 1e3, nil
		}, func(a, b float64) float64 { return a + b })
		require.NoError(t, err)
		return s
	}
	want := sum(1)
	for _, w := range []int{2, 5, 16} {
		require.Equal(t, want, sum(w))
	}
}

func TestReduceErrors(t *testing.T) {
	bad := errors.New("bad")
	_, err := Reduce(t.Context(), 3, 9, func(_, b int) (int, error) {
		if b == 4 {
			return 0, bad
		}
		return b, nil
	}, func(a, b int) int { return a + b })
	require.ErrorIs(t, err, bad)

	none, err := Reduce(t.Context(), 3, 0, func(_, _ int) (int, error) { return 1, nil }, func(a, b int) int { return a + b })
	require.NoError(t, err)
	require.Zero(t, none)
}
