package gbdt

import "github.com/infl-dev/infl/internal/kernel"

// softmax is L = log Σ_c e^{F_c} − F_y. LightGBM multiplies the diagonal
// Hessian by K/(K−1), before version 3 by 2, which makes H differ from dG/dF.
type softmax struct {
	k      int
	factor float64
}

func (l softmax) K() int                { return l.k }
func (softmax) Classifier() bool        { return true }
func (l softmax) Check(y float64) error { return checkClass(y, l.k) }

func (softmax) Agree(y, z float64) bool { return y == z }

// row writes p = softmax(F) of row i, and returns max F and Σ e^{F − max F}.
func (l softmax) row(f [][]float64, i int, p []float64) (top, sum float64) {
	top = f[0][i]
	for c := 1; c < l.k; c++ {
		top = max(top, f[c][i])
	}
	for c := range p {
		p[c] = kernel.Exp(f[c][i] - top)
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	return top, sum
}

func (l softmax) Value(y []float64, f [][]float64, out []float64) {
	p := make([]float64, l.k)
	for i := range out {
		top, sum := l.row(f, i, p)
		out[i] = top + kernel.Log(sum) - f[int(y[i])][i]
	}
}

func (l softmax) Gradient(y []float64, f, out [][]float64) {
	p := make([]float64, l.k)
	for i := range y {
		l.row(f, i, p)
		for c := range p {
			out[c][i] = p[c]
		}
		out[int(y[i])][i]--
	}
}

func (l softmax) Derive(y []float64, f [][]float64, d Derivatives) {
	p := make([]float64, l.k)
	for i := range y {
		l.row(f, i, p)
		for c := range p {
			v := p[c] * (1 - p[c])
			d.G[c][i] = p[c]
			d.H[c][i] = l.factor * v
			if d.DG != nil {
				d.DG[c][i] = v
				d.DH[c][i] = l.factor * v * (1 - 2*p[c])
			}
		}
		d.G[int(y[i])][i]--
	}
}

func (l softmax) Probability(f, out [][]float64) error {
	p := make([]float64, l.k)
	for i := range f[0] {
		l.row(f, i, p)
		for c := range p {
			out[c][i] = p[c]
		}
	}
	return nil
}

func (l softmax) ProbabilityGradient(f [][]float64, o []int32, out [][]float64) error {
	p := make([]float64, l.k)
	for i := range f[0] {
		l.row(f, i, p)
		po := p[o[i]]
		for c := range p {
			out[c][i] = -float64(po * p[c])
		}
		out[o[i]][i] = po * (1 - po)
	}
	return nil
}

func (softmax) Classify(f [][]float64, out []int32) { argmax(f, out) }

func (l softmax) InitialScore(s LabelStats) ([]float64, string) {
	base := make([]float64, l.k)
	for c := range base {
		base[c] = kernel.Log(max(tiny, s.ClassW[c]/s.W))
	}
	return base, "logarithms of the class shares"
}

func (l softmax) InitialSlope(y, _ []float64, s LabelStats, out [][]float64) {
	for c := range out {
		for i := range y {
			out[c][i] = -1 / s.W
			if int(y[i]) == c {
				out[c][i] += 1 / s.ClassW[c]
			}
		}
	}
}
