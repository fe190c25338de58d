package gbdt

import (
	"errors"
	"math"
)

var errNoProbability = errors.New("a regression model has no probability; use --of loss or --of margin")

// regression is what all losses with one output and no classes share.
type regression struct{}

func (regression) K() int                             { return 1 }
func (regression) Classifier() bool                   { return false }
func (regression) Agree(_, _ float64) bool            { return false }
func (regression) Check(float64) error                { return nil }
func (regression) Probability(_, _ [][]float64) error { return errNoProbability }
func (regression) ProbabilityGradient([][]float64, []int32, [][]float64) error {
	return errNoProbability
}
func (regression) Classify(_ [][]float64, out []int32) { clear(out) }

// fromMean is the initial score of losses that start from the labels' mean.
type fromMean struct{ regression }

func (fromMean) InitialScore(s LabelStats) ([]float64, string) {
	return []float64{s.WY / s.W}, "mean of the labels"
}

func (fromMean) InitialSlope(y, base []float64, s LabelStats, out [][]float64) {
	for i := range y {
		out[0][i] = (y[i] - base[0]) / s.W
	}
}

// squared is L = ½(y − F)².
type squared struct{ fromMean }

func (squared) Value(y []float64, f [][]float64, out []float64) {
	for i, v := range f[0] {
		out[i] = 0.5 * float64((y[i]-v)*(y[i]-v))
	}
}

func (squared) Gradient(y []float64, f, out [][]float64) {
	for i, v := range f[0] {
		out[0][i] = v - y[i]
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

// huber is L = ½r² for |r| ≤ α and α(|r| − ½α) beyond, r = F − y. LightGBM puts
// h = 1 into the leaves, also where dg/dF is 0.
type huber struct {
	fromMean
	alpha float64
}

func (l huber) Value(y []float64, f [][]float64, out []float64) {
	for i, v := range f[0] {
		r := math.Abs(v - y[i])
		out[i] = 0.5 * float64(r*r)
		if r > l.alpha {
			out[i] = l.alpha * (r - 0.5*l.alpha)
		}
	}
}

func (l huber) Gradient(y []float64, f, out [][]float64) {
	for i, v := range f[0] {
		out[0][i] = min(max(v-y[i], -l.alpha), l.alpha)
	}
}

func (l huber) Derive(y []float64, f [][]float64, d Derivatives) {
	l.Gradient(y, f, d.G)
	fill(d.H[0], 1)
	if d.DG == nil {
		return
	}
	fill(d.DH[0], 0)
	for i, v := range f[0] {
		d.DG[0][i] = 0
		if math.Abs(v-y[i]) <= l.alpha {
			d.DG[0][i] = 1
		}
	}
}

// fair is L = c|r| − c²·log(1 + |r|/c), r = F − y.
type fair struct {
	fromMean
	c float64
}

func (l fair) Value(y []float64, f [][]float64, out []float64) {
	for i, v := range f[0] {
		r := math.Abs(v - y[i])
		out[i] = float64(l.c*r) - float64(l.c*l.c*log1p(r/l.c))
	}
}

func (l fair) Gradient(y []float64, f, out [][]float64) {
	for i, v := range f[0] {
		r := v - y[i]
		out[0][i] = l.c * r / (math.Abs(r) + l.c)
	}
}

func (l fair) Derive(y []float64, f [][]float64, d Derivatives) {
	l.Gradient(y, f, d.G)
	for i, v := range f[0] {
		r := v - y[i]
		s := math.Abs(r) + l.c
		h := l.c / s * (l.c / s)
		d.H[0][i] = h
		if d.DG != nil {
			d.DG[0][i] = h
			d.DH[0][i] = -2 * h * sign(r) / s
		}
	}
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// renewed stands for losses whose leaves are residual percentiles: |r|, the
// quantile loss, and |r|/max(1, |y|), r = F − y. It has values and slopes, but its
// leaves cannot be derived from them.
type renewed struct {
	regression
	name  string
	alpha float64
}

// slopes returns dL/dF below and above the label.
func (l renewed) slopes(y float64) (below, above float64) {
	switch l.name {
	case "quantile":
		return -l.alpha, 1 - l.alpha
	case "mape":
		s := 1 / math.Max(1, math.Abs(y))
		return -s, s
	}
	return -1, 1
}

func (l renewed) Value(y []float64, f [][]float64, out []float64) {
	for i, v := range f[0] {
		below, above := l.slopes(y[i])
		r := v - y[i]
		out[i] = math.Max(below*r, above*r)
	}
}

func (l renewed) Gradient(y []float64, f, out [][]float64) {
	for i, v := range f[0] {
		below, above := l.slopes(y[i])
		switch r := v - y[i]; {
		case r < 0:
			out[0][i] = below
		case r > 0:
			out[0][i] = above
		default:
			out[0][i] = 0
		}
	}
}

func (l renewed) Derive(y []float64, f [][]float64, d Derivatives) {
	l.Gradient(y, f, d.G)
	fill(d.H[0], 1)
	if d.DG != nil {
		fill(d.DG[0], 0)
		fill(d.DH[0], 0)
	}
}

func (renewed) InitialScore(LabelStats) ([]float64, string) { return []float64{0}, "" }

func (renewed) InitialSlope(_, _ []float64, _ LabelStats, out [][]float64) { fill(out[0], 0) }

func fill[T float64 | uint8](x []T, v T) {
	for i := range x {
		x[i] = v
	}
}

func integer(y float64) bool { return y == math.Trunc(y) }
