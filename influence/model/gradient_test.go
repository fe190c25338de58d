package model_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/model"
	"github.com/infl-dev/infl/internal/goldentest"
)

// TestRowGradientsAreDifferences compares each row's captured gradient with central
// differences of its loss, for every activation and loss.
func TestRowGradientsAreDifferences(t *testing.T) {
	for _, activation := range model.Activations() {
		for loss, classes := range map[model.Loss]int{model.CrossEntropy: 3, model.HalfSquared: 0} {
			t.Run(fmt.Sprint(activation, loss), func(t *testing.T) {
				d := randomData(1, 20, 5, classes)
				m := perceptron(t, d, activation, loss)
				got, at := rowGradients(t, m, d), 0
				for _, l := range m.Layers {
					for j, v := range l.Theta {
						const step = 1e-6
						l.Theta[j] = v + step
						above, err := m.Losses(t.Context(), d, 1)
						require.NoError(t, err)
						l.Theta[j] = v - step
						below, err := m.Losses(t.Context(), d, 1)
						require.NoError(t, err)
						l.Theta[j] = v
						for i := range above {
							want := (above[i] - below[i]) / (2 * step)
							require.InDelta(t, want, got[i][at], 1e-7*max(1, math.Abs(want)), "row %d, weight %d of %s", i, j, l.Name)
						}
						at++
					}
				}
			})
		}
	}
}

// TestTrainingGradientIsThatOfTheObjective: the record says the largest entry of the
// mean of the rows' gradients and the penalty, with the biases in it or free.
func TestTrainingGradientIsThatOfTheObjective(t *testing.T) {
	d := randomData(2, 30, 4, 3)
	for _, free := range []bool{false, true} {
		m, err := model.Fit(t.Context(), d, model.Options{Kind: model.MLP, Hidden: []int{5}, Activation: model.Tanh, Epochs: 1, L2: 0.3, FreeBias: free},
			model.Subset{Denominator: 50})
		require.NoError(t, err)
		losses, err := m.Losses(t.Context(), d, 1)
		require.NoError(t, err)
		rows, objective, gradient, at := rowGradients(t, m, d), 0.0, 0.0, 0
		for _, v := range losses {
			objective += v / 50
		}
		for _, l := range m.Layers {
			for j, v := range l.Theta {
				sum := 0.0
				for _, row := range rows {
					sum += row[at] / 50
				}
				if !free || j%(l.In+1) != l.In {
					sum += 0.3 * v
					objective += 0.15 * v * v
				}
				gradient = max(gradient, math.Abs(sum))
				at++
			}
		}
		require.InEpsilon(t, objective, m.Training.Objective, 1e-12)
		require.InEpsilon(t, gradient, m.Training.Gradient, 1e-12)
	}
}

func countedRows(seed uint32, n int, scale float64) []float64 {
	out := make([]float64, n)
	for k := range out {
		out[k] = scale * goldentest.Counted(seed, uint32(k))
	}
	return out
}

// countedLayer has weights of one sequence and biases of another.
func countedLayer(name string, weights, biases uint32, in, out int, scale float64) model.Layer {
	l := model.Layer{Name: name, In: in, Out: out}
	w, b := countedRows(weights, in*out, scale), countedRows(biases, out, 1)
	for r := range out {
		l.Theta = append(append(l.Theta, w[r*in:][:in]...), b[r])
	}
	return l
}

// TestCountedNetwork compares inner products of gradients with those that kronfluence
// 1.0.1 gives for a network of 4-5-3 units whose weights are counted.
func TestCountedNetwork(t *testing.T) {
	m := &model.Model{
		Kind: model.MLP, Loss: model.CrossEntropy, Activation: model.Tanh,
		Layers: []model.Layer{countedLayer("0", 3, 4, 4, 5, 1), countedLayer("2", 5, 6, 5, 3, 2)},
	}
	train := &model.Data{X: countedRows(1, 24, 2), Y: []float64{0, 1, 2, 0, 1, 2}}
	query := &model.Data{X: countedRows(2, 8, 2), Y: []float64{1, 2}}
	g, q := rowGradients(t, m, train), rowGradients(t, m, query)
	var pairs, self []float64
	for _, x := range q {
		for _, y := range g {
			pairs = append(pairs, dot(x, y))
		}
	}
	for _, y := range g {
		self = append(self, dot(y, y))
	}
	require.Less(t, worst(pairs, []float64{
		-0.00168295819222, 2.02656065825, -1.33844859734, -0.383632747515, 1.14821789991, -1.32807529084,
		-0.801204290436, -0.723513201475, 1.79679709573, -0.280092252246, -0.723224477519, 2.05850271906,
	}), 1e-11)
	require.Less(t, worst(self, []float64{1.83797978128, 1.76553276452, 3.09344206505, 1.68357193072, 1.12456854153, 2.57910276849}), 1e-11)
}

func dot(x, y []float64) (sum float64) {
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}
