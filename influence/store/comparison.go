package store

import (
	"math"
	"slices"
)

// compare compares two tables of scores.
func compare(against string, got, want [][]float32) Comparison {
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
		a, b := rankingOf(got[q]), rankingOf(want[q])
		r := correlation(a.ranks, b.ranks)
		c.SpearmanMean += r / float64(len(want))
		c.SpearmanMin = min(c.SpearmanMin, r)
		common := 0
		for _, row := range a.order[:c.Top] {
			if slices.Contains(b.order[:c.Top], row) {
				common++
			}
		}
		c.TopOverlap += float64(common) / float64(c.Top*len(want))
	}
	return c
}

// A ranking is rows from the largest score down, those with equal scores in order of
// row, and the rank of each row, the mean one among equals.
type ranking struct {
	order []int
	ranks []float64
}

func rankingOf(scores []float32) ranking {
	r := ranking{make([]int, len(scores)), make([]float64, len(scores))}
	for i := range r.order {
		r.order[i] = i
	}
	slices.SortStableFunc(r.order, func(a, b int) int {
		switch {
		case scores[a] > scores[b]:
			return -1
		case scores[a] < scores[b]:
			return 1
		}
		return 0
	})
	for lo := 0; lo < len(r.order); {
		hi := lo + 1
		for hi < len(r.order) && scores[r.order[hi]] == scores[r.order[lo]] {
			hi++
		}
		for _, row := range r.order[lo:hi] {
			r.ranks[row] = float64(lo+hi-1) / 2
		}
		lo = hi
	}
	return r
}

// correlation is Pearson's of ranks; 1 where both are all equal, 0 where one is.
func correlation(a, b []float64) float64 {
	mean := float64(len(a)-1) / 2
	var ab, aa, bb float64
	for i := range a {
		x, y := a[i]-mean, b[i]-mean
		ab, aa, bb = math.FMA(x, y, ab), math.FMA(x, x, aa), math.FMA(y, y, bb)
	}
	switch {
	case aa == 0 && bb == 0:
		return 1
	case aa == 0 || bb == 0:
		return 0
	}
	return ab / math.Sqrt(float64(aa*bb))
}
