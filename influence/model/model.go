package model

import (
	"context"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// A Model is linear layers with an activation between them. It is not changed by its
// methods and may be used from several goroutines.
type Model struct {
	Kind       Kind
	Loss       Loss
	Activation Activation // between layers; empty where there is one
	Features   []string   // names of the d inputs; nil where they have none
	Classes    []string   // names of the K outputs; nil where they have none
	Scaling    *Scaling   // of the features; nil takes them as they are
	Layers     []Layer    // in forward order
	Training   Training

	moments *influence.AdamState // where training by Adam has just ended; never changed
}

// A Layer is a linear map with bias.
type Layer struct {
	Name    string
	In, Out int
	Theta   []float64 // Out × (In + 1), the bias last
}

// A Training says how the weights came about.
type Training struct {
	Rows         int64               `json:"rows"`        // trained on
	Denominator  float64             `json:"denominator"` // N of the objective
	L2           float64             `json:"l2"`
	FreeBias     bool                `json:"free_bias,omitempty"`
	Seed         uint64              `json:"seed,omitempty"`
	Optimizer    Optimizer           `json:"optimizer,omitempty"`
	LearningRate float64             `json:"learning_rate,omitempty"`
	Momentum     float64             `json:"momentum,omitempty"`
	BatchSize    int                 `json:"batch_size,omitempty"`
	Epoch        int                 `json:"epoch,omitempty"` // finished epochs
	Step         int64               `json:"step,omitempty"`  // batches, or Newton steps
	Objective    float64             `json:"objective"`       // J at the weights
	Gradient     float64             `json:"gradient"`        // largest magnitude of an entry of ∂J/∂θ
	Table        dataset.Fingerprint `json:"table,omitzero"`  // of the train rows
}

// matrix is the weights as a matrix.
func (l *Layer) matrix() kernel.Matrix[float64] {
	return kernel.Matrix[float64]{Data: l.Theta, Rows: l.Out, Cols: l.In + 1, Stride: l.In + 1}
}

// Inputs returns d, the number of features.
func (m *Model) Inputs() int { return m.Layers[0].In }

// Width returns K, the number of outputs.
func (m *Model) Width() int { return m.Layers[len(m.Layers)-1].Out }

// Parameters returns the number of weights and biases.
func (m *Model) Parameters() int {
	sum := 0
	for i := range m.Layers {
		sum += len(m.Layers[i].Theta)
	}
	return sum
}

// clone returns a copy whose weights are its own.
func (m *Model) clone() *Model {
	out := *m
	out.Layers = slices.Clone(m.Layers)
	for i := range out.Layers {
		out.Layers[i].Theta = slices.Clone(out.Layers[i].Theta)
	}
	return &out
}

// accepts says why data are none for the model.
func (m *Model) accepts(d *Data) error {
	if err := d.check(); err != nil {
		return err
	}
	if d.Width() != m.Inputs() {
		return fmt.Errorf("the rows have %d features, the model %d", d.Width(), m.Inputs())
	}
	if d.Features != nil && m.Features != nil {
		for j, name := range m.Features {
			if d.Features[j] != name {
				return fmt.Errorf("feature %d of the rows is %q, of the model %q", j, d.Features[j], name)
			}
		}
	}
	if m.Loss == CrossEntropy {
		return d.checkClasses(m.Width())
	}
	return nil
}

// Losses returns the loss of each row, n. Cost: 2·n·parameters operations.
func (m *Model) Losses(ctx context.Context, d *Data, workers int) ([]float64, error) {
	out := make([]float64, 0, d.Len())
	err := m.each(ctx, d, workers, false, func(_ int, p *pass) error {
		out = append(out, p.losses...)
		return nil
	})
	return out, err
}

// Outputs returns the outputs of each row, n × K: logits, or the predicted number.
// Labels of the rows are not used, but must be there.
func (m *Model) Outputs(ctx context.Context, d *Data, workers int) ([]float64, error) {
	out := make([]float64, 0, d.Len()*m.Width())
	err := m.each(ctx, d, workers, false, func(_ int, p *pass) error {
		for i := range p.outputs.Rows {
			out = append(out, p.outputs.Row(i)...)
		}
		return nil
	})
	return out, err
}

// Predict returns the class of each row with the largest output, the first of equals;
// for squared loss nil.
func (m *Model) Predict(ctx context.Context, d *Data, workers int) ([]int64, error) {
	if m.Loss != CrossEntropy {
		return nil, nil
	}
	z, err := m.Outputs(ctx, d, workers)
	if err != nil {
		return nil, err
	}
	out, k := make([]int64, d.Len()), m.Width()
	for i := range out {
		row := z[i*k:][:k]
		for c, v := range row {
			if v > row[out[i]] {
				out[i] = int64(c)
			}
		}
	}
	return out, nil
}

// passRows is the number of rows that go through a model together.
const passRows = 1024

// each sends all rows through the model, some at a time and in order, and calls use
// after each; first is the number of the first of them. With gradients, those by the
// outputs of all layers are there.
func (m *Model) each(ctx context.Context, d *Data, workers int, gradients bool, use func(first int, p *pass) error) error {
	if err := m.accepts(d); err != nil {
		return err
	}
	p := newPass(m, min(passRows, d.Len()), parallel.Workers(workers))
	for first := 0; first < d.Len(); first += passRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(passRows, d.Len()-first)
		p.resize(n)
		m.Scaling.design(d, first, p.inputs[0])
		p.forward(d.Y[first : first+n])
		if gradients {
			p.backward()
		}
		if err := use(first, p); err != nil {
			return err
		}
	}
	return nil
}
