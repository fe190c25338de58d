package ekfac

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openCapture(t testing.TB, dir string) *capture.Capture {
	t.Helper()
	c, err := capture.Open(dir, capture.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// scores are those of all queries and train rows by their definition; a negative damping
// is a tenth of the mean eigenvalue.
func scores(t testing.TB, f *Factors, s Strategy, form Form, damping float64, train, query *capture.Capture) []float64 {
	t.Helper()
	out := kernel.NewMatrix[float64](int(query.Len()), int(train.Len()))
	for _, m := range f.Modules() {
		c, err := f.Curvature(t.Context(), m.Name, s, form)
		require.NoError(t, err)
		lambda := damping
		if n := len(c.Eigenvalues.Data); damping < 0 {
			lambda = 0.1 * total(c.Eigenvalues.Data) / float64(n)
		}
		g, q := gradients(t, train, m.Name), gradients(t, query, m.Name)
		for i := range q.Rows {
			row := kernel.MatrixOf(q.Row(i), int(m.Out), int(m.Columns()))
			precondition(c, lambda, row)
		}
		kernel.GemmNT(1, q, g, out)
	}
	return out.Data
}

// gradients are those of all examples of a capture.
func gradients(t testing.TB, c *capture.Capture, module string) (g kernel.Matrix[float64]) {
	t.Helper()
	for b, err := range c.Blocks(t.Context(), 0, c.Len(), capture.BlockOptions{Examples: int(c.Len()), Modules: []string{module}}) {
		require.NoError(t, err)
		var buffer []float64
		g, err = capture.ExampleGradients(1, b, module, &buffer)
		require.NoError(t, err)
	}
	copied := kernel.NewMatrix[float64](g.Rows, g.Cols)
	copy(copied.Data, g.Data)
	return copied
}

// precondition overwrites G with H⁻¹·G.
func precondition(c *Curvature, damping float64, g kernel.Matrix[float64]) {
	if c.Eigenvalues.Data == nil {
		return
	}
	r := g
	if c.Input.Vectors.Data != nil {
		r = product(product(transposed(c.Output.Vectors), g), c.Input.Vectors)
	}
	for i := range r.Data {
		r.Data[i] /= c.Eigenvalues.Data[i] + damping
	}
	if c.Input.Vectors.Data != nil {
		copy(g.Data, product(product(c.Output.Vectors, r), transposed(c.Input.Vectors)).Data)
	}
}

func product(a, b kernel.Matrix[float64]) kernel.Matrix[float64] {
	c := kernel.NewMatrix[float64](a.Rows, b.Cols)
	kernel.GemmNN(1, a, b, c)
	return c
}

func transposed(a kernel.Matrix[float64]) kernel.Matrix[float64] {
	b := kernel.NewMatrix[float64](a.Cols, a.Rows)
	for i := range a.Rows {
		for j := range a.Cols {
			b.Data[j*b.Stride+i] = a.At(i, j)
		}
	}
	return b
}

func total(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum
}

// assertClose compares with a tolerance relative to the largest number that is wanted.
func assertClose(t testing.TB, want, got []float64, tolerance float64) {
	t.Helper()
	require.Len(t, got, len(want))
	most, worst := 0.0, 0.0
	for i, v := range want {
		most = max(most, math.Abs(v))
		worst = max(worst, math.Abs(v-got[i]))
		require.False(t, math.IsNaN(got[i]))
	}
	require.LessOrEqual(t, worst, tolerance*most)
}
