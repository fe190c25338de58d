package model_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/model"
)

func saved(t *testing.T) (*model.Model, *model.Data, string) {
	t.Helper()
	d := randomData(11, 40, 3, 3)
	d.Features, d.Classes = []string{"a", "b", "c"}, []string{"low", "mid", "high"}
	m := perceptron(t, d, model.GELU, model.CrossEntropy)
	dir := filepath.Join(t.TempDir(), "model")
	require.NoError(t, m.Save(dir))
	return m, d, dir
}

func TestSavedModelsAreTheSame(t *testing.T) {
	m, _, dir := saved(t)
	for _, path := range []string{dir, filepath.Join(dir, "model.json")} {
		require.True(t, model.IsModel(path))
		got, err := model.Load(path)
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
	require.False(t, model.IsModel(filepath.Dir(dir)))
	w, err := dataset.OpenMatrix(filepath.Join(dir, "model.safetensors"), dataset.MatrixOptions{Name: "layers.1.weight"})
	require.NoError(t, err)
	require.EqualValues(t, 3, w.Rows())
	require.Equal(t, 4, w.Cols())
	require.NoError(t, w.Close())
}

// TestDamagedModels: each is one error with the file and the field.
func TestDamagedModels(t *testing.T) {
	_, _, dir := saved(t)
	text, err := os.ReadFile(filepath.Join(dir, "model.json"))
	require.NoError(t, err)
	weights, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	require.NoError(t, err)
	for want, change := range map[string]func(map[string]any){
		`format is "other"`:                          func(j map[string]any) { j["format"] = "other" },
		"version is 2":                               func(j map[string]any) { j["version"] = 2 },
		`kind is "forest"`:                           func(j map[string]any) { j["kind"] = "forest" },
		`loss is "half_squared_error"`:               func(j map[string]any) { j["kind"], j["loss"] = "softmax", "half_squared_error" },
		"layers has 0 entries":                       func(j map[string]any) { j["layers"] = []any{} },
		"a model of kind softmax has one":            func(j map[string]any) { j["kind"] = "softmax" },
		`activation is "sine"`:                       func(j map[string]any) { j["activation"] = "sine" },
		"layers[1] has 4 inputs and -3 outputs":      func(j map[string]any) { layer(j, 1)["out"] = -3 },
		"layers[1].in is 5, the layer before has 4":  func(j map[string]any) { layer(j, 1)["in"] = 5 },
		`layers[1].name "layers.0" stands twice`:     func(j map[string]any) { layer(j, 1)["name"] = "layers.0" },
		`has no tensor "x.weight"`:                   func(j map[string]any) { layer(j, 1)["name"] = "x" },
		"has the shape [4 3], not [1048576 3]":       func(j map[string]any) { layer(j, 0)["out"], layer(j, 1)["in"] = 1<<20, 1<<20 },
		"features has 1 names":                       func(j map[string]any) { j["features"] = []string{"a"} },
		"classes has 2 names":                        func(j map[string]any) { j["classes"] = []string{"a", "b"} },
		"scaling.scale[1] is 0":                      func(j map[string]any) { j["scaling"].(map[string]any)["scale"].([]any)[1] = 0 },
		"scaling has 1 means":                        func(j map[string]any) { j["scaling"].(map[string]any)["mean"] = []float64{1} },
		"training.denominator is 0":                  func(j map[string]any) { j["training"].(map[string]any)["denominator"] = 0 },
		"the files do not belong together":           func(j map[string]any) { j["classes"] = []string{"a", "b", "c"} },
		"is not understood: json: cannot unmarshal":  func(j map[string]any) { j["layers"] = 3 },
		"the last layer has 3 outputs; the loss":     func(j map[string]any) { j["loss"] = "half_squared_error"; delete(j, "classes") },
		"layers[0] has 3 inputs and 9000000 outputs": func(j map[string]any) { layer(j, 0)["out"] = 9_000_000 },
	} {
		var j map[string]any
		require.NoError(t, json.Unmarshal(text, &j))
		change(j)
		b, err := json.Marshal(j)
		require.NoError(t, err)
		refuses(t, b, weights, want, "model.json")
	}
	require.Len(t, weights, 4096+8*(4*4+3*5+3*4))
	for cut := 0; cut < len(weights); cut += 37 {
		refuses(t, text, weights[:cut], "", "model.safetensors")
	}
	refuses(t, text, bytes.Replace(weights, []byte("F64"), []byte("I64"), 1), "is I64, not F64", "model.safetensors")
	nan := append(weights[:len(weights)-8:len(weights)-8], 0, 0, 0, 0, 0, 0, 0xf8, 0x7f)
	refuses(t, text, nan, `tensor "layers.2.bias": number 2 is NaN`, "model.safetensors")
	other := append(weights[:len(weights)-1:len(weights)-1], weights[len(weights)-1]^0x80)
	refuses(t, text, other, "the files do not belong together", "model.json")
	refuses(t, text[:len(text)/2], weights, "is not understood", "model.json")
}

func layer(j map[string]any, i int) map[string]any { return j["layers"].([]any)[i].(map[string]any) }

// refuses wants an error with a text about a file of a model.
func refuses(t *testing.T, text, weights []byte, want, file string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.json"), text, 0o666))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.safetensors"), weights, 0o666))
	_, err := model.Load(dir)
	var e *dataset.Error
	require.ErrorAs(t, err, &e, want)
	require.ErrorContains(t, err, want)
	if want == "" {
		require.Equal(t, filepath.Join(dir, file), e.Path)
	}
}

