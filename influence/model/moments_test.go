package model_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/model"
)

// TestMomentsOfTheFirstStep: after one step on all rows the means are a tenth of the
// gradient at the weights that training began with, and a thousandth of its square.
func TestMomentsOfTheFirstStep(t *testing.T) {
	d := randomData(11, 40, 3, 3)
	train := func(rate float64, o model.Optimizer) *model.Model {
		m, err := model.Fit(t.Context(), d, model.Options{Kind: model.MLP, Hidden: []int{4}, Epochs: 1, BatchSize: 40, Optimizer: o, LearningRate: rate}, model.Subset{})
		require.NoError(t, err)
		return m
	}
	start, small := train(1e-300, model.SGD), train(0.5, model.SGD)
	dir := t.TempDir()
	require.NoError(t, model.CaptureCheckpoints(t.Context(), dir, []*model.Model{train(0.1, model.Adam), start}, d, nil, 1))
	require.NoFileExists(t, filepath.Join(dir, "ckpt1", "optimizer.safetensors"))
	at := 0
	means := map[string][]float64{}
	for _, name := range []string{"exp_avg", "exp_avg_sq"} {
		m, err := dataset.OpenMatrix(filepath.Join(dir, "ckpt0", "optimizer.safetensors"), dataset.MatrixOptions{Name: name})
		require.NoError(t, err)
		means[name], err = influence.ReadVectors(t.Context(), m)
		require.NoError(t, err)
		require.NoError(t, m.Close())
	}
	for l := range start.Layers {
		for j, w := range start.Layers[l].Theta {
			g := (w - small.Layers[l].Theta[j]) / 0.5
			require.InDelta(t, 0.1*g, means["exp_avg"][at], 1e-15)
			require.InDelta(t, 0.001*g*g, means["exp_avg_sq"][at], 1e-15)
			at++
		}
	}
	require.Len(t, means["exp_avg"], at)
}
