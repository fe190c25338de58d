package model

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMovers follows two steps by hand.
func TestMovers(t *testing.T) {
	for optimizer, want := range map[Optimizer]float64{
		SGD:      1 - 0.1*2 - 0.1*-1,
		Momentum: 1 - 0.1*2 - 0.1*(0.5*2-1),
		// Means 2 and (0.9·0.2 − 0.1)/(1 − 0.9²), squares 4 and (0.999·0.004 + 0.001)/(1 − 0.999²).
		Adam: 1 - 0.1 - 0.1*(0.08/0.19)/math.Sqrt(0.004996/0.001999),
	} {
		m := newMover(Options{Optimizer: optimizer, LearningRate: 0.1, Momentum: 0.5}, 1)
		theta := []float64{1}
		for _, g := range []float64{2, -1} {
			m.gradient[0] = g
			m.move(theta)
		}
		require.InDelta(t, want, theta[0], 1e-8, optimizer)
	}
}

// TestOrderOfRowsThatAreLeft: leaving rows out does not shuffle the others anew.
func TestOrderOfRowsThatAreLeft(t *testing.T) {
	data := &Data{X: make([]float64, 100), Y: make([]float64, 100)}
	all := &trainer{rows: data, options: Options{Seed: 5}}
	kept := []int64{3, 4, 50, 98}
	rows, err := data.take(kept)
	require.NoError(t, err)
	some := &trainer{rows: rows, numbers: kept, options: Options{Seed: 5}}
	seen := map[string]bool{}
	for epoch := range 3 {
		var want, got []int64
		for _, row := range all.order(epoch) {
			for _, k := range kept {
				if int64(row) == k {
					want = append(want, k)
				}
			}
		}
		for _, i := range some.order(epoch) {
			got = append(got, kept[i])
		}
		require.Equal(t, want, got)
		seen[string(rune(all.order(epoch)[0]))] = true
	}
	require.Greater(t, len(seen), 1, "every epoch has the same order")
}
