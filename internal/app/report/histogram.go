package report

import (
	"math"
	"slices"
)

// histogramBins is odd, so that one bin holds the zero in its middle.
const histogramBins = 41

// A Histogram counts values in bins of equal width, symmetric about zero where
// there are values of both signs. The first and the last bin also count all
// values beyond.
type Histogram struct {
	Lo    Number  `json:"lo"` // lower edge of the first bin
	Hi    Number  `json:"hi"` // upper edge of the last bin
	Bins  []int64 `json:"bins"`
	Below int64   `json:"below"` // values under Lo
	Above int64   `json:"above"` // values over Hi
	Min   Number  `json:"min"`
	Max   Number  `json:"max"`
}

// NewHistogram counts the finite values. The bins reach to the 99.5th
// percentile of the absolute values, so that a few large ones do not press all
// others into one bin.
func NewHistogram(values []float64) Histogram {
	sorted := make([]float64, 0, len(values))
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			sorted = append(sorted, v)
		}
	}
	if len(sorted) == 0 {
		return Histogram{}
	}
	slices.Sort(sorted)
	lo, hi := sorted[0], sorted[len(sorted)-1]
	h := Histogram{Bins: make([]int64, histogramBins), Min: Number(lo), Max: Number(hi)}
	abs := make([]float64, len(sorted))
	for i, v := range sorted {
		abs[i] = math.Abs(v)
	}
	slices.Sort(abs)
	reach := abs[min(len(abs)-1, len(abs)*995/1000)]
	if reach == 0 {
		reach = max(abs[len(abs)-1], 1)
	}
	switch {
	case lo >= 0:
		lo, hi = 0, reach
	case hi <= 0:
		lo, hi = -reach, 0
	default:
		lo, hi = -reach, reach
	}
	h.Lo, h.Hi = Number(lo), Number(hi)
	for _, v := range sorted {
		if v < lo {
			h.Below++
		}
		if v > hi {
			h.Above++
		}
		b := int(math.Floor((v - lo) / (hi - lo) * histogramBins))
		h.Bins[min(max(b, 0), histogramBins-1)]++
	}
	return h
}

// Edge returns the lower edge of bin i, or Hi for i = len(Bins).
func (h Histogram) Edge(i int) Number {
	return h.Lo + (h.Hi-h.Lo)*Number(i)/Number(max(len(h.Bins), 1))
}
