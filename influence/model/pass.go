package model

import "github.com/infl-dev/infl/internal/kernel"

// A pass is the numbers of some rows on their way through a model.
type pass struct {
	model   *Model
	workers int

	inputs    []kernel.Matrix[float64] // a of each layer: rows × (in + 1), the last column 1
	sums      []kernel.Matrix[float64] // z of each layer but the last: rows × out
	outputs   kernel.Matrix[float64]   // z of the last layer
	gradients []kernel.Matrix[float64] // g of each layer
	losses    []float64
}

// newPass returns a pass of up to the given number of rows.
func newPass(m *Model, rows, workers int) *pass {
	p := &pass{model: m, workers: workers, losses: make([]float64, rows), outputs: kernel.NewMatrix[float64](rows, m.Width())}
	for i := range m.Layers {
		l := &m.Layers[i]
		p.inputs = append(p.inputs, kernel.NewMatrix[float64](rows, l.In+1))
		p.gradients = append(p.gradients, kernel.NewMatrix[float64](rows, l.Out))
		if i < len(m.Layers)-1 {
			p.sums = append(p.sums, kernel.NewMatrix[float64](rows, l.Out))
		}
	}
	return p
}

// resize makes the pass one of n rows, at most as many as it was made for.
func (p *pass) resize(n int) {
	p.losses = p.losses[:n]
	for _, list := range [][]kernel.Matrix[float64]{p.inputs, p.sums, p.gradients} {
		for i := range list {
			resize(&list[i], n)
		}
	}
	resize(&p.outputs, n)
}

func resize(m *kernel.Matrix[float64], rows int) {
	m.Rows, m.Data = rows, m.Data[:rows*m.Stride]
}

// forward computes outputs and losses of rows whose scaled features are in inputs[0],
// and the gradients of losses by outputs.
func (p *pass) forward(labels []float64) {
	last := len(p.inputs) - 1
	for i := range last {
		p.linear(i, p.sums[i])
		next := p.inputs[i+1]
		for r := range next.Rows {
			row := next.Row(r)
			p.model.Activation.apply(row, p.sums[i].Row(r))
			row[len(row)-1] = 1
		}
	}
	p.linear(last, p.outputs)
	for r, y := range labels {
		g := p.gradients[last].Row(r)
		copy(g, p.outputs.Row(r))
		p.losses[r] = p.model.Loss.of(g, y)
	}
}

// linear writes a·Θᵀ of a layer to z.
func (p *pass) linear(layer int, z kernel.Matrix[float64]) {
	clear(z.Data)
	kernel.GemmNT(p.workers, p.inputs[layer], p.model.Layers[layer].matrix(), z)
}

// backward computes the gradients by the outputs of the layers before the last one:
// g ← (g of the next layer · its weights without biases) times the activation's slope.
func (p *pass) backward() {
	for i := len(p.inputs) - 2; i >= 0; i-- {
		next := &p.model.Layers[i+1]
		g := p.gradients[i]
		clear(g.Data)
		kernel.GemmNN(p.workers, p.gradients[i+1], next.matrix().Block(0, 0, next.Out, next.In), g)
		for r := range g.Rows {
			p.model.Activation.slope(g.Row(r), p.sums[i].Row(r))
		}
	}
}

// addGradient adds the sum of the rows' gradients gᵀ·a by the weights of a layer.
func (p *pass) addGradient(layer int, sum kernel.Matrix[float64]) {
	kernel.GemmTN(p.workers, p.gradients[layer], p.inputs[layer], sum)
}
