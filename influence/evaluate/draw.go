package evaluate

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/infl-dev/infl/internal/draw"
)

// DrawSubsets returns m random subsets of n rows, as masks: each has ⌊share·n + ½⌋ rows
// without repetition, every such subset with the same probability, independently of
// the others. Subset j depends on n, share, seed and j only. It takes m·n bytes.
//
// A share must leave at least one row in and one out.
func DrawSubsets(n int64, m int, share float64, seed uint64) ([][]bool, error) {
	size := math.Floor(share*float64(n) + 0.5)
	switch {
	case m < 1:
		return nil, fmt.Errorf("%d subsets; at least one is needed", m)
	case !(size >= 1 && size < float64(n)):
		return nil, fmt.Errorf("a share of %v of %d rows is no proper subset", share, n)
	}
	masks := make([][]bool, m)
	for j := range masks {
		masks[j] = make([]bool, n)
		for _, i := range draw.Subset(rand.NewPCG(seed, uint64(j)), n, int64(size)) {
			masks[j][i] = true
		}
	}
	return masks, nil
}

// Shuffled returns the numbers 0 … n−1 in a random order that depends on n and seed
// only. It takes 8·n bytes.
func Shuffled(n int64, seed uint64) []int64 {
	return draw.Shuffled(rand.NewPCG(seed, 0), max(n, 0))
}
