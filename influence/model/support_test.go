package model_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/model"
)

// randomData returns n rows of d features, with k classes that the features tell, or
// for k = 0 a number.
func randomData(seed uint64, n, d, k int) *model.Data {
	r := rand.New(rand.NewPCG(seed, 1))
	out := &model.Data{}
	for range n {
		sum := 0.0
		for j := range d {
			v := r.NormFloat64()
			out.X = append(out.X, v)
			sum += v * float64(1-j%3)
		}
		sum += 0.3 * r.NormFloat64()
		if k > 0 {
			sum = float64(int(math.Abs(sum)) % k)
		}
		out.Y = append(out.Y, sum)
	}
	return out
}

// perceptron is a small one of two hidden layers, trained for a moment.
func perceptron(t *testing.T, d *model.Data, a model.Activation, l model.Loss) *model.Model {
	t.Helper()
	m, err := model.Fit(t.Context(), d, model.Options{
		Kind: model.MLP, Hidden: []int{4, 3}, Activation: a, Loss: l, Epochs: 2, BatchSize: 7, LearningRate: 0.05, L2: 0.01, Standardize: true, Seed: 3,
	}, model.Subset{})
	require.NoError(t, err)
	return m
}

// rowGradients captures rows and returns their gradients by all weights, n × parameters.
func rowGradients(t *testing.T, m *model.Model, d *model.Data) [][]float64 {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "rows")
	require.NoError(t, m.Capture(t.Context(), dir, d, model.CaptureOptions{Split: "train"}))
	c, err := capture.Open(dir, capture.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	out := make([][]float64, 0, d.Len())
	for b, err := range c.Blocks(t.Context(), 0, c.Len(), capture.BlockOptions{}) {
		require.NoError(t, err)
		first := len(out)
		out = append(out, make([][]float64, b.Examples)...)
		for _, l := range m.Layers {
			var buffer []float64
			g, err := capture.ExampleGradients(1, b, l.Name, &buffer)
			require.NoError(t, err)
			for i := range g.Rows {
				out[first+i] = append(out[first+i], g.Row(i)...)
			}
		}
	}
	require.Len(t, out, d.Len())
	return out
}
