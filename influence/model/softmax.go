package model

import (
	"context"
	"fmt"
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

const (
	newtonSteps     = 100
	newtonTolerance = 1e-13 // of the gradient, in units of the gradient at zero weights

	// roundedTolerance is where a gradient that does not get smaller any more counts as
	// rounding.
	roundedTolerance = 1e-10

	// separated is a mean loss below which weights are on their way to infinity.
	separated = 1e-8
)

// softmax minimises the objective of softmax regression by Newton's method. Each step
// solves H·s = ∂J by conjugate gradients on products with H, the more accurately the
// smaller the gradient is (Dembo and Steihaug 1983), so that convergence is quadratic
// at the end; steps are halved until the objective falls enough (Armijo).
func (t *trainer) softmax(ctx context.Context) error {
	c := newConvex(t.model, t.design(), t.rows.Y, t.workers)
	theta := t.model.Layers[0].Theta
	zero := c.at(make([]float64, len(theta)))
	unit := max(1, largest(zero.gradient))
	now := c.at(theta)
	step := make([]float64, len(theta))
	for range newtonSteps {
		if err := ctx.Err(); err != nil {
			return err
		}
		most := largest(now.gradient)
		if most <= newtonTolerance*unit {
			break
		}
		c.newtonStep(now, min(0.5, math.Sqrt(most/unit))*most, step)
		next, ok := c.search(now, step)
		if !ok {
			if most <= roundedTolerance*unit {
				break
			}
			return fmt.Errorf("softmax regression stopped at a gradient of %.1e; use an L2 regularisation above 0", most)
		}
		now = next
		t.model.Training.Step++
	}
	copy(theta, now.theta)
	if most := largest(now.gradient); !(most <= roundedTolerance*unit) {
		return fmt.Errorf("softmax regression has a gradient of %.1e after %d Newton steps; use an L2 regularisation above 0", most, newtonSteps)
	}
	if t.options.L2 == 0 && now.objective < separated {
		return fmt.Errorf("the features of the %d rows tell all classes apart, so the loss has no minimum; use an L2 regularisation above 0", t.rows.Len())
	}
	return t.settle(ctx)
}

// A convex is the objective of a model of one layer, as a function of its weights.
type convex struct {
	model   *Model
	workers int
	a       kernel.Matrix[float64] // n × (d + 1)
	labels  []float64
}

// A point is the objective at some weights.
type point struct {
	theta, gradient []float64
	objective       float64
	p               kernel.Matrix[float64] // probabilities, n × K; empty for squared loss
}

func newConvex(m *Model, a kernel.Matrix[float64], labels []float64, workers int) *convex {
	return &convex{model: m, workers: workers, a: a, labels: labels}
}

// weights returns numbers as a matrix of the layer's shape.
func (c *convex) weights(x []float64) kernel.Matrix[float64] {
	return kernel.MatrixOf(x, c.model.Width(), c.a.Cols)
}

// at computes objective, gradient and probabilities; it keeps theta.
func (c *convex) at(theta []float64) *point {
	m := c.model
	at := &point{theta: theta, gradient: make([]float64, len(theta))}
	g := kernel.NewMatrix[float64](c.a.Rows, m.Width())
	kernel.GemmNT(c.workers, c.a, c.weights(theta), g)
	for i, y := range c.labels {
		at.objective += m.Loss.of(g.Row(i), y)
	}
	at.objective /= m.Training.Denominator
	kernel.GemmTN(c.workers, g, c.a, c.weights(at.gradient))
	for j := range at.gradient {
		at.gradient[j] /= m.Training.Denominator
	}
	at.objective += m.Training.addPenalty(&Layer{In: m.Inputs(), Out: m.Width(), Theta: theta}, c.weights(at.gradient))
	if m.Loss == CrossEntropy {
		for i, y := range c.labels {
			g.Row(i)[int(y)]++
		}
		at.p = g
	}
	return at
}

// times writes H·v to out: for each row u = V·a, then (diag(p) − p·pᵀ)·u, or u itself
// for the squared loss, times aᵀ; the mean of these, and μ·v.
func (c *convex) times(at *point, v, out []float64) {
	m := c.model
	u := kernel.NewMatrix[float64](c.a.Rows, m.Width())
	kernel.GemmNT(c.workers, c.a, c.weights(v), u)
	if m.Loss == CrossEntropy {
		for i := range u.Rows {
			curve(at.p.Row(i), u.Row(i))
		}
	}
	clear(out)
	kernel.GemmTN(c.workers, u, c.a, c.weights(out))
	for j := range out {
		out[j] = out[j]/m.Training.Denominator + float64(m.Training.penalty(j%c.a.Cols, m.Inputs())*v[j])
	}
}

// curve overwrites u with (diag(p) − p·pᵀ)·u.
func curve(p, u []float64) {
	mean := 0.0
	for k, v := range p {
		mean += float64(v * u[k])
	}
	for k, v := range p {
		u[k] = v * (u[k] - mean)
	}
}

// newtonStep solves H·step = gradient by conjugate gradients until no entry of the
// residual is above the tolerance.
func (c *convex) newtonStep(at *point, tolerance float64, step []float64) {
	clear(step)
	r := append([]float64(nil), at.gradient...)
	d := append([]float64(nil), r...)
	product := make([]float64, len(r))
	square := inner(r, r)
	for range 10 * len(r) {
		if largest(r) <= tolerance {
			return
		}
		c.times(at, d, product)
		bend := inner(d, product)
		if !(bend > 0) {
			return
		}
		alpha := square / bend
		for j := range r {
			step[j] += float64(alpha * d[j])
			r[j] -= float64(alpha * product[j])
		}
		before := square
		square = inner(r, r)
		beta := square / before
		for j := range d {
			d[j] = r[j] + float64(beta*d[j])
		}
	}
}

// search halves the step until the objective falls by a ten-thousandth of what the
// gradient promises. Where rounding hides that fall, a smaller gradient decides.
func (c *convex) search(now *point, step []float64) (*point, bool) {
	promise := inner(now.gradient, step)
	for scale := 1.0; scale > 1e-9; scale /= 2 {
		theta := append([]float64(nil), now.theta...)
		for j := range theta {
			theta[j] -= float64(scale * step[j])
		}
		next := c.at(theta)
		if next.objective <= now.objective-1e-4*float64(scale*promise) && next.objective < now.objective ||
			promise <= 1e-12*math.Abs(now.objective) && largest(next.gradient) < largest(now.gradient) {
			return next, true
		}
	}
	return now, false
}

// inner returns ⟨x, y⟩, one chain in order.
func inner(x, y []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += float64(v * y[i])
	}
	return sum
}
