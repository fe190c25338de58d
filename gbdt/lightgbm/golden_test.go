package lightgbm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/infl-dev/infl/gbdt"
	"github.com/stretchr/testify/require"
)

// A goldenCase is the part of a case file that the parse is checked with.
type goldenCase struct {
	Columns []struct {
		Name       string
		Kind       string
		Categories []any
	}
	Outputs, Iterations int
	Influence           struct {
		Loss   string
		Params struct {
			S    float64
			PosW float64 `json:"pos_w"`
			Sh   float64
		} `json:"loss_params"`
		Eta    any
		Lambda *float64 `json:"lambda_l2_param"`
		L1     float64  `json:"lambda_l1"`
		Base   []float64
	}
	Verification struct{ Verdict string }
}

func goldenFolder(t *testing.T) string {
	t.Helper()
	root := os.Getenv("INFL_GOLDEN")
	if root == "" {
		t.Skip("INFL_GOLDEN does not name the folder of golden cases")
	}
	return filepath.Join(root, "gbdt")
}

// readGolden parses the model of a case.
func readGolden(t *testing.T, folder string) (goldenCase, *gbdt.Forest) {
	t.Helper()
	var c goldenCase
	text, err := os.ReadFile(filepath.Join(folder, "case.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &c))
	models, err := filepath.Glob(filepath.Join(folder, "model.txt*"))
	require.NoError(t, err)
	require.Len(t, models, 1)
	f, err := Open(models[0])
	require.NoError(t, err)
	return c, f
}

func goldenFolders(t *testing.T, pattern string, least int) []string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(goldenFolder(t), pattern))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(folders), least, "golden cases %s", pattern)
	return folders
}

// The leaf tables that LightGBM's own Python package gave are those of the
// file, bit for bit.
func TestGoldenLeafTables(t *testing.T) {
	folders := append(goldenFolders(t, "lgb_*", 25), goldenFolders(t, "old_lgb*", 3)...)
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			c, f := readGolden(t, folder)
			state := openArrays(t, filepath.Join(folder, "model_state.npz"))
			trees, ids, values, counts := state.read("leaf_tree"), state.read("leaf_id"), state.read("leaf_value"), state.read("leaf_count")
			require.Equal(t, len(values), f.Leaves())
			require.Equal(t, c.Outputs, f.K)
			require.Equal(t, c.Iterations, f.Iterations())
			var lambda []float64
			if state.has("leaf_lambda") {
				lambda = state.read("leaf_lambda")
			}
			for i, want := range values {
				tree, leaf := &f.Trees[int(trees[i])], int(ids[i])
				got := tree.LeafValue[leaf]
				if int(trees[i]) < f.K {
					got -= c.Influence.Base[int(trees[i])]
				}
				require.Equal(t, want, got, "leaf %d of tree %v", leaf, trees[i])
				if c.Verification.Verdict == "exact" {
					require.Equal(t, int64(counts[i]), tree.LeafCount[leaf])
				}
				if lambda != nil {
					l2 := f.Train.L2
					if tree.LeafCat != nil && tree.LeafCat[leaf] {
						l2 += f.Train.CatL2
					}
					require.Equal(t, lambda[i], l2, "L2 of leaf %d of tree %v", leaf, trees[i])
				}
			}
		})
	}
}

// The settings are those that the case was trained with.
func TestGoldenSettings(t *testing.T) {
	losses := map[string]string{"logistic": "binary", "softmax": "multiclass", "one_vs_all": "multiclassova", "squared": "regression", "poisson": "poisson", "huber": "huber", "fair": "fair", "gamma": "gamma", "tweedie": "tweedie"}
	folders := append(goldenFolders(t, "lgb_*", 25), goldenFolders(t, "old_lgb*", 3)...)
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			c, f := readGolden(t, folder)
			require.True(t, f.Train.Known)
			if eta, ok := c.Influence.Eta.(float64); ok {
				require.Equal(t, eta, f.Train.LearningRate)
			}
			if c.Influence.Lambda != nil {
				require.Equal(t, *c.Influence.Lambda, f.Train.L2)
			}
			require.Equal(t, c.Influence.L1, f.Train.L1)
			if name, ok := losses[c.Influence.Loss]; ok && c.Verification.Verdict == "exact" {
				require.Equal(t, name, f.Loss.Name)
				require.Empty(t, f.Unsupported)
			}
			if f.Loss.Name == "binary" {
				require.Equal(t, c.Influence.Params.S, f.Loss.Sigmoid)
				if !f.Loss.Unbalance {
					require.Equal(t, c.Influence.Params.PosW, f.Loss.ScalePosWeight)
				}
			}
			if f.Loss.Name == "poisson" {
				require.Equal(t, c.Influence.Params.Sh, f.Loss.MaxDelta)
			}
			switch c.Verification.Verdict {
			case "exact":
				require.Empty(t, f.Train.Lost)
				require.Empty(t, f.Train.Bagged)
			case "approx":
				require.NotEmpty(t, append(f.Train.Bagged, f.Train.Lost...))
			case "not_newton":
				require.True(t, f.Loss.Renewed)
				require.Empty(t, f.Unsupported)
			default:
				require.NotEmpty(t, f.Unsupported)
			}
		})
	}
}

// Categories and names are those of the training table.
func TestGoldenFeatures(t *testing.T) {
	folders := append(goldenFolders(t, "lgb_*", 25), goldenFolders(t, "old_lgb*", 3)...)
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			c, f := readGolden(t, folder)
			require.Len(t, f.Features, len(c.Columns))
			for i, column := range c.Columns {
				if !f.Generated {
					require.Equal(t, column.Name, f.Features[i].Name)
				}
				require.Equal(t, column.Kind == "categorical", f.Features[i].Categorical, column.Name)
				require.Equal(t, column.Categories, f.Features[i].Categories, column.Name)
			}
		})
	}
}

// Models that must be refused parse, and say why they are refused.
func TestGoldenRefusals(t *testing.T) {
	for _, folder := range goldenFolders(t, "refuse_lgb_*", 4) {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			_, f := readGolden(t, folder)
			require.Len(t, f.Unsupported, 1)
			require.Equal(t, map[string]string{
				"refuse_lgb_dart":   "boosting=dart",
				"refuse_lgb_linear": "linear_tree=true",
				"refuse_lgb_rank":   "objective=lambdarank",
				"refuse_lgb_rf":     "boosting=rf",
			}[filepath.Base(folder)], f.Unsupported[0].What)
		})
	}
}
