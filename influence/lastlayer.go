package influence

import (
	"context"
	"fmt"
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

// A Bias says what the outputs of a last layer have beside products of weights and
// features.
type Bias uint8

const (
	PenalisedBias Bias = iota // the weight of a further feature 1, regularised as all others
	FreeBias                  // the same, not regularised
	NoBias                    // nothing
)

// A softmaxLayer is the last layer of a classifier and what it was trained to minimise:
//
//	J(Θ) = (1/n)·Σ_i [log Σ_k exp(z_ik) − ⟨t_i, z_i⟩] + μ/2·‖Θ‖²     z_i = Θ·f_i
//
// for n × d features f, K outputs and targets t_i that add up to 1. With a bias each f
// ends with a further 1.
type softmaxLayer struct {
	features Vectors
	bias     Bias
	l2       float64
	workers  int

	targets kernel.Matrix[float64] // n × K
	chances kernel.Matrix[float64] // n × K: the softmax of z at the last Θ that was asked about
}

// width is the number of weights of an output.
func (l *softmaxLayer) width() int {
	if l.bias == NoBias {
		return l.features.Cols()
	}
	return l.features.Cols() + 1
}

// sum is [sumBlocks] over the features with their 1; add gets rows first … of f.
func (l *softmaxLayer) sum(ctx context.Context, add func(first, end int, f, into kernel.Matrix[float64])) (kernel.Matrix[float64], error) {
	return sumBlocks(ctx, l.features, l.workers, l.targets.Cols, l.width(), func(first int64, f, into kernel.Matrix[float64]) {
		if l.bias != NoBias {
			f = withOnes(f)
		}
		add(int(first), int(first)+f.Rows, f, into)
	})
}

// withOnes returns the rows with a further 1.
func withOnes(m kernel.Matrix[float64]) kernel.Matrix[float64] {
	out := kernel.NewMatrix[float64](m.Rows, m.Cols+1)
	for i := range m.Rows {
		row := out.Row(i)
		copy(row, m.Row(i))
		row[m.Cols] = 1
	}
	return out
}

// addPenalty writes sum/n + μ·Θ to sum, for weights that are regularised.
func (l *softmaxLayer) addPenalty(sum, theta kernel.Matrix[float64]) {
	n := float64(max(1, l.targets.Rows))
	for k := range sum.Rows {
		out, weights := sum.Row(k), theta.Row(k)
		for j := range out {
			out[j] /= n
			if j < l.features.Cols() || l.bias == PenalisedBias {
				out[j] += float64(l.l2 * weights[j])
			}
		}
	}
}

// slope returns ∂J/∂Θ, K × width, and leaves the chances at Θ.
func (l *softmaxLayer) slope(ctx context.Context, theta kernel.Matrix[float64]) (kernel.Matrix[float64], error) {
	out, err := l.sum(ctx, func(first, end int, f, into kernel.Matrix[float64]) {
		p := l.chances.Block(first, 0, end-first, l.chances.Cols)
		clear(p.Data[:p.Rows*p.Cols])
		kernel.GemmNT(l.workers, f, theta, p)
		miss := kernel.NewMatrix[float64](p.Rows, p.Cols)
		for i := range p.Rows {
			softmax(p.Row(i))
			for k, v := range p.Row(i) {
				miss.Row(i)[k] = v - l.targets.At(first+i, k)
			}
		}
		kernel.GemmTN(l.workers, miss, f, into)
	})
	if err == nil {
		l.addPenalty(out, theta)
	}
	return out, err
}

// times returns the second derivative of J at the chances, times v.
func (l *softmaxLayer) times(ctx context.Context, v kernel.Matrix[float64]) (kernel.Matrix[float64], error) {
	out, err := l.sum(ctx, func(first, end int, f, into kernel.Matrix[float64]) {
		u := kernel.NewMatrix[float64](end-first, v.Rows)
		kernel.GemmNT(l.workers, f, v, u)
		for i := range u.Rows {
			row, p := u.Row(i), l.chances.Row(first+i)
			mean := inner(row, p)
			for k := range row {
				row[k] = p[k] * (row[k] - mean)
			}
		}
		kernel.GemmTN(l.workers, u, f, into)
	})
	if err == nil {
		l.addPenalty(out, v)
	}
	return out, err
}

// softmax overwrites z with exp(z)/Σ exp(z).
func softmax(z []float64) {
	most := math.Inf(-1)
	for _, v := range z {
		most = max(most, v)
	}
	for k := range z {
		z[k] -= most
	}
	kernel.Exps(z, z)
	sum := 0.0
	for _, v := range z {
		sum += v
	}
	for k := range z {
		z[k] /= sum
	}
}

// The largest entry of ∂J/∂Θ at which a fit ends, and with which it may end where
// rounding allows no less.
const (
	fitAim  = 1e-13
	fitMost = 1e-10
)

// fit returns the minimum of J and the largest entry of ∂J/∂Θ there, by Newton's method
// from Θ = 0: each step solves H·s = −∂J/∂Θ by conjugate gradients, and is halved until
// it lowers ‖∂J/∂Θ‖, which it does because H is positive (Dembo, Eisenstat and Steihaug
// 1982).
func (l *softmaxLayer) fit(ctx context.Context) (theta kernel.Matrix[float64], residual float64, err error) {
	const newtonSteps, halvings = 200, 40
	theta = kernel.NewMatrix[float64](l.targets.Cols, l.width())
	slope, err := l.slope(ctx, theta)
	for range newtonSteps {
		if err != nil || largest(slope.Data) <= fitAim {
			break
		}
		var step, next kernel.Matrix[float64]
		if step, err = l.newtonStep(ctx, slope); err != nil {
			break
		}
		better, before := false, squaredNorm(slope.Data)
		for rate, h := 1.0, 0; h < halvings && !better && err == nil; rate, h = rate/2, h+1 {
			at := copyOf(theta)
			addMultiple(at.Data, rate, step.Data)
			if next, err = l.slope(ctx, at); err == nil && squaredNorm(next.Data) < before {
				theta, slope, better = at, next, true
			}
		}
		if !better {
			break
		}
	}
	if err != nil {
		return theta, 0, err
	}
	// The last trial may have been a worse one: the chances are those of theta again.
	if slope, err = l.slope(ctx, theta); err != nil {
		return theta, 0, err
	}
	if residual = largest(slope.Data); !(residual <= fitMost) {
		return theta, residual, fmt.Errorf("the fit of the last layer ends with a slope of %.2g, above %g; scale the features, or raise the regularisation", residual, fitMost)
	}
	return theta, residual, nil
}

// newtonStep returns −H⁻¹·slope by conjugate gradients, the more exactly the smaller the
// slope is.
func (l *softmaxLayer) newtonStep(ctx context.Context, slope kernel.Matrix[float64]) (kernel.Matrix[float64], error) {
	step, residual := kernel.NewMatrix[float64](slope.Rows, slope.Cols), copyOf(slope)
	for i := range residual.Data {
		residual.Data[i] = -residual.Data[i]
	}
	direction := copyOf(residual)
	square := squaredNorm(residual.Data)
	stop := square * min(0.01, square)
	for range 10 * len(slope.Data) {
		if square <= stop {
			break
		}
		product, err := l.times(ctx, direction)
		if err != nil {
			return step, err
		}
		curvature := inner(direction.Data, product.Data)
		if !(curvature > 0) {
			break // Rounding has eaten what is left of the residual.
		}
		rate := square / curvature
		addMultiple(step.Data, rate, direction.Data)
		addMultiple(residual.Data, -rate, product.Data)
		next := squaredNorm(residual.Data)
		turn := next / square
		for i, r := range residual.Data {
			direction.Data[i] = float64(turn*direction.Data[i]) + r
		}
		square = next
	}
	return step, nil
}

// largest returns the largest magnitude, and NaN where a number is none.
func largest(x []float64) float64 {
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	return most
}
