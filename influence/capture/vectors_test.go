package capture

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

var _ influence.OuterSums = (*Gradients)(nil)

// TestGradientsAreThoseOfExamples compares the vectors of parts of a capture with the
// gradients of a whole block, and with themselves in float32.
func TestGradientsAreThoseOfExamples(t *testing.T) {
	const n = 30
	dir := t.TempDir()
	write(t, dir, aManifest(), WriterOptions{ShardBytes: 3000}, n, 7)
	c, err := Open(dir, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	for _, m := range c.Manifest().Modules {
		var want []float64
		eachBlock(t, c, n, nil, func(b *Block) {
			x, err := ExampleGradients[float64](1, b, m.Name, new([]float64))
			require.NoError(t, err)
			want = append(want, x.Data...)
		})
		for _, d := range []dataset.Dtype{dataset.Float64, dataset.Float32} {
			g, err := c.Gradients(m.Name, d, 2)
			require.NoError(t, err)
			require.Equal(t, []any{int64(n), int(m.Out * m.Columns()), d}, []any{g.Rows(), g.Cols(), g.Dtype()})
			next := int64(4)
			for b, err := range g.Blocks(t.Context(), 4, 27) {
				require.NoError(t, err)
				require.Equal(t, next, b.First)
				lo, hi := next*int64(b.Cols), (next+int64(b.Rows))*int64(b.Cols)
				if d == dataset.Float64 {
					require.Equal(t, want[lo:hi], b.Float64)
				} else {
					for i, v := range b.Float32 {
						require.InDelta(t, want[lo+int64(i)], v, 1e-5)
					}
				}
				next += int64(b.Rows)
			}
			require.EqualValues(t, 27, next)
		}
	}
	_, err = c.Gradients("nothing", dataset.Float32, 1)
	require.ErrorContains(t, err, `has no module "nothing"`)
	_, err = c.Gradients("q", dataset.Float16, 1)
	require.ErrorContains(t, err, "gradients are not formed in float16")
	require.Nil(t, c.InputRows("q"), "examples have several tokens")
	require.Nil(t, c.OutputRows("conv"))
}

// TestOuterBlocksAreTheRowsOfGradients adds up the outer products of the rows.
func TestOuterBlocksAreTheRowsOfGradients(t *testing.T) {
	const n = 30
	dir := t.TempDir()
	write(t, dir, aManifest(), WriterOptions{ShardBytes: 3000}, n, 7)
	c, err := Open(dir, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	for _, m := range c.Manifest().Modules {
		g, err := c.Gradients(m.Name, dataset.Float64, 2)
		require.NoError(t, err)
		starts := c.Starts(m.RowSet)
		if m.Kind == Embedding {
			require.Zero(t, g.RowsEach())
			continue
		}
		require.Equal(t, float64(starts[n])/n, g.RowsEach())
		want, err := influence.ReadVectors(t.Context(), g)
		require.NoError(t, err)
		next := int64(4)
		for b, err := range g.OuterBlocks(t.Context(), 4, 27) {
			require.NoError(t, err)
			require.Equal(t, next, b.First)
			for i := range len(b.Starts) - 1 {
				got := make([]float64, g.Cols())
				for r := b.Starts[i]; r < b.Starts[i+1]; r++ {
					for j := range got {
						got[j] += b.Outputs.Float64[r*b.Outputs.Cols+j/b.Inputs.Cols] * b.Inputs.Float64[r*b.Inputs.Cols+j%b.Inputs.Cols]
					}
				}
				require.InDeltaSlice(t, want[int(next)*g.Cols():][:g.Cols()], got, 1e-12)
				next++
			}
		}
		require.EqualValues(t, 27, next)
	}
}

// linear is a batch of a linear map of two inputs and one output, one row an example.
func linear(inputs []float32) Batch {
	n := len(inputs) / 2
	b := Batch{
		Loss: make([]float64, n), Inputs: map[string]Values{"head": {F32: inputs}},
		OutputGradients: map[string]Values{"head": {F32: make([]float32, n)}},
	}
	for i := range n {
		b.IDs = append(b.IDs, int64(i))
		b.OutputGradients["head"].F32[i] = 2
	}
	return b
}

// TestFlaggedExamplesAreNaN: their vectors can never be ranked.
func TestFlaggedExamplesAreNaN(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, NewManifest("train", NewLinear("head", 2, 1, true)), WriterOptions{})
	require.NoError(t, err)
	require.NoError(t, w.Write(linear([]float32{1, 2, 3, float32(math.Inf(1)), 5, 6})))
	require.NoError(t, w.Close())
	c, err := Open(dir, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	g, err := c.Gradients("head", dataset.Float32, 1)
	require.NoError(t, err)
	for b, err := range g.Blocks(t.Context(), 0, 3) {
		require.NoError(t, err)
		require.Equal(t, []float32{2, 4, 2}, b.Float32[:3])
		require.True(t, math.IsNaN(float64(b.Float32[3])))
		require.Equal(t, []float32{10, 12, 2}, b.Float32[6:])
	}
	for b, err := range g.OuterBlocks(t.Context(), 0, 3) {
		require.NoError(t, err)
		require.Equal(t, []float32{2, 2}, []float32{b.Outputs.Float32[0], b.Outputs.Float32[2]})
		require.True(t, math.IsNaN(float64(b.Outputs.Float32[1])))
	}
}

// TestRowsOfSingleExamples gives what is stored as it is.
func TestRowsOfSingleExamples(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, NewManifest("train", NewLinear("head", 2, 1, true)), WriterOptions{})
	require.NoError(t, err)
	require.NoError(t, w.Write(linear([]float32{1, 2, 3, 4})))
	require.NoError(t, w.Close())
	c, err := Open(dir, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	a, err := influence.ReadVectors(t.Context(), c.InputRows("head"))
	require.NoError(t, err)
	require.Equal(t, []float64{1, 2, 3, 4}, a)
	g, err := influence.ReadVectors(t.Context(), c.OutputRows("head"))
	require.NoError(t, err)
	require.Equal(t, []float64{2, 2}, g)
	require.Nil(t, c.InputRows("nothing"))
}
