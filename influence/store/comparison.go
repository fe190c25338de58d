package store

import (
	"cmp"
	"math"
	"slices"

	"github.com/infl-dev/infl/influence/evaluate"
)

// compare compares two tables of scores.
func compare(against string, got, want [][]float32) (Comparison, error) {
	n := len(want[0])
	c := Comparison{Against: against, SpearmanMin: 1, Top: min(100, max(1, n/10))}
	for q := range want {
		largest := 0.0
		for _, v := range want[q] {
			largest = max(largest, math.Abs(float64(v)))
		}
		for i, v := range want[q] {
			e := math.Abs(float64(got[q][i]) - float64(v))
			if largest > 0 {
				e /= largest
			}
			c.ErrorMax = max(c.ErrorMax, e)
			c.ErrorMean += e / float64(n*len(want))
		}
		r, err := rankCorrelation(got[q], want[q])
		if err != nil {
			return c, err
		}
		c.SpearmanMean += r / float64(len(want))
		c.SpearmanMin = min(c.SpearmanMin, r)
		common := 0
		best := bestRows(want[q], c.Top)
		for _, row := range bestRows(got[q], c.Top) {
			if slices.Contains(best, row) {
				common++
			}
		}
		c.TopOverlap += float64(common) / float64(c.Top*len(want))
	}
	return c, nil
}

// rankCorrelation is Spearman's. Where it is not defined, because all scores of one side
// are equal, it is 1 for scores that agree and else 0.
func rankCorrelation(got, want []float32) (float64, error) {
	r, err := evaluate.Spearman(wide(got), wide(want))
	switch {
	case !math.IsNaN(r):
		return r, err
	case slices.Equal(got, want):
		return 1, err
	}
	return 0, err
}

func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// bestRows returns the rows with the largest scores, those with equal ones in order of
// row.
func bestRows(scores []float32, top int) []int {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	return order[:top]
}
