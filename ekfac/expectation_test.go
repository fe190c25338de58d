package ekfac

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// TestExpectationIsTheHessian compares what is expected of each loss with its exact
// Hessian, Σ r·rᵀ for r of [influence.HessianRows]: Λ is Σ (Q_Sᵀ·r·Q_A)², and with inputs
// of 1, the Hessian is Σ C.
func TestExpectationIsTheHessian(t *testing.T) {
	const n, k, width = 40, 3, 2
	for _, name := range []string{"cross_entropy", "half_squared_error", "squared_error", "mse"} {
		m := capture.NewManifest("train", capture.NewLinear("head", width, k, true))
		m.Dtype, m.Loss.Name = "F64", name
		r := rand.New(rand.NewPCG(5, 6))
		a, g, ones := normalMatrix(r, n, width), normalMatrix(r, n, k), kernel.NewMatrix[float64](n, 1)
		for i := range n {
			ones.Data[i] = 1
			if name == "cross_entropy" {
				copy(g.Row(i), []float64{0.5, 0.25, 0.25})
				g.Row(i)[i%k]--
			}
		}
		dir := t.TempDir()
		w, err := capture.Create(dir, m, capture.WriterOptions{})
		require.NoError(t, err)
		b := capture.Batch{
			IDs: make([]int64, n), Loss: make([]float64, n),
			Inputs: map[string]capture.Values{"head": {F64: a.Data}}, OutputGradients: map[string]capture.Values{"head": {F64: g.Data}},
		}
		for i := range n {
			b.IDs[i] = int64(i)
		}
		require.NoError(t, w.Write(b))
		require.NoError(t, w.Close())
		f, err := Fit(t.Context(), openCapture(t, dir), FitOptions{Labels: ExactLabels})
		require.NoError(t, err)

		loss, err := influence.ParseOutputLoss(name)
		require.NoError(t, err)
		hessianRows := func(inputs kernel.Matrix[float64], bias bool) kernel.Matrix[float64] {
			x, err := influence.VectorsOf(inputs.Data, inputs.Cols)
			require.NoError(t, err)
			gradients, err := influence.VectorsOf(g.Data, k)
			require.NoError(t, err)
			v, err := influence.HessianRows(x, gradients, bias, loss)
			require.NoError(t, err)
			numbers, err := influence.ReadVectors(t.Context(), v)
			require.NoError(t, err)
			return kernel.MatrixOf(numbers, n*k, v.Cols())
		}
		covariance := kernel.NewMatrix[float64](k, k)
		for i, rows := 0, hessianRows(ones, false); i < rows.Rows; i++ {
			addOuter(covariance, rows.Row(i), rows.Row(i))
		}
		in, err := f.tensors.matrix(inputVectors, "head")
		require.NoError(t, err)
		out, err := f.tensors.matrix(outputVectors, "head")
		require.NoError(t, err)
		lambda := make([]float64, k*(width+1))
		for i, rows := 0, hessianRows(a, true); i < rows.Rows; i++ {
			for j, v := range product(product(transposed(out), kernel.MatrixOf(rows.Row(i), k, width+1)), in).Data {
				lambda[j] += v * v
			}
		}
		got, err := f.tensors.matrix(outputCovariance, "head")
		require.NoError(t, err)
		assertClose(t, covariance.Data, got.Data, 1e-13)
		got, err = f.tensors.matrix(lambdaMatrix, "head")
		require.NoError(t, err)
		assertClose(t, lambda, got.Data, 1e-13)
	}
}
