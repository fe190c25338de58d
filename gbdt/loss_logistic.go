package gbdt

import (
	"fmt"

	"github.com/infl-dev/infl/internal/kernel"
)

// logistic is L = Σ_c log(1 + e^{sF_c}) − t_c·s·F_c with s = sigmoid. For one
// output t = [y > 0]; for K > 1 (LightGBM's multiclassova) t_c = [y = c]: K
// independent losses, and the loss of a query is their sum.
type logistic struct {
	k                  int
	sigmoid            float64
	positive, negative float64 // label weights inside g and h

	soft   bool // cross_entropy: labels are probabilities, t = y
	lambda bool // cross_entropy_lambda without row weights: as cross_entropy, but for its initial score
}

func (l logistic) K() int         { return l.k }
func (logistic) Classifier() bool { return true }

func (l logistic) Agree(y, z float64) bool {
	switch {
	case l.soft:
		return (y > 0.5) == (z > 0.5)
	case l.k == 1:
		return (y > 0) == (z > 0)
	}
	return y == z
}

func (l logistic) Check(y float64) error {
	if l.soft {
		if !(y >= 0 && y <= 1) {
			return fmt.Errorf("label %v is not a probability from 0 to 1", y)
		}
		return nil
	}
	if l.k == 1 {
		if y != 0 && y != 1 && y != -1 {
			return fmt.Errorf("label %v is not 0 or 1; name the two classes with --classes NEGATIVE,POSITIVE", y)
		}
		return nil
	}
	return checkClass(y, l.k)
}

func checkClass(y float64, k int) error {
	if !integer(y) || y < 0 || y >= float64(k) {
		return fmt.Errorf("label %v is not a class from 0 to %d; name the classes with --classes A,B,…", y, k-1)
	}
	return nil
}

// target is 1 where the label belongs to output c.
func (l logistic) target(y float64, c int) float64 {
	if l.soft {
		return y
	}
	if l.k == 1 && y > 0 || l.k > 1 && int(y) == c {
		return 1
	}
	return 0
}

func (l logistic) Value(y []float64, f [][]float64, out []float64) {
	clear(out)
	for c := range f {
		for i, v := range f[c] {
			z := l.sigmoid * v
			out[i] += kernel.LogSumExp0(z) - float64(l.target(y[i], c)*z)
		}
	}
}

// probabilities writes σ(sF), one output.
func (l logistic) probabilities(f, p []float64) {
	for i, v := range f {
		p[i] = l.sigmoid * v
	}
	kernel.Sigmoids(p, p)
}

func (l logistic) Gradient(y []float64, f, out [][]float64) {
	for c := range f {
		p := out[c]
		l.probabilities(f[c], p)
		for i := range p {
			p[i] = l.sigmoid * (p[i] - l.target(y[i], c))
		}
	}
}

func (l logistic) Derive(y []float64, f [][]float64, d Derivatives) {
	for c := range f {
		g, h := d.G[c], d.H[c]
		l.targets(y, c, g)
		l.probabilities(f[c], h)
		if d.DG == nil {
			l.derive(g, h, nil, nil)
		} else {
			l.derive(g, h, d.DG[c][:len(h)], d.DH[c][:len(h)])
		}
	}
}

// derive turns targets g and probabilities h of one output into its
// derivatives. Labels weigh the same in most models: no branch for them then.
func (l logistic) derive(g, h, dg, dh []float64) {
	s := l.sigmoid
	negative, positive := l.negative*s, l.positive*s
	same := positive == negative
	for i, p := range h {
		t, w := g[i], negative
		if !same && t > 0 {
			w = positive
		}
		v := w * s * p * (1 - p)
		g[i] = w * (p - t)
		h[i] = v
		if dg != nil {
			dg[i] = v
			dh[i] = v * s * (1 - 2*p)
		}
	}
}

// targets writes the target of output c.
func (l logistic) targets(y []float64, c int, out []float64) {
	switch {
	case l.soft:
		copy(out, y)
	case l.k == 1:
		for i, v := range y {
			out[i] = max(v, 0) // of the labels −1, 0 and 1
		}
	default:
		for i, v := range y {
			out[i] = 0
			if int(v) == c {
				out[i] = 1
			}
		}
	}
}

func (l logistic) Probability(f, out [][]float64) error {
	for c := range f {
		l.probabilities(f[c], out[c])
	}
	return nil
}

func (l logistic) ProbabilityGradient(f [][]float64, o []int32, out [][]float64) error {
	for c := range f {
		l.probabilities(f[c], out[c])
		for i, p := range out[c] {
			out[c][i] = 0
			if l.k == 1 || int(o[i]) == c {
				out[c][i] = l.sigmoid * p * (1 - p)
			}
		}
	}
	return nil
}

func (l logistic) Classify(f [][]float64, out []int32) {
	if l.k > 1 {
		argmax(f, out)
		return
	}
	for i, v := range f[0] {
		out[i] = 0
		if v > 0 {
			out[i] = 1
		}
	}
}

func (l logistic) InitialScore(s LabelStats) ([]float64, string) {
	base := make([]float64, l.k)
	switch {
	case l.lambda:
		return []float64{kernel.Log(kernel.Exp(s.WY/s.W) - 1)}, "log(e^mean − 1) of the labels"
	case l.soft:
		p := min(max(s.WY/s.W, tiny), 1-tiny)
		return []float64{kernel.Log(p / (1 - p))}, "log-odds of the labels' mean"
	}
	for c := range base {
		w := s.WPos
		if l.k > 1 {
			w = s.ClassW[c]
		}
		p := min(max(w/s.W, tiny), 1-tiny)
		base[c] = kernel.Log(p/(1-p)) / l.sigmoid
	}
	return base, "log-odds of the classes"
}

// argmax writes the output with the largest margin; the first on a tie.
func argmax(f [][]float64, out []int32) {
	clear(out)
	for c := 1; c < len(f); c++ {
		for i, v := range f[c] {
			if v > f[out[i]][i] {
				out[i] = int32(c)
			}
		}
	}
}

func (l logistic) InitialSlope(y, base []float64, s LabelStats, out [][]float64) {
	if l.lambda {
		mean := kernel.Log1p(kernel.Exp(base[0]))
		for i := range y {
			out[0][i] = (y[i] - mean) / (s.W * kernel.Sigmoid(base[0]))
		}
		return
	}
	for c := range out {
		p := kernel.Sigmoid(l.sigmoid * base[c])
		for i := range y {
			out[c][i] = (l.target(y[i], c) - p) / (p * (1 - p) * s.W * l.sigmoid)
		}
	}
}
