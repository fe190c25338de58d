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

// probabilities writes p = softmax(F), and max F and Σ_c e^{F_c − max F} of each
// row, all as columns.
func (l softmax) probabilities(f, p [][]float64, top, sum []float64) {
	copy(top, f[0])
	for _, column := range f[1:] {
		for i, v := range column {
			top[i] = max(top[i], v)
		}
	}
	clear(sum)
	for c, column := range f {
		for i, v := range column {
			p[c][i] = v - top[i]
		}
		kernel.Exps(p[c], p[c])
		for i, v := range p[c] {
			sum[i] += v
		}
	}
	for c := range p {
		for i := range p[c] {
			p[c][i] /= sum[i]
		}
	}
}

func (l softmax) Value(y []float64, f [][]float64, out []float64) {
	p := columns(l.k+1, len(out))
	sum := p[l.k]
	l.probabilities(f, p[:l.k], out, sum)
	for i := range out {
		out[i] = out[i] + kernel.Log(sum[i]) - f[int(y[i])][i]
	}
}

func (l softmax) Gradient(y []float64, f, out [][]float64) {
	work := columns(2, len(y))
	l.probabilities(f, out, work[0], work[1])
	for i, class := range y {
		out[int(class)][i]--
	}
}

func (l softmax) Derive(y []float64, f [][]float64, d Derivatives) {
	// The Hessians of the first two outputs hold maxima and sums until the
	// probabilities are there.
	l.probabilities(f, d.G, d.H[0], d.H[1])
	for c := range d.G {
		h := d.H[c]
		for i, p := range d.G[c] {
			h[i] = l.factor * (p * (1 - p))
		}
		if d.DG == nil {
			continue
		}
		dg, dh := d.DG[c], d.DH[c]
		for i, p := range d.G[c] {
			v := p * (1 - p)
			dg[i] = v
			dh[i] = l.factor * v * (1 - 2*p)
		}
	}
	for i, class := range y {
		d.G[int(class)][i]--
	}
}

func (l softmax) Probability(f, out [][]float64) error {
	work := columns(2, len(f[0]))
	l.probabilities(f, out, work[0], work[1])
	return nil
}

func (l softmax) ProbabilityGradient(f [][]float64, o []int32, out [][]float64) error {
	work := columns(3, len(o))
	l.probabilities(f, out, work[0], work[1])
	own := work[2]
	for i, c := range o {
		own[i] = out[c][i]
	}
	for c := range out {
		for i, p := range out[c] {
			out[c][i] = -float64(own[i] * p)
		}
	}
	for i, c := range o {
		out[c][i] = own[i] * (1 - own[i])
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
