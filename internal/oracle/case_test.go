package oracle

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/gbdt/lightgbm"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/goldentest"
)

// skipMessage is what the test says where there are no drawn models.
const skipMessage = "INFL_ORACLE is not set"

// A drawn is a model that draw.py drew, as its case.json describes it.
type drawn struct {
	dir         string
	Train, Test string
	Label, Zero string
	Weight      string
	Masks       string // file of row masks; "" where each iteration saw all rows
	Stripped    bool   // without the parameters of training
	Consistent  bool   // the library trained with the leaves that it predicts
}

// drawnModels returns the models under INFL_ORACLE and the seed that they were
// drawn from, or skips the test.
func drawnModels(t *testing.T) (models []drawn, seed string) {
	t.Helper()
	root := os.Getenv("INFL_ORACLE")
	if root == "" {
		t.Skip(skipMessage)
	}
	text, err := os.ReadFile(filepath.Join(root, "seed.txt"))
	require.NoError(t, err)
	files, err := filepath.Glob(filepath.Join(root, "*", "case.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		d := drawn{dir: filepath.Dir(file)}
		require.NoError(t, json.Unmarshal(b, &d))
		models = append(models, d)
	}
	return models, string(text)
}

// want returns what the library and the reference said.
func (d drawn) want(t *testing.T) map[string]goldentest.Array {
	return goldentest.NPZ(t, filepath.Join(d.dir, "want.npz"))
}

func (d drawn) forest(t *testing.T) *gbdt.Forest {
	t.Helper()
	f, err := lightgbm.Open(filepath.Join(d.dir, "model.txt"))
	require.NoError(t, err)
	return f
}

// prepare prepares a forest on the train table. The label and the spare column
// may change places.
func (d drawn) prepare(t *testing.T, f *gbdt.Forest, c gbdt.Columns) (*gbdt.Model, error) {
	t.Helper()
	o := gbdt.PrepareOptions{Columns: c}
	if d.Masks != "" && len(f.Train.Lost) == 0 { // Not for the forest of leaf numbers.
		var err error
		o.RowMasks, err = gbdt.OpenRowMasks(filepath.Join(d.dir, d.Masks))
		require.NoError(t, err)
	}
	m, err := gbdt.Prepare(t.Context(), f, d.open(t, d.Train), o)
	if m != nil {
		t.Cleanup(func() { require.NoError(t, m.Close()) })
	}
	return m, err
}

func (d drawn) queries(t *testing.T, m *gbdt.Model, file string, c gbdt.Columns) *gbdt.Queries {
	t.Helper()
	q, err := m.Queries(t.Context(), d.open(t, file), c)
	require.NoError(t, err)
	return q
}

func (d drawn) open(t *testing.T, file string) *dataset.Table {
	t.Helper()
	table, err := dataset.Open(filepath.Join(d.dir, file), dataset.Options{})
	require.NoError(t, err)
	return table
}
