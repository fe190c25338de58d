package capture

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/internal/goldentest"
)

// goldenRuns are the neural cases with captures: examples of each side, checkpoints,
// and the number of modules.
var goldenRuns = map[string]struct {
	train, query int64
	checkpoints  int
	modules      int
}{
	"cnn_mnist":            {300, 20, 1, 3},
	"gpt_shakespeare":      {200, 10, 1, 12},
	"kron_exact":           {240, 8, 1, 1},
	"lora_sms":             {200, 12, 2, 8},
	"mlp_optdigits":        {500, 40, 1, 2},
	"ridge_exact":          {200, 20, 1, 1},
	"softmax_exact":        {200, 20, 1, 1},
	"softmax_exact_strong": {200, 20, 1, 1},
	"tracin_optdigits":     {300, 20, 3, 2},
	"trak_optdigits":       {300, 20, 2, 2},
}

// TestGoldenCapturesOpen opens the capture of every golden case.
func TestGoldenCapturesOpen(t *testing.T) {
	root := goldentest.Dir(t, "neural")
	found, err := filepath.Glob(filepath.Join(root, "*", "capture"))
	require.NoError(t, err)
	require.Len(t, found, len(goldenRuns), "a case is not in the list")
	for _, path := range found {
		name := filepath.Base(filepath.Dir(path))
		t.Run(name, func(t *testing.T) {
			want, known := goldenRuns[name]
			require.True(t, known)
			if name == "trak_optdigits" { // its two models have no run.json
				for _, c := range []string{"ckpt0", "ckpt1"} {
					checkGoldenRun(t, filepath.Join(path, c), 1, want.modules, want.train, want.query)
				}
				return
			}
			checkGoldenRun(t, path, want.checkpoints, want.modules, want.train, want.query)
		})
	}
}

func checkGoldenRun(t *testing.T, path string, checkpoints, modules int, train, query int64) {
	require.True(t, IsCapture(path))
	r, err := OpenRun(path, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	require.Len(t, r.Checkpoints, checkpoints)
	for _, c := range r.Checkpoints {
		require.Equal(t, train, c.Train.Len())
		require.Equal(t, query, c.Query.Len())
		require.Len(t, c.Train.Manifest().Modules, modules)
		keys, err := c.Train.Flagged(t.Context())
		require.NoError(t, err)
		require.Empty(t, keys)
	}
	problems, err := Verify(t.Context(), path, Options{Read: true})
	require.NoError(t, err)
	require.Empty(t, problems)
}

// TestGoldenFactorSums compares the sums of squares of inputs, of gradients of
// outputs and of weights with those that an independent program found.
func TestGoldenFactorSums(t *testing.T) {
	for _, name := range []string{"cnn_mnist", "gpt_shakespeare", "mlp_optdigits"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(goldentest.Dir(t, "neural"), name)
			text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
			require.NoError(t, err)
			var expected struct {
				Sums map[string]struct {
					A        float64 `json:"sum_A_trace"`
					S        float64 `json:"sum_S_trace"`
					Weights  float64 `json:"diag_sum"`
					Rows     int64
					Examples int
				} `json:"factor_sums"`
			}
			require.NoError(t, json.Unmarshal(text, &expected))
			c, err := Open(filepath.Join(dir, "capture", "train"), Options{})
			require.NoError(t, err)
			defer func() { require.NoError(t, c.Close()) }()
			require.NotEmpty(t, expected.Sums)
			for module, want := range expected.Sums {
				x, known := c.Manifest().Module(module)
				require.True(t, known)
				require.Equal(t, want.Rows, c.RowCount(x.RowSet), module)
				require.EqualValues(t, want.Examples, c.Len())
				var a, s, weights float64
				eachBlock(t, c, 37, []string{module}, func(b *Block) {
					var buffer []float64
					m, err := Inputs(b, x.InputGroup, x.Bias, &buffer)
					require.NoError(t, err)
					a += squares(m.Data)
					m, err = OutputGradients(b, module, &buffer)
					require.NoError(t, err)
					s += squares(m.Data)
					m, err = ExampleGradients(2, b, module, &buffer)
					require.NoError(t, err)
					require.Equal(t, b.Examples, m.Rows)
					weights += squares(m.Data)
				})
				assert.InEpsilon(t, want.A, a, 1e-11, module)
				assert.InEpsilon(t, want.S, s, 1e-11, module)
				assert.InEpsilon(t, want.Weights, weights, 1e-11, module)
			}
		})
	}
}

func squares(x []float64) (sum float64) {
	for _, v := range x {
		sum += float64(v * v)
	}
	return sum
}

func eachBlock(t *testing.T, c *Capture, examples int, modules []string, use func(*Block)) {
	t.Helper()
	for b, err := range c.Blocks(t.Context(), 0, c.Len(), BlockOptions{Examples: examples, Modules: modules}) {
		require.NoError(t, err)
		use(b)
	}
}
