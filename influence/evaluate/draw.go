package evaluate

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
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
		source := rand.NewPCG(seed, uint64(j))
		masks[j] = make([]bool, n)
		// Floyd, Commun. ACM 30 (1987): every subset of the size is equally likely.
		for top := n - int64(size); top < n; top++ {
			i := below(source, top+1)
			if masks[j][i] {
				i = top
			}
			masks[j][i] = true
		}
	}
	return masks, nil
}

// below returns a random number of 0 … n−1, by the upper half of a product.
func below(source *rand.PCG, n int64) int64 {
	hi, _ := bits.Mul64(source.Uint64(), uint64(n))
	return int64(hi)
}

// Shuffled returns the numbers 0 … n−1 in a random order that depends on n and seed
// only (Fisher and Yates). It takes 8·n bytes.
func Shuffled(n int64, seed uint64) []int64 {
	source := rand.NewPCG(seed, 0)
	out := make([]int64, max(n, 0))
	for i := range out {
		j := below(source, int64(i)+1)
		out[i] = out[j]
		out[j] = int64(i)
	}
	return out
}
