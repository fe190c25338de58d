package evaluate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Pearson returns the correlation of x and y,
//
//	Σ (x − x̄)(y − ȳ) / √(Σ (x − x̄)² · Σ (y − ȳ)²),
//
// with means subtracted first. It is NaN where it is not defined. Slices of different
// lengths are an error.
func Pearson(x, y []float64) (float64, error) {
	if err := sameLength(x, y); err != nil {
		return 0, err
	}
	return correlation(x, y, ones(len(x))), nil
}

// Spearman returns the correlation of the ranks of x and y; equal values share the mean
// of their ranks. It is NaN where it is not defined. Slices of different lengths are an
// error. It takes O(n log n).
func Spearman(x, y []float64) (float64, error) {
	if err := sameLength(x, y); err != nil {
		return 0, err
	}
	return rankCorrelation(rank(x), rank(y), ones(len(x))), nil
}

// Ranks returns the rank of each value from 1 on, in ascending order; equal values
// share the mean of their ranks. With a NaN among the values all ranks are NaN.
func Ranks(x []float64) []float64 {
	return rank(x).average(ones(len(x)))
}

func sameLength(x, y []float64) error {
	if len(x) != len(y) {
		return fmt.Errorf("%d numbers cannot be compared with %d", len(x), len(y))
	}
	return nil
}

func ones(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

// correlation is Pearson's, of pairs that stand as often as their weight says.
func correlation(x, y, weight []float64) float64 {
	if !varies(x) || !varies(y) {
		return math.NaN()
	}
	var n, sumX, sumY float64
	for i, w := range weight {
		n += w
		sumX += float64(w * x[i])
		sumY += float64(w * y[i])
	}
	meanX, meanY := sumX/n, sumY/n
	var xx, xy, yy float64
	for i, w := range weight {
		dx, dy := x[i]-meanX, y[i]-meanY
		xx += float64(w * float64(dx*dx))
		xy += float64(w * float64(dx*dy))
		yy += float64(w * float64(dy*dy))
	}
	if xx == 0 || yy == 0 {
		return math.NaN()
	}
	return max(-1, min(1, xy/math.Sqrt(xx)/math.Sqrt(yy)))
}

// varies reports whether numbers differ. Rounding of their mean can hide that they do
// not.
func varies(x []float64) bool {
	return slices.ContainsFunc(x, func(v float64) bool { return v != x[0] })
}

// A ranking is the order of some values. Ranks of any sample of them, with repetitions,
// follow from it without sorting again.
type ranking struct {
	order []int // positions by ascending value
	ends  []int // ends of the runs of equal values in order
	valid bool  // no value is NaN
}

func rank(x []float64) ranking {
	r := ranking{order: make([]int, len(x)), valid: true}
	for i, v := range x {
		r.order[i] = i
		r.valid = r.valid && !math.IsNaN(v)
	}
	slices.SortStableFunc(r.order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	for i := range r.order {
		if i+1 == len(r.order) || x[r.order[i]] != x[r.order[i+1]] {
			r.ends = append(r.ends, i+1)
		}
	}
	return r
}

// average returns the rank of each value in the sample that has value i weight[i]
// times.
func (r ranking) average(weight []float64) []float64 {
	out := make([]float64, len(r.order))
	before, lo := 0.0, 0
	for _, hi := range r.ends {
		run := 0.0
		for _, i := range r.order[lo:hi] {
			run += weight[i]
		}
		for _, i := range r.order[lo:hi] {
			out[i] = before + (run+1)/2
			if !r.valid {
				out[i] = math.NaN()
			}
		}
		before, lo = before+run, hi
	}
	return out
}

// rankCorrelation is Spearman's, of pairs that stand as often as their weight says.
func rankCorrelation(x, y ranking, weight []float64) float64 {
	if !x.valid || !y.valid {
		return math.NaN()
	}
	return correlation(x.average(weight), y.average(weight), weight)
}

// meanDefined returns the mean of the numbers that are not NaN, and how many are.
func meanDefined(x []float64) (mean float64, undefined int) {
	sum := 0.0
	for _, v := range x {
		if math.IsNaN(v) {
			undefined++
		} else {
			sum += v
		}
	}
	return sum / float64(len(x)-undefined), undefined
}
