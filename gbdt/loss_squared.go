package gbdt

import (
	"errors"
	"math"
)

// squared is L = ½(y − F)².
type squared struct{}

func (squared) K() int              { return 1 }
func (squared) Classifier() bool    { return false }
func (squared) Check(float64) error { return nil }

func (squared) Value(y []float64, f [][]float64, out []float64) {
	for i, v := range f[0] {
		out[i] = 0.5 * float64((y[i]-v)*(y[i]-v))
	}
}

func (squared) Gradient(y []float64, f, out [][]float64) {
	g := out[0]
	for i, v := range f[0] {
		g[i] = v - y[i]
	}
}

func (l squared) Derive(y []float64, f [][]float64, d Derivatives) {
	l.Gradient(y, f, d.G)
	fill(d.H[0], 1)
	if d.DG != nil {
		fill(d.DG[0], 1)
		fill(d.DH[0], 0)
	}
}

func (squared) Probability(_, _ [][]float64) error { return errNoProbability }

func (squared) ProbabilityGradient([][]float64, []int32, [][]float64) error {
	return errNoProbability
}

func (squared) Classify(_ [][]float64, out []int32) { clear(out) }

func (squared) InitialScore(s LabelStats) ([]float64, string) {
	return []float64{s.WY / s.W}, "mean of the labels"
}

var errNoProbability = errors.New("a regression model has no probability; use --of loss or --of margin")

func fill(x []float64, v float64) {
	for i := range x {
		x[i] = v
	}
}

func integer(y float64) bool { return y == math.Trunc(y) }

func (squared) InitialSlope(y, base []float64, s LabelStats, out [][]float64) {
	for i := range y {
		out[0][i] = (y[i] - base[0]) / s.W
	}
}
