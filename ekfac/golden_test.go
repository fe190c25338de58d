package ekfac

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/goldentest"
)

// TestGoldenSums compares the traces and sums of the factors of real models with those
// that an independent program found in float64.
func TestGoldenSums(t *testing.T) {
	for _, name := range []string{"cnn_mnist", "gpt_shakespeare", "mlp_optdigits"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(goldentest.Dir(t, "neural"), name)
			text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
			require.NoError(t, err)
			var expected struct {
				Sums map[string]struct {
					A        float64 `json:"sum_A_trace"`
					S        float64 `json:"sum_S_trace"`
					Lambda   float64 `json:"lambda_sum"`
					Diagonal float64 `json:"diag_sum"`
					Rows     int64
					Examples int64
				} `json:"factor_sums"`
			}
			require.NoError(t, json.Unmarshal(text, &expected))
			c := openCapture(t, filepath.Join(dir, "capture", "train"))
			for _, double := range []bool{true, false} {
				tolerance := map[bool]float64{true: 1e-12, false: 1e-5}[double]
				f, err := Fit(t.Context(), c, FitOptions{Float64: double})
				require.NoError(t, err)
				diagonal, err := Fit(t.Context(), c, FitOptions{Method: Diagonal, Float64: double})
				require.NoError(t, err)
				require.Len(t, f.Modules(), len(expected.Sums))
				for _, m := range f.Modules() {
					want := expected.Sums[m.Name]
					require.Equal(t, want.Rows, m.Rows)
					require.Equal(t, want.Examples, m.Examples)
					assert.InEpsilon(t, want.A, trace(t, f, inputCovariance, m.Inputs), tolerance, m.Name)
					assert.InEpsilon(t, want.S, trace(t, f, outputCovariance, m.Name), tolerance, m.Name)
					assert.InEpsilon(t, want.Lambda, total(t, f, m.Name), tolerance, m.Name)
					assert.InEpsilon(t, want.Diagonal, total(t, diagonal, m.Name), tolerance, m.Name)
				}
			}
		})
	}
}

func trace(t *testing.T, f *Factors, file, key string) (sum float64) {
	m, err := f.tensors.matrix(file, key)
	require.NoError(t, err)
	for i := range m.Rows {
		sum += m.At(i, i)
	}
	return sum
}

func total(t *testing.T, f *Factors, key string) float64 {
	m, err := f.tensors.matrix(lambdaMatrix, key)
	require.NoError(t, err)
	return sum(m.Data)
}

func openCapture(t testing.TB, dir string) *capture.Capture {
	t.Helper()
	c, err := capture.Open(dir, capture.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}
