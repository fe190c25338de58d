package evaluate

import (
	"cmp"
	"fmt"
	"slices"
)

// HelpfulFirst returns the rows with a score > 0, the highest first and equal scores
// in the order of rows.
func HelpfulFirst(scores []float64) []int64 {
	var rows []int64
	for i, s := range scores {
		if s > 0 {
			rows = append(rows, int64(i))
		}
	}
	slices.SortStableFunc(rows, func(a, b int64) int { return cmp.Compare(scores[b], scores[a]) })
	return rows
}

// A Brittleness says how few rows decide predictions.
type Brittleness struct {
	Smallest []int     // of each query, the smallest size whose removal flips it; −1 where none does
	Flipped  []float64 // of each size, the share of queries that it or a smaller one flips; NaN without queries
}

// Brittle sums up flips[e][k], whether removing the sizes[k] most helpful rows of query
// e changes its predicted class. A query may have fewer flips than there are sizes:
// after the first flip, or where it has no more helpful rows, larger sizes are not
// asked. Sizes ascend.
func Brittle(flips [][]bool, sizes []int) (Brittleness, error) {
	b := Brittleness{Smallest: make([]int, len(flips)), Flipped: make([]float64, len(sizes))}
	if !slices.IsSorted(sizes) {
		return b, fmt.Errorf("the sizes %v do not ascend", sizes)
	}
	for e, of := range flips {
		b.Smallest[e] = -1
		if len(of) > len(sizes) {
			return b, fmt.Errorf("query %d has %d flips for %d sizes", e, len(of), len(sizes))
		}
		if k := slices.Index(of, true); k >= 0 {
			b.Smallest[e] = sizes[k]
		}
	}
	for k, size := range sizes {
		n := 0
		for _, s := range b.Smallest {
			if s >= 0 && s <= size {
				n++
			}
		}
		b.Flipped[k] = float64(n) / float64(len(flips))
	}
	return b, nil
}
