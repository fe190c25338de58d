package gbdt

import (
	"fmt"
	"math"

	"github.com/infl-dev/infl/influence"
)

// A Measure says how two vectors become a similarity.
type Measure uint8

const (
	// DefaultMeasure is Dot for TreeSim and Euclidean for InputSim, as in
	// tree_influence.
	DefaultMeasure Measure = iota
	Dot                    // Dot is ⟨a, b⟩.
	Cosine                 // Cosine is ⟨a, b⟩/(‖a‖·‖b‖), and 0 where a norm is 0.
	Euclidean              // Euclidean is 1/‖a − b‖, and the largest finite score for equal vectors.
)

var measureNames = [...]string{"", "dot", "cosine", "euclidean"}

// String returns the name of the measure, "" for the default.
func (m Measure) String() string { return measureNames[m] }

// ParseMeasure reads "dot", "cosine" or "euclidean"; "" is the default.
func ParseMeasure(s string) (Measure, error) {
	for m, name := range measureNames {
		if s == name {
			return Measure(m), nil
		}
	}
	return 0, fmt.Errorf("measure %q is not known; use dot, cosine or euclidean", s)
}

// or returns the measure, or another one for the default.
func (m Measure) or(other Measure) Measure {
	if m == DefaultMeasure {
		return other
	}
	return m
}

// of returns the similarity of vectors with the product ab and the squared
// norms aa and bb. A distance is at most as accurate as float64 numbers of the
// size of the norms: where it is below 1e-7 of them it may be far off.
func (m Measure) of(ab, aa, bb float64, p influence.Precision) float64 {
	switch m {
	case Cosine:
		if aa == 0 || bb == 0 {
			return 0
		}
		return ab / (math.Sqrt(aa) * math.Sqrt(bb))
	case Euclidean:
		return inverseDistance(aa+bb-2*ab, p)
	}
	return ab
}

// inverseDistance returns 1/√square, at most the largest finite score.
func inverseDistance(square float64, p influence.Precision) float64 {
	largest := math.MaxFloat64
	if p == influence.Float32 {
		largest = math.MaxFloat32
	}
	if !(square > 0) {
		return largest
	}
	return min(1/math.Sqrt(square), largest)
}
