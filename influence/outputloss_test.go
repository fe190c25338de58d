package influence_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// TestOutputLosses compares the Hessians of each loss by the weights of a layer with
// differences of the loss.
func TestOutputLosses(t *testing.T) {
	const n, k, width, step = 5, 3, 3, 1e-3 // width counts the 1 of the bias
	squares := func(scale float64) func(z, y []float64) float64 {
		return func(z, y []float64) (sum float64) {
			for c, v := range z {
				sum += scale * (v - y[c]) * (v - y[c])
			}
			return sum
		}
	}
	for name, loss := range map[string]func(z, y []float64) float64{
		"half_squared_error": squares(0.5), "squared_error": squares(1), "mse": squares(1.0 / k),
		"cross_entropy": func(z, y []float64) float64 { return -math.Log(dot(softmaxOf(z), y)) },
	} {
		weights, inputs, labels := randomTable(1, 1, k*width).rows[0], randomTable(2, n, width-1), randomTable(3, n, k)
		if name == "cross_entropy" {
			for i := range labels.rows {
				labels.rows[i] = make([]float64, k)
				labels.rows[i][i%k] = 1
			}
		}
		outputs := func(w []float64, i int) []float64 {
			z := make([]float64, k)
			for c := range z {
				z[c] = dot(w[c*width:][:width], append(append([]float64{}, inputs.rows[i]...), 1))
			}
			return z
		}
		gradients := randomTable(4, n, k)
		for i := range n {
			for c := range k {
				up, down := outputs(weights, i), outputs(weights, i)
				up[c] += step
				down[c] -= step
				gradients.rows[i][c] = (loss(up, labels.rows[i]) - loss(down, labels.rows[i])) / (2 * step)
			}
		}
		total := func(w []float64) (sum float64) {
			for i := range n {
				sum += loss(outputs(w, i), labels.rows[i])
			}
			return sum
		}
		want := make([][]float64, k*width)
		for a := range want {
			want[a] = make([]float64, k*width)
			for b := range want {
				for _, signs := range [][2]float64{{1, 1}, {1, -1}, {-1, 1}, {-1, -1}} {
					w := append([]float64{}, weights...)
					w[a] += signs[0] * step
					w[b] += signs[1] * step
					want[a][b] += signs[0] * signs[1] * total(w) / (4 * step * step)
				}
			}
		}
		known, err := influence.ParseOutputLoss(name)
		require.NoError(t, err)
		v, err := influence.HessianRows(inputs.in(t, dataset.Float64), gradients.in(t, dataset.Float64), true, known)
		require.NoError(t, err)
		whole, err := influence.ReadVectors(t.Context(), v)
		require.NoError(t, err)
		var rows [][]float64
		for d := v.Cols(); len(whole) > 0; whole = whole[d:] {
			rows = append(rows, whole[:d])
		}
		requireNear(t, want, fisherOf(rows, 1, 0), 1e-5)
	}
	_, err := influence.ParseOutputLoss("hinge")
	require.EqualError(t, err, `the second derivatives of the loss "hinge" are not known; they are of cross_entropy, half_squared_error, mse, squared_error`)
}
