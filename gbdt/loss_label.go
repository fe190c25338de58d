package gbdt

import (
	"errors"

	"github.com/infl-dev/infl/internal/kernel"
)

var errNoLabelSlope = errors.New("label-gradient needs labels that can move a little: a regression, binary or cross_entropy model")

func (fromMean) initialLabelSlope(s LabelStats) float64 { return 1 / s.W }

func (fromLogMean) initialLabelSlope(base []float64, s LabelStats) float64 {
	return 1 / (s.W * kernel.Exp(base[0]))
}

func (l squared) LabelSlope(_, _, _ []float64, s LabelStats, gy, hy []float64) (float64, error) {
	fill(gy, -1)
	fill(hy, 0)
	return l.initialLabelSlope(s), nil
}

func (l huber) LabelSlope(y, f, _ []float64, s LabelStats, gy, hy []float64) (float64, error) {
	fill(hy, 0)
	for i := range y {
		gy[i] = 0
		if r := f[i] - y[i]; r <= l.alpha && r >= -l.alpha {
			gy[i] = -1
		}
	}
	return l.initialLabelSlope(s), nil
}

func (l fair) LabelSlope(y, f, _ []float64, s LabelStats, gy, hy []float64) (float64, error) {
	for i := range y {
		r := f[i] - y[i]
		a := r*sign(r) + l.c
		h := l.c / a * (l.c / a)
		gy[i], hy[i] = -h, 2*h*sign(r)/a
	}
	return l.initialLabelSlope(s), nil
}

func (l poisson) LabelSlope(_, _, base []float64, s LabelStats, gy, hy []float64) (float64, error) {
	fill(gy, -1)
	fill(hy, 0)
	return l.initialLabelSlope(base, s), nil
}

func (l tweedie) LabelSlope(_, f, base []float64, s LabelStats, gy, hy []float64) (float64, error) {
	a := 1 - l.power
	for i, v := range f {
		e := kernel.Exp(a * v)
		gy[i], hy[i] = -e, -float64(a*e)
	}
	return l.initialLabelSlope(base, s), nil
}

func (l logistic) LabelSlope(y, _, base []float64, s LabelStats, gy, hy []float64) (float64, error) {
	if l.k > 1 {
		return 0, errNoLabelSlope
	}
	fill(hy, 0)
	for i := range y {
		w := l.negative
		if l.target(y[i], 0) > 0 {
			w = l.positive
		}
		gy[i] = -w * l.sigmoid
	}
	p := kernel.Sigmoid(l.sigmoid * base[0])
	if l.lambda {
		return 1 / (s.W * p), nil
	}
	return 1 / (p * (1 - p) * s.W * l.sigmoid), nil
}

func (softmax) LabelSlope(_, _, _ []float64, _ LabelStats, _, _ []float64) (float64, error) {
	return 0, errNoLabelSlope
}

func (renewed) LabelSlope(_, _, _ []float64, _ LabelStats, _, _ []float64) (float64, error) {
	return 0, errNoLabelSlope
}
