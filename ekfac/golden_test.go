package ekfac

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
					assert.InEpsilon(t, want.Lambda, lambdaSum(t, f, m.Name), tolerance, m.Name)
					assert.InEpsilon(t, want.Diagonal, lambdaSum(t, diagonal, m.Name), tolerance, m.Name)
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

func lambdaSum(t *testing.T, f *Factors, key string) float64 {
	m, err := f.tensors.matrix(lambdaMatrix, key)
	require.NoError(t, err)
	return total(m.Data)
}

// TestGoldenScores compares the scores that the curvatures of real models give with those
// of kronfluence and of an independent program, by the definition of a score.
func TestGoldenScores(t *testing.T) {
	const heuristic = -1
	for _, x := range []struct {
		golden, array string
		options       FitOptions
		strategy      Strategy
		form          Form
		damping       float64
	}{
		{"mlp_optdigits", "pairwise_ekfac_heuristic", FitOptions{}, EKFAC, Exact, heuristic},
		{"mlp_optdigits", "pairwise_kfac_heuristic", FitOptions{Method: KFAC}, KFAC, Compat, heuristic},
		{"mlp_optdigits", "pairwise_diagonal_abs0.001", FitOptions{Method: Diagonal}, Diagonal, Exact, 0.001},
		{"mlp_optdigits", "pairwise_identity", FitOptions{Method: KFAC}, Identity, Exact, 0},
		{"cnn_mnist", "pairwise_ekfac_abs0.001", FitOptions{}, EKFAC, Exact, 0.001},
		{"cnn_mnist", "pairwise_kfac_abs0.001", FitOptions{}, KFAC, Compat, 0.001},
		{"cnn_mnist", "pairwise_kfac_per_example_abs0.001", FitOptions{}, KFAC, Exact, 0.001},
		{"cnn_mnist", "pairwise_diagonal_heuristic", FitOptions{Method: Diagonal}, Diagonal, Exact, heuristic},
		{"gpt_shakespeare", "pairwise_ekfac_heuristic", FitOptions{}, EKFAC, Exact, heuristic},
		{"gpt_shakespeare", "pairwise_kfac_per_example_abs0.001", FitOptions{}, KFAC, Exact, 0.001},
		{"softmax_exact", "pairwise_ekfac_mu", FitOptions{}, EKFAC, Exact, 0.01},
		{"softmax_exact", "pairwise_ekfac_type2_mu", FitOptions{Labels: ExactLabels}, EKFAC, Exact, 0.01},
		{"softmax_exact", "pairwise_kfac_type2_mu", FitOptions{Labels: ExactLabels}, KFAC, Exact, 0.01},
		{"softmax_exact_strong", "pairwise_ekfac_type2_mu", FitOptions{Labels: ExactLabels}, EKFAC, Exact, 0.1},
		{"ridge_exact", "kfac_gaussian", FitOptions{Labels: ExactLabels}, KFAC, Exact, 0.01},
		{"kron_exact", "pairwise", FitOptions{}, KFAC, Exact, heuristic},
		{"kron_exact", "pairwise", FitOptions{}, EKFAC, Exact, heuristic},
		{"kron_exact", "pairwise", FitOptions{}, TKFAC, Exact, heuristic},
	} {
		t.Run(x.golden+"/"+x.array+"/"+string(x.strategy), func(t *testing.T) {
			dir := filepath.Join(goldentest.Dir(t, "neural"), x.golden)
			want, err := goldentest.NPY(filepath.Join(dir, "expected", x.array+".npy"))
			require.NoError(t, err)
			train, query := openCapture(t, filepath.Join(dir, "capture", "train")), openCapture(t, filepath.Join(dir, "capture", "query"))
			x.options.Float64 = true
			f, err := Fit(t.Context(), train, x.options)
			require.NoError(t, err)
			got := scores(t, f, x.strategy, x.form, x.damping, train, query)
			assertClose(t, want.Data, got, 1e-9)
		})
	}
}

// TestGoldenExpectation compares the eigenvalues that are expected over all labels.
func TestGoldenExpectation(t *testing.T) {
	dir := filepath.Join(goldentest.Dir(t, "neural"), "softmax_exact")
	want, err := goldentest.NPY(filepath.Join(dir, "expected", "lambda_type2_mean.npy"))
	require.NoError(t, err)
	f, err := Fit(t.Context(), openCapture(t, filepath.Join(dir, "capture", "train")), FitOptions{Labels: ExactLabels})
	require.NoError(t, err)
	c, err := f.Curvature(t.Context(), "linear", EKFAC, Exact)
	require.NoError(t, err)
	assertClose(t, want.Data, slices.Sorted(slices.Values(c.Eigenvalues.Data)), 1e-9)
}