// TestCapturesOfCheckpoints reads back what training leaves, and refuses a query of
// other weights.
func TestCapturesOfCheckpoints(t *testing.T) {
	d := randomData(12, 2500, 3, 2)
	query := &model.Data{X: d.X[:30], Y: d.Y[:10]}
	keys := make([]int64, d.Len())
	for i := range keys {
		keys[i] = int64(1000 + i)
	}
	var err error
	d.Keys, err = dataset.IntKeys(keys)
	require.NoError(t, err)
	var moments []*model.Model
	_, err = model.Fit(t.Context(), d, model.Options{Kind: model.MLP, Hidden: []int{4}, Epochs: 2, LearningRate: 0.05, Checkpoint: func(m *model.Model) error {
		moments = append(moments, m)
		return nil
	}}, model.Subset{})
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "capture")
	require.NoError(t, model.CaptureCheckpoints(t.Context(), dir, moments, d, query, 2))
	r, err := capture.OpenRun(dir, capture.Options{})
	require.NoError(t, err)
	require.Len(t, r.Checkpoints, 2)
	for i, c := range r.Checkpoints {
		require.Equal(t, 0.05, c.LearningRate)
		require.EqualValues(t, 79*(i+1), c.Step)
		require.EqualValues(t, 2500, c.Train.Len())
		require.EqualValues(t, 1000, c.Train.Keys().Int(0))
		require.EqualValues(t, 9, c.Query.Keys().Int(9))
	}
	require.NoError(t, r.Close())
	problems, err := capture.Verify(t.Context(), dir, capture.Options{})
	require.NoError(t, err)
	require.Empty(t, problems)

	first, err := capture.Open(filepath.Join(dir, "ckpt0", "train"), capture.Options{})
	require.NoError(t, err)
	second, err := capture.Open(filepath.Join(dir, "ckpt1", "query"), capture.Options{})
	require.NoError(t, err)
	require.ErrorContains(t, capture.SameModel(first, second), "comes from a model with the fingerprint")
	require.NoError(t, first.Close())
	require.NoError(t, second.Close())
}

func TestModelsRefuseOtherRows(t *testing.T) {
	m, d, _ := saved(t)
	for want, rows := range map[string]*model.Data{
		"the rows have 2 features, the model 3":      {X: d.X[:4], Y: d.Y[:2]},
		`feature 1 of the rows is "x", of the model`: {X: d.X[:6], Y: d.Y[:2], Features: []string{"a", "x", "c"}},
		"the label of row 1 is 3; classes are 0 … 2": {X: d.X[:6], Y: []float64{0, 3}},
		"there are no rows":                          {},
		"there are 4 keys for 2 rows":                {X: d.X[:6], Y: d.Y[:2], Keys: dataset.RowKeys(4)},
	} {
		_, err := m.Losses(t.Context(), rows, 1)
		require.ErrorContains(t, err, want)
	}
}
