package gbdt

import (
	"fmt"

	"github.com/infl-dev/infl/internal/kernel"
)

// poisson is L = e^F − y·F. LightGBM puts h = e^(F+shift) into the leaves,
// which is not the derivative of g.
type poisson struct{ shift float64 }

func (poisson) K() int           { return 1 }
func (poisson) Classifier() bool { return false }

func (poisson) Check(y float64) error {
	if y < 0 {
		return fmt.Errorf("label %v is negative; poisson needs labels of at least 0", y)
	}
	return nil
}

func (poisson) Value(y []float64, f [][]float64, out []float64) {
	for i, v := range f[0] {
		out[i] = kernel.Exp(v) - float64(y[i]*v)
	}
}

func (poisson) Gradient(y []float64, f, out [][]float64) {
	g := out[0]
	for i, v := range f[0] {
		g[i] = kernel.Exp(v) - y[i]
	}
}

func (l poisson) Derive(y []float64, f [][]float64, d Derivatives) {
	lift := kernel.Exp(l.shift)
	for i, v := range f[0] {
		e := kernel.Exp(v)
		h := e * lift
		d.G[0][i] = e - y[i]
		d.H[0][i] = h
		if d.DG != nil {
			d.DG[0][i] = e
			d.DH[0][i] = h
		}
	}
}

func (poisson) Probability(_, _ [][]float64) error { return errNoProbability }

func (poisson) ProbabilityGradient([][]float64, []int32, [][]float64) error {
	return errNoProbability
}

func (poisson) Classify(_ [][]float64, out []int32) { clear(out) }

func (poisson) InitialScore(s LabelStats) ([]float64, string) {
	return []float64{kernel.Log(max(s.WY/s.W, tiny))}, "log of the labels' mean"
}

func (poisson) InitialSlope(y, base []float64, s LabelStats, out [][]float64) {
	mean := kernel.Exp(base[0])
	for i := range y {
		out[0][i] = (y[i] - mean) / (s.W * mean)
	}
}
