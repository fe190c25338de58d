package model

import "math"

// A mover moves the weights of a layer along a gradient.
type mover struct {
	options        Options
	gradient       []float64
	first, second  []float64 // moments
	decay1, decay2 float64   // β₁ and β₂ to the power of the step
}

const (
	adamBeta1 = 0.9
	adamBeta2 = 0.999
	adamEps   = 1e-8
)

func newMover(o Options, size int) mover {
	m := mover{options: o, gradient: make([]float64, size), decay1: 1, decay2: 1}
	if o.Optimizer != SGD {
		m.first = make([]float64, size)
	}
	if o.Optimizer == Adam {
		m.second = make([]float64, size)
	}
	return m
}

// move changes the weights by the gradient.
func (m *mover) move(theta []float64) {
	rate := m.options.LearningRate
	switch m.options.Optimizer {
	case SGD:
		for j, g := range m.gradient {
			theta[j] -= float64(rate * g)
		}
	case Momentum:
		for j, g := range m.gradient {
			m.first[j] = float64(m.options.Momentum*m.first[j]) + g
			theta[j] -= float64(rate * m.first[j])
		}
	case Adam:
		m.decay1 *= adamBeta1
		m.decay2 *= adamBeta2
		for j, g := range m.gradient {
			m.first[j] = float64(adamBeta1*m.first[j]) + float64((1-adamBeta1)*g)
			m.second[j] = float64(adamBeta2*m.second[j]) + float64((1-adamBeta2)*float64(g*g))
			mean, square := m.first[j]/(1-m.decay1), m.second[j]/(1-m.decay2)
			theta[j] -= rate * mean / (math.Sqrt(square) + adamEps)
		}
	}
}
