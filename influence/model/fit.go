package model

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// Fit trains a model on a subset of the rows of d, see [Options]. The same arguments
// give the same bits. Errors: options or data that cannot be, a minimum that is not
// reached, weights that stopped being numbers, ctx's. Memory: the rows of the subset
// twice.
//
// What follows from all rows stays with a subset: the scaling of features and the
// number of classes.
func Fit(ctx context.Context, d *Data, o Options, s Subset) (*Model, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	rows, err := d.take(s.Rows)
	if err != nil {
		return nil, err
	}
	if s.Denominator == 0 {
		s.Denominator = float64(rows.Len())
	}
	if !isPositive(s.Denominator) {
		return nil, fmt.Errorf("a denominator of %v; it must be positive", s.Denominator)
	}
	m, err := begin(d, o, s.Start)
	if err != nil {
		return nil, err
	}
	m.Training = Training{Rows: int64(rows.Len()), Denominator: s.Denominator, L2: o.L2, FreeBias: o.FreeBias, Table: d.Table}
	t := &trainer{model: m, options: o, workers: parallel.Workers(o.Workers), rows: rows, numbers: s.Rows}
	switch o.Kind {
	case Ridge:
		err = t.ridge(ctx)
	case Softmax:
		err = t.softmax(ctx)
	default:
		err = t.mlp(ctx)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// begin returns the model before training.
func begin(d *Data, o Options, start *Model) (*Model, error) {
	m := &Model{Kind: o.Kind, Loss: o.Loss, Features: d.Features}
	width := 1
	if o.Loss == CrossEntropy {
		k, err := d.classes()
		if err != nil {
			return nil, err
		}
		width, m.Classes = k, d.Classes
	}
	if o.Standardize {
		m.Scaling = d.standardize()
	}
	sizes := []int{d.Width(), width}
	if o.Kind == MLP && len(o.Hidden) > 0 {
		sizes = append(append([]int{d.Width()}, o.Hidden...), width)
		m.Activation = o.Activation
	}
	for i := range sizes[1:] {
		name := "linear"
		if o.Kind == MLP {
			name = fmt.Sprintf("layers.%d", i)
		}
		in, out := sizes[i], sizes[i+1]
		m.Layers = append(m.Layers, Layer{Name: name, In: in, Out: out, Theta: make([]float64, out*(in+1))})
	}
	if start != nil {
		return m, m.startAt(start)
	}
	if o.Kind == MLP {
		m.draw(o.Seed)
	}
	return m, nil
}

// startAt copies the weights of another model.
func (m *Model) startAt(start *Model) error {
	if len(start.Layers) != len(m.Layers) {
		return errors.New("the model to start from has another number of layers")
	}
	for i := range m.Layers {
		to, from := &m.Layers[i], &start.Layers[i]
		if to.In != from.In || to.Out != from.Out || len(from.Theta) != len(to.Theta) {
			return fmt.Errorf("layer %d of the model to start from is %d × %d, not %d × %d", i, from.Out, from.In, to.Out, to.In)
		}
		copy(to.Theta, from.Theta)
	}
	return nil
}

// A trainer is a model that is being fitted to rows.
type trainer struct {
	model   *Model
	options Options
	workers int
	rows    *Data
	numbers []int64 // of the rows in the whole data; nil where they are all of it
}

// design returns the scaled features of all rows with the 1 of the bias.
func (t *trainer) design() kernel.Matrix[float64] {
	a := kernel.NewMatrix[float64](t.rows.Len(), t.rows.Width()+1)
	t.model.Scaling.design(t.rows, 0, a)
	return a
}

// penalty returns μ for each column of a layer's weights: 0 for a free bias.
func (t *Training) penalty(column, in int) float64 {
	if t.FreeBias && column == in {
		return 0
	}
	return t.L2
}

// addPenalty adds μ·θ of a layer to a gradient, and returns μ/2·‖θ‖².
func (t *Training) addPenalty(l *Layer, gradient kernel.Matrix[float64]) float64 {
	sum := 0.0
	for i := range gradient.Rows {
		theta, g := l.matrix().Row(i), gradient.Row(i)
		for j, v := range theta {
			mu := t.penalty(j, l.In)
			g[j] += float64(mu * v)
			sum += 0.5 * float64(mu*float64(v*v))
		}
	}
	return sum
}

// settle computes the objective and its gradient at the weights, for the record.
func (t *trainer) settle(ctx context.Context) error {
	m := t.model
	sums := make([]kernel.Matrix[float64], len(m.Layers))
	for i := range sums {
		sums[i] = kernel.NewMatrix[float64](m.Layers[i].Out, m.Layers[i].In+1)
	}
	total := 0.0
	err := m.each(ctx, t.rows, t.workers, true, func(_ int, p *pass) error {
		for i := range sums {
			p.addGradient(i, sums[i])
		}
		for _, v := range p.losses {
			total += v
		}
		return nil
	})
	if err != nil {
		return err
	}
	m.Training.Objective, m.Training.Gradient = total/m.Training.Denominator, 0
	for i, g := range sums {
		for j := range g.Data {
			g.Data[j] /= m.Training.Denominator
		}
		m.Training.Objective += m.Training.addPenalty(&m.Layers[i], g)
		m.Training.Gradient = max(m.Training.Gradient, largest(g.Data))
	}
	if v := m.Training.Objective + m.Training.Gradient; v-v != 0 {
		return errors.New("training diverged: the objective is no number; use a smaller learning rate")
	}
	return nil
}

// largest returns the largest magnitude, NaN where there is one.
func largest(x []float64) float64 {
	most := 0.0
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	return most
}
