package store

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// waves are rows that differ in length by a factor of 2¹⁰, of which no form holds the
// numbers exactly.
func waves(rows, cols int) []float32 {
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(math.Sin(float64(i*i%1009))) * float32(math.Ldexp(1e-6, i/cols%11))
	}
	return x
}

// stored writes rows, cut into two blocks, in a form, and opens them.
func stored(t *testing.T, x []float32, cols int, form Form) (*Store, []influence.Vectors) {
	t.Helper()
	v, err := influence.VectorsOf(x, cols)
	require.NoError(t, err)
	blocks, err := influence.Split(v, 300, cols-300)
	require.NoError(t, err)
	dir := filepath.Join(t.TempDir(), "store")
	m, err := Write(t.Context(), dir, Content{Blocks: []Block{{"a", blocks[0]}, {"b", blocks[1]}}, Form: form, ShardBytes: 1 << 13, Workers: 2})
	require.NoError(t, err)
	require.Greater(t, len(m.Shards), 2)
	problems, err := Verify(t.Context(), dir)
	require.NoError(t, err)
	require.Empty(t, problems)
	return open(t, dir), blocks
}

// TestForms: what is read back of a store is what the kernels made of the rows, whatever
// shard they are in.
func TestForms(t *testing.T) {
	const rows, cols = 70, 400
	x := waves(rows, cols)
	for form, dtype := range map[Form]dataset.Dtype{Single: dataset.Float32, Half: dataset.Float16, Int8: dataset.Int8} {
		s, blocks := stored(t, x, cols, form)
		require.Equal(t, form != Single, s.Scaled())
		for i, b := range s.Blocks() {
			require.Equal(t, dtype, b.Dtype())
			got, err := influence.ReadVectors(t.Context(), b)
			require.NoError(t, err)
			from, err := influence.ReadVectors(t.Context(), blocks[i])
			require.NoError(t, err)
			m := kernel.NewMatrix[float32](rows, b.Cols())
			for k, v := range from {
				m.Data[k] = float32(v)
			}
			half, small := kernel.NarrowRows(1, m), kernel.Quantize(1, m)
			for k, v := range got {
				row, j := k/b.Cols(), k%b.Cols()
				want := from[k]
				switch form {
				case Half:
					var wide [1]float32
					kernel.Widen(wide[:], half.Data[k:k+1])
					want = float64(wide[0]) * float64(half.Scale[row])
				case Int8:
					scales := (b.Cols() + 255) / 256
					want = float64(small.Scale[row*scales+j/256]) * float64(small.Data[row*small.Stride+j])
				}
				require.Equal(t, want, v, "%s: block %d, row %d, number %d", form, i, row, j)
			}
		}
	}
}

// TestFidelity: what is measured is what the scores are.
func TestFidelity(t *testing.T) {
	const rows, cols = 300, 400
	x := waves(rows, cols)
	for form, want := range map[Form]struct{ error, spearman float64 }{Single: {0, 1}, Half: {1e-3, 0.9999}, Int8: {1e-2, 0.998}} {
		s, blocks := stored(t, x, cols, form)
		f, err := Measure(t.Context(), vectorsOf(s.Blocks()), blocks, []Reference{{"gradients", blocks}}, influence.ProductOptions{})
		require.NoError(t, err)
		require.Equal(t, rows, f.TrainRows)
		require.Equal(t, 32, f.Queries)
		c := f.Comparisons[0]
		require.LessOrEqual(t, c.ErrorMax, want.error, "%s: %v", form, c)
		require.LessOrEqual(t, c.ErrorMean, c.ErrorMax)
		require.GreaterOrEqual(t, c.SpearmanMin, want.spearman, "%s: %v", form, c)
		require.Equal(t, 30, c.Top)
		if form == Single {
			require.Equal(t, 1.0, c.TopOverlap)
			require.Equal(t, 1.0, c.SpearmanMean)
		} else {
			require.Positive(t, c.ErrorMax)
		}
		require.NoError(t, WriteFidelity(s.Path(), f))
		again, err := ReadFidelity(s.Path())
		require.NoError(t, err)
		require.Equal(t, f, again)
	}
}

