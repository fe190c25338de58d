package capture

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/goldentest"
)

// torchCases returns the folders of a name in what python/tests/draw.py has written to the
// folder that INFL_TORCH names.
func torchCases(t *testing.T, name string) []string {
	t.Helper()
	root := os.Getenv("INFL_TORCH")
	if root == "" {
		t.Skip("INFL_TORCH is not set")
	}
	cases, err := filepath.Glob(filepath.Join(root, "*", name))
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	return cases
}

// TestTorchGradients compares captures of PyTorch models with autograd's gradients of
// one example after the other.
func TestTorchGradients(t *testing.T) {
	for _, expected := range torchCases(t, "expected") {
		dir := filepath.Dir(expected)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			problems, err := Verify(t.Context(), dir, Options{})
			require.NoError(t, err)
			require.Empty(t, problems)
			r, err := OpenRun(dir, Options{})
			require.NoError(t, err)
			defer func() { require.NoError(t, r.Close()) }()
			c := r.Checkpoints[0].Train
			require.True(t, strings.HasPrefix(c.Manifest().Model.Fingerprint, "sha256:"))
			require.NotEmpty(t, c.Manifest().Modules)
			for _, x := range c.Manifest().Modules {
				want, err := goldentest.NPY(filepath.Join(expected, x.Name+".npy"))
				require.NoError(t, err)
				require.Equal(t, []int{int(c.Len()), int(x.Out), int(x.Columns())}, want.Shape)
				var got []float64
				eachBlock(t, c, 4, []string{x.Name}, func(b *Block) {
					g, err := ExampleGradients(2, b, x.Name, new([]float64))
					require.NoError(t, err)
					got = append(got, g.Data...)
				})
				tolerance := map[string]float64{"F64": 1e-12, "F32": 1e-6}[c.Manifest().Dtype]
				require.LessOrEqual(t, furthest(want.Data, got), tolerance, x.Name)
			}
		})
	}
}

// TestTorchProjections compares captures of projected gradients with what is made of rows of
// the same model: by srht with the same bits where an example has one row, so that its
// gradient is a product, else within 2e-6.
func TestTorchProjections(t *testing.T) {
	for _, dir := range torchCases(t, "projected") {
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			c, rows := opened(t, dir), opened(t, filepath.Join(filepath.Dir(dir), "rows"))
			require.NoError(t, SameModel(c, rows))
			eachProjection(t, c, rows, func(x Module, made, read influence.Vectors) {
				want, got := numbers(t, made), numbers(t, read)
				if c.Manifest().Projection.Kind == "srht" && c.Manifest().RowSets[x.RowSet] == 1 {
					require.Equal(t, want, got, x.Name)
				} else {
					require.LessOrEqual(t, furthest(want, got), 2e-6, x.Name)
				}
			})
		})
	}
}

// TestTorchSums compares captures of sums with loops over rows of the same model.
func TestTorchSums(t *testing.T) {
	for _, dir := range torchCases(t, "factors") {
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			c, rows := opened(t, dir), opened(t, filepath.Join(filepath.Dir(dir), "rows"))
			problems, err := Verify(t.Context(), dir, Options{})
			require.NoError(t, err)
			require.Empty(t, problems)
			eachBlock(t, rows, int(rows.Len()), nil, func(b *Block) { requireSumsOf(t, c, b, 1e-6) })
		})
	}
}

// furthest is the largest difference divided by the largest number.
func furthest(want, got []float64) float64 {
	var most, scale float64
	for i, w := range want {
		most, scale = math.Max(most, math.Abs(got[i]-w)), math.Max(scale, math.Abs(w))
	}
	return most / scale
}
