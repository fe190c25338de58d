package gbdt

import (
	"fmt"

	"github.com/infl-dev/infl/internal/kernel"
)

func log1p(x float64) float64 { return kernel.Log1p(x) }

// fromLogMean is what losses with the link log share.
type fromLogMean struct{ regression }

func (fromLogMean) InitialScore(s LabelStats) ([]float64, string) {
	return []float64{kernel.Log(max(s.WY/s.W, tiny))}, "log of the labels' mean"
}

func (fromLogMean) InitialSlope(y, base []float64, s LabelStats, out [][]float64) {
	mean := kernel.Exp(base[0])
	for i := range y {
		out[0][i] = (y[i] - mean) / (s.W * mean)
	}
}

// poisson is L = e^F − y·F. LightGBM puts h = e^(F+shift) into the leaves,
// which is not the derivative of g.
type poisson struct {
	fromLogMean
	shift float64
}

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
	kernel.Exps(out[0], f[0])
	for i := range out[0] {
		out[0][i] -= y[i]
	}
}

func (l poisson) Derive(y []float64, f [][]float64, d Derivatives) {
	lift := kernel.Exp(l.shift)
	kernel.Exps(d.G[0], f[0])
	for i, e := range d.G[0] {
		h := e * lift
		d.G[0][i] = e - y[i]
		d.H[0][i] = h
		if d.DG != nil {
			d.DG[0][i] = e
			d.DH[0][i] = h
		}
	}
}

// tweedie is L = −y·e^{(1−ρ)F}/(1−ρ) + e^{(2−ρ)F}/(2−ρ) with ρ = power, and its
// limits: −y·F + e^F for ρ = 1, and gamma's y·e^{−F} + F for ρ = 2.
type tweedie struct {
	fromLogMean
	power float64
}

func (l tweedie) Check(y float64) error {
	if y < 0 || y == 0 && l.power == 2 {
		return fmt.Errorf("label %v is not positive; gamma needs labels above 0, tweedie of at least 0", y)
	}
	return nil
}

func (l tweedie) Value(y []float64, f [][]float64, out []float64) {
	a, b := 1-l.power, 2-l.power
	for i, v := range f[0] {
		labelPart, rest := v, v
		if a != 0 {
			labelPart = kernel.Exp(a*v) / a
		}
		if b != 0 {
			rest = kernel.Exp(b*v) / b
		}
		out[i] = rest - float64(y[i]*labelPart)
	}
}

func (l tweedie) Gradient(y []float64, f, out [][]float64) {
	a, b := 1-l.power, 2-l.power
	for i, v := range f[0] {
		out[0][i] = kernel.Exp(b*v) - float64(y[i]*kernel.Exp(a*v))
	}
}

func (l tweedie) Derive(y []float64, f [][]float64, d Derivatives) {
	a, b := 1-l.power, 2-l.power
	ups, downs := d.G[0], d.H[0]
	for i, v := range f[0] {
		ups[i], downs[i] = b*v, a*v
	}
	kernel.Exps(ups, ups)
	kernel.Exps(downs, downs)
	for i, up := range ups {
		down := float64(y[i] * downs[i])
		h := float64(b*up) - float64(a*down)
		d.G[0][i] = up - down
		d.H[0][i] = h
		if d.DG != nil {
			d.DG[0][i] = h
			d.DH[0][i] = float64(b*b*up) - float64(a*a*down)
		}
	}
}