// TestFidelityLeavesOut: rows that are not finite are counted, not measured.
func TestFidelityLeavesOut(t *testing.T) {
	x := waves(300, 400)
	x[7*400+3], x[9*400] = float32(math.NaN()), float32(math.Inf(1))
	s, blocks := stored(t, x, 400, Int8)
	f, err := Measure(t.Context(), vectorsOf(s.Blocks()), blocks, []Reference{{"gradients", blocks}}, influence.ProductOptions{})
	require.NoError(t, err)
	require.Equal(t, 2, f.LeftOut)
	require.Equal(t, 298, f.TrainRows)
}

func TestComparison(t *testing.T) {
	want := [][]float32{{4, 3, 2, 1}, {1, 1, 2, -8}}
	got := [][]float32{{4, 2, 3, 1}, {1, 1, 2, -8}}
	c, err := compare("x", got, want)
	require.NoError(t, err)
	require.InDelta(t, (0.8+1)/2, c.SpearmanMean, 1e-12) // 1 − 6·2/(4·15)
	require.InDelta(t, 0.8, c.SpearmanMin, 1e-12)
	require.InDelta(t, 2*0.25/8, c.ErrorMean, 1e-12)
	require.Equal(t, 0.25, c.ErrorMax)
	require.Equal(t, 1, c.Top)
	require.Equal(t, 1.0, c.TopOverlap)
	for last, spearman := range map[float32]float64{0: 1, 1: 0} {
		c, err := compare("x", [][]float32{{0, 0}}, [][]float32{{0, last}})
		require.NoError(t, err)
		require.Equal(t, spearman, c.SpearmanMin)
	}
}

func TestEvenRows(t *testing.T) {
	require.Equal(t, []int64{0, 1, 2}, evenRows(3, 8, 2))
	require.Equal(t, []int64{0, 1, 9, 10, 18, 19}, evenRows(20, 6, 2))
	require.Empty(t, evenRows(0, 8, 2))
}

// TestScalesAreNotLost: no writer drops them.
func TestScalesAreNotLost(t *testing.T) {
	for _, form := range []Form{Half, Int8} {
		s, _ := stored(t, waves(300, 400), 400, form)
		path := filepath.Join(t.TempDir(), "out")
		const want = "numbers with scales are not written as they are"
		require.ErrorContains(t, WriteTensors(t.Context(), path, nil, s.Blocks()), want)
		require.ErrorContains(t, WriteNPY(t.Context(), path, []int64{300, 300}, s.Blocks()[0]), want)
		_, err := Write(t.Context(), path, Content{Blocks: s.Blocks()})
		require.ErrorContains(t, err, want)
	}
}

func TestRefusedScales(t *testing.T) {
	s, _ := stored(t, waves(70, 400), 400, Int8)
	path := filepath.Join(s.Path(), manifestName)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, x := range [][3]string{
		{`"dtype": "I8"`, `"dtype": "F16"`, `tensor "numbers/a" is not rows of 300 F16`},
		{`"dtype": "I8"`, `"dtype": "F32"`, "300 numbers of dtype F32 have no scales"},
		{`"cols": 300`, `"cols": 100`, `tensor "numbers/a" is not rows of 128 I8`},
		{`"n": 70`, `"n": 71`, `tensor "scales/a" is 70 rows`},
		{`"scaled": true`, `"scaled": false`, `tensor "numbers/a": values of type "I8" are no floating-point numbers`},
	} {
		changed := []byte(replaceOnce(t, string(text), x[0], x[1]))
		require.NoError(t, os.WriteFile(path, changed, 0o666))
		_, err := Open(s.Path(), dataset.MatrixOptions{})
		require.ErrorContains(t, err, x[2])
	}
}
