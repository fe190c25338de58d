package model_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/model"
)

func table(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	return path
}

func TestReadTable(t *testing.T) {
	path := table(t, "id,y,a,b\n7,10,1,2\n5,-1,3,4\n6,10,5,6\n")
	d, err := model.ReadTable(t.Context(), path, model.Columns{Label: "y", Key: "id", Classify: true}, model.TableOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, d.Features)
	require.Equal(t, []float64{1, 2, 3, 4, 5, 6}, d.X)
	require.Equal(t, []string{"-1", "10"}, d.Classes)
	require.Equal(t, []float64{1, 0, 1}, d.Y)
	require.EqualValues(t, 5, d.Keys.Int(1))
	require.Len(t, d.Table.Files, 1)

	query := table(t, "a,b,y\n1,2,-1\n")
	d, err = model.ReadTable(t.Context(), query, model.Columns{Label: "y", Features: []string{"b", "a"}, Classify: true, Classes: d.Classes}, model.TableOptions{})
	require.NoError(t, err)
	require.Equal(t, []float64{2, 1}, d.X)
	require.Equal(t, []float64{0}, d.Y)

	d, err = model.ReadTable(t.Context(), table(t, "a,y\n1,dog\n2,cat\n"), model.Columns{Label: "y", Classify: true}, model.TableOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"cat", "dog"}, d.Classes)
	require.Equal(t, []float64{1, 0}, d.Y)
}

func TestReadTableRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"a,y\n1,0\nred,1\n":    `table.csv:3: column "a": `,
		"a,y\n1,0\n,1\n":       `table.csv: row 1: column "a": the value is missing; these models need a finite number`,
		"a,y\n1,0\n2,\n":       `table.csv: row 1: column "y": the label is missing`,
		"a,y\n":                "table.csv: has no rows",
		"y\n1\n":               "table.csv: has no columns of features",
		"a,z\n1,0\n":           `the label column "y" is not in the table`,
		"a,y\n1,0\n2,1\n3,1\n": "whose 1 features do not fit into 16 bytes",
	} {
		_, err := model.ReadTable(t.Context(), table(t, text), model.Columns{Label: "y"}, model.TableOptions{Memory: 16})
		require.ErrorContains(t, err, want)
	}
}
