package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/model"
)

// TestHessianIsTheSlopeOfGradients: influence is ∇L_qᵀ·x with H·x = ∇L_i, so moving the
// weights by x must change the gradient of the objective by ∇L_i.
func TestHessianIsTheSlopeOfGradients(t *testing.T) {
	for kind, classes := range map[model.Kind]int{model.Ridge: 0, model.Softmax: 3} {
		for _, free := range []bool{false, true} {
			d := randomData(21, 30, 3, classes)
			m, err := model.Fit(t.Context(), d, model.Options{Kind: kind, L2: 0.2, FreeBias: free, Standardize: true}, model.Subset{})
			require.NoError(t, err)
			h, err := m.Hessian(t.Context(), d, 1)
			if kind == model.Softmax && free {
				// A constant that all biases share changes nothing.
				require.ErrorContains(t, err, "has no inverse")
				continue
			}
			require.NoError(t, err)
			got, err := h.Influence(t.Context(), d)
			require.NoError(t, err)
			rows, l := rowGradients(t, m, d), m.Layers[0]
			size := len(l.Theta)
			dense := make([][]float64, size)
			for j, v := range l.Theta {
				const step = 1e-5
				l.Theta[j] = v + step
				above := objectiveGradient(t, m, d, free)
				l.Theta[j] = v - step
				below := objectiveGradient(t, m, d, free)
				l.Theta[j] = v
				for i := range above {
					dense[j] = append(dense[j], (above[i]-below[i])/(2*step))
				}
			}
			n := d.Len()
			want := make([]float64, n*n)
			for i, g := range rows {
				x := eliminate(dense, g)
				for q := range rows {
					want[q*n+i] = dot(rows[q], x)
				}
			}
			require.Less(t, worst(got, want), 1e-7, "%s, free bias: %v", kind, free)
		}
	}
}

// objectiveGradient is the mean of the rows' gradients and the penalty.
func objectiveGradient(t *testing.T, m *model.Model, d *model.Data, free bool) []float64 {
	t.Helper()
	l := m.Layers[0]
	out := make([]float64, len(l.Theta))
	for _, g := range rowGradients(t, m, d) {
		for j, v := range g {
			out[j] += v / float64(d.Len())
		}
	}
	for j, v := range l.Theta {
		if !free || j%(l.In+1) != l.In {
			out[j] += 0.2 * v
		}
	}
	return out
}

// eliminate solves h·x = b for a positive definite h.
func eliminate(h [][]float64, b []float64) []float64 {
	m := make([][]float64, len(b))
	for i := range m {
		m[i] = append(append([]float64(nil), h[i]...), b[i])
	}
	for k := range m {
		for i := range m {
			if i != k {
				f := m[i][k] / m[k][k]
				for j := k; j <= len(b); j++ {
					m[i][j] -= f * m[k][j]
				}
			}
		}
	}
	x := make([]float64, len(b))
	for i := range x {
		x[i] = m[i][len(b)] / m[i][i]
	}
	return x
}

func TestHessiansThatThereAreNot(t *testing.T) {
	d := randomData(22, 20, 3, 2)
	m := perceptron(t, d, model.Tanh, model.CrossEntropy)
	var unsupported *influence.UnsupportedError
	_, err := m.Hessian(t.Context(), d, 1)
	require.ErrorAs(t, err, &unsupported)
	m, err = model.Fit(t.Context(), d, model.Options{Kind: model.Softmax, L2: 0.1}, model.Subset{})
	require.NoError(t, err)
	h, err := m.Hessian(t.Context(), d, 1)
	require.NoError(t, err)
	_, err = h.Leverages()
	require.ErrorAs(t, err, &unsupported)
	_, err = h.LeaveOneOut(d)
	require.ErrorAs(t, err, &unsupported)
	_, err = h.Removal(t.Context(), d, [][]int{{0}, {20}})
	require.ErrorContains(t, err, "group 1: row 20 is none of 0 … 19")
	none, err := h.Removal(t.Context(), d, [][]int{{}})
	require.NoError(t, err)
	require.Equal(t, make([]float64, 20), none)
}
