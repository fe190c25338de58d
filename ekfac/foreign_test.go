package ekfac

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/goldentest"
	"github.com/infl-dev/infl/internal/kernel"
)

// TestKronfluence finds kronfluence's scores from its factors and the captures.
func TestKronfluence(t *testing.T) {
	for _, x := range []struct {
		golden, folder string
		partitions     bool // without the sums of partitions
		tolerance      float64
	}{
		{"mlp_optdigits", "kronfluence_f32", false, 1e-5},
		{"mlp_optdigits", "kronfluence_f32_partitioned", false, 1e-5},
		{"mlp_optdigits", "kronfluence_f32_partitioned", true, 1e-5},
		{"cnn_mnist", "kronfluence_f32", false, 1e-5},
		{"gpt_shakespeare", "kronfluence_f64", false, 1e-9},
	} {
		t.Run(fmt.Sprint(x.golden, "/", x.folder, "/", x.partitions), func(t *testing.T) {
			golden := filepath.Join(goldentest.Dir(t, "neural"), x.golden)
			dir := filepath.Join(golden, x.folder, "factors_ekfac")
			if x.partitions {
				dir = copied(t, dir, func(name string) bool {
					return strings.Contains(name, "partition") || strings.Contains(name, "eigen") || strings.Contains(name, "json")
				})
			}
			f := opened(t, dir)
			require.Equal(t, EKFAC, f.Method())
			require.Equal(t, "kronfluence", f.Tool())
			train, query := openCapture(t, filepath.Join(golden, "capture", "train")), openCapture(t, filepath.Join(golden, "capture", "query"))
			require.NoError(t, f.Matches(train))
			found, err := filepath.Glob(filepath.Join(golden, x.folder, "scores_p*", "pairwise_scores.safetensors"))
			require.NoError(t, err)
			require.Len(t, found, 1)
			assertClose(t, summed(t, found[0]), scores(t, f, EKFAC, Exact, -1, train, query), x.tolerance)
			checks, err := f.Verify(t.Context(), 1)
			require.NoError(t, err)
			for _, c := range checks {
				assert.Empty(t, c.Problems)
			}
		})
	}
}

// summed adds the tensors of a file.
func summed(t *testing.T, path string) []float64 {
	t.Helper()
	f, err := openFiles(map[string]string{"file": path})
	require.NoError(t, err)
	p := parts{folders: []tensorFolder{f}}
	defer func() { require.NoError(t, p.close()) }()
	var out []float64
	for _, key := range p.keys("file") {
		m, err := p.matrix("file", key)
		require.NoError(t, err)
		if out == nil {
			out = make([]float64, len(m.Data))
		}
		for i, v := range m.Data {
			out[i] += v
		}
	}
	return out
}

// copied is a folder with some of the files of another.
func copied(t *testing.T, dir string, keep func(name string) bool) string {
	t.Helper()
	out := t.TempDir()
	for name, content := range files(t, dir) {
		if keep(name) {
			require.NoError(t, os.WriteFile(filepath.Join(out, name), []byte(content), 0o666))
		}
	}
	return out
}

func opened(t *testing.T, dir string) *Factors {
	t.Helper()
	f, err := Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

// TestWriteKronfluence reads a folder for kronfluence as what it is to that.
func TestWriteKronfluence(t *testing.T) {
	c := draw(t, aModel(), 50, 12, 0)
	for _, method := range []Strategy{EKFAC, KFAC, Diagonal} {
		t.Run(string(method), func(t *testing.T) {
			want, err := Fit(t.Context(), c, FitOptions{Method: method})
			require.NoError(t, err)
			dir := filepath.Join(t.TempDir(), "factors")
			require.NoError(t, want.WriteKronfluence(t.Context(), dir))
			ours := opened(t, dir)
			require.Empty(t, ours.Tool())
			sameCurvatures(t, want, ours, method, 1)

			theirs := opened(t, copied(t, dir, func(name string) bool { return name != headName }))
			require.Equal(t, "kronfluence", theirs.Tool())
			require.Equal(t, method, theirs.Method())
			require.NoError(t, theirs.Matches(c))
			sameCurvatures(t, want, theirs, method, 1)
			again := filepath.Join(t.TempDir(), "again")
			require.NoError(t, theirs.Write(t.Context(), again))
			require.Equal(t, "kronfluence", opened(t, again).Tool())
		})
	}
}

// sameCurvatures compares eigenbases, and eigenvalues that differ by a scale.
func sameCurvatures(t *testing.T, want, got *Factors, s Strategy, scale float64) {
	t.Helper()
	require.Len(t, got.Modules(), len(want.Modules()))
	for _, m := range want.Modules() {
		a, err := want.Curvature(t.Context(), m.Name, s, Exact)
		require.NoError(t, err)
		b, err := got.Curvature(t.Context(), m.Name, s, Exact)
		require.NoError(t, err)
		require.Equal(t, a.Input.Vectors.Data, b.Input.Vectors.Data)
		require.Equal(t, a.Output.Vectors.Data, b.Output.Vectors.Data)
		for i, v := range a.Eigenvalues.Data {
			require.InDelta(t, scale*v, b.Eigenvalues.Data[i], 1e-14*slices.Max(a.Eigenvalues.Data))
		}
	}
}

// TestBergson writes factors as bergson's ranks do: rows shared out, those that are left
// over on the first; eigenvalues times the root of the number of rows.
func TestBergson(t *testing.T) {
	c := draw(t, aModel(), 50, 12, 0)
	want, err := Fit(t.Context(), c, FitOptions{})
	require.NoError(t, err)
	const ranks = 3
	write := func(t *testing.T) string {
		dir := t.TempDir()
		for file, folder := range bergsonFolders {
			for rank := range ranks {
				of := map[string]kernel.Matrix[float64]{}
				for _, m := range want.Modules() {
					of[m.Name] = bergsonPart(t, want, &m, file, rank, ranks)
				}
				writeForeign(t, filepath.Join(dir, folder, fmt.Sprintf("shard_%d.safetensors", rank)), of)
			}
		}
		return dir
	}
	got := opened(t, write(t))
	require.Equal(t, "bergson", got.Tool())
	require.NoError(t, got.Matches(c))
	for i, m := range want.Modules() {
		require.Equal(t, m.Rows, got.Modules()[slices.IndexFunc(got.Modules(), func(x Module) bool { return x.Name == m.Name })].Rows, i)
		one := &Factors{head: want.head, tensors: want.tensors}
		one.head.Modules = []Module{m}
		other := &Factors{head: got.head, tensors: got.tensors}
		other.head.Modules = slices.DeleteFunc(slices.Clone(got.Modules()), func(x Module) bool { return x.Name != m.Name })
		// Its curvature is that of a row.
		sameCurvatures(t, one, other, EKFAC, float64(m.Examples)/float64(m.Rows))
		sameCurvatures(t, one, other, KFAC, float64(m.Examples)/float64(m.Rows))
	}

	t.Run("without the corrections", func(t *testing.T) {
		dir := write(t)
		require.NoError(t, os.RemoveAll(filepath.Join(dir, bergsonFolders[lambdaMatrix])))
		require.Equal(t, KFAC, opened(t, dir).Method())
	})
	t.Run("without a rank", func(t *testing.T) {
		dir := write(t)
		for _, folder := range bergsonFolders {
			require.NoError(t, os.Remove(filepath.Join(dir, folder, "shard_2.safetensors")))
		}
		_, err := Open(dir)
		require.ErrorContains(t, err, "eigenvectors are")
	})
}

// bergsonPart is what a rank has of a matrix.
func bergsonPart(t *testing.T, f *Factors, m *Module, file string, rank, ranks int) kernel.Matrix[float64] {
	t.Helper()
	key := m.Name
	if file == inputCovariance || file == inputValues || file == inputVectors {
		key = m.Inputs
	}
	whole, err := f.tensors.matrix(file, key)
	require.NoError(t, err)
	if file == inputValues || file == outputValues {
		scaled := kernel.NewMatrix[float64](whole.Rows, 1)
		for i, v := range whole.Data {
			scaled.Data[i] = v * math.Sqrt(float64(m.Rows))
		}
		whole = scaled
	}
	if file == inputValues {
		return whole
	}
	share, first := whole.Rows/ranks, whole.Rows%ranks
	lo, hi := first+rank*share, first+(rank+1)*share
	if rank == 0 {
		lo = 0
	}
	return whole.Block(lo, 0, hi-lo, whole.Cols)
}

// writeForeign writes a safetensors file of float64; a column is a vector.
func writeForeign(t *testing.T, path string, of map[string]kernel.Matrix[float64]) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	var heads []dataset.Tensor
	for name, m := range of {
		shape := []int64{int64(m.Rows), int64(m.Cols)}
		if m.Cols == 1 {
			shape = shape[:1]
		}
		heads = append(heads, dataset.Tensor{Name: name, Dtype: "F64", Shape: shape, Bytes: 8 * int64(m.Rows*m.Cols)})
	}
	require.NoError(t, writeTensors(path, nil, heads, func(i int) (kernel.Matrix[float64], error) { return of[heads[i].Name], nil }))
}

// TestForeignRefused opens folders that are not whole, or do not fit together.
func TestForeignRefused(t *testing.T) {
	f, err := Fit(t.Context(), draw(t, aModel(), 20, 5, 0), FitOptions{})
	require.NoError(t, err)
	whole := filepath.Join(t.TempDir(), "whole")
	require.NoError(t, f.WriteKronfluence(t.Context(), whole))
	square := map[string]kernel.Matrix[float64]{"q": kernel.NewMatrix[float64](5, 5)}
	for name, x := range map[string]struct {
		without []string
		with    map[string]map[string]kernel.Matrix[float64]
		says    string
	}{
		"no eigenvalues":        {without: []string{inputValues}, says: "there are 0 eigenvalues"},
		"no counts":             {without: []string{lambdaExamples}, says: "num_lambda_processed: the count of module"},
		"only covariances":      {without: []string{lambdaMatrix, inputVectors, outputVectors}, says: "has no eigenvectors and no corrected eigenvalues"},
		"no examples":           {without: []string{lambdaMatrix, "covariance_dataset_metadata.json"}, says: "covariance_dataset_metadata.json"},
		"another lambda matrix": {with: map[string]map[string]kernel.Matrix[float64]{lambdaMatrix: square}, says: "is 5 × 5, its eigenbases are of 5 and 8"},
		"a damaged file":        {with: map[string]map[string]kernel.Matrix[float64]{outputVectors: nil}, says: "outputs"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, whole, func(file string) bool {
				return file != headName && !slices.Contains(x.without, strings.TrimSuffix(file, ".safetensors")) && !slices.Contains(x.without, file)
			})
			for file, tensors := range x.with {
				path := filepath.Join(dir, file+".safetensors")
				if tensors == nil {
					require.NoError(t, os.Truncate(path, 100))
					x.says = filepath.Base(path)
					continue
				}
				require.NoError(t, os.Remove(path))
				writeForeign(t, path, tensors)
			}
			_, err := Open(dir)
			require.ErrorContains(t, err, x.says)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
	require.False(t, IsFactors(t.TempDir()))
}

// TestNegligibleEigenvalues reads eigenvalues that rounding left below zero.
func TestNegligibleEigenvalues(t *testing.T) {
	read := func(dtype string, least float64) error {
		one, two := kernel.MatrixOf([]float64{1}, 1, 1), kernel.MatrixOf([]float64{1, 0, 0, 1}, 2, 2)
		f := &Factors{
			head: head{Method: KFAC, Dtype: dtype, Modules: []Module{{Name: "m", In: 2, Out: 1, Inputs: "m", Examples: 1, Rows: 1}}},
			tensors: &memoryTensors{kept: map[[2]string]kernel.Matrix[float64]{
				{inputValues, "m"}: kernel.MatrixOf([]float64{least, 1}, 2, 1), {inputVectors, "m"}: two,
				{outputValues, "m"}: one, {outputVectors, "m"}: one,
			}},
		}
		c, err := f.Curvature(t.Context(), "m", KFAC, Exact)
		if err == nil {
			require.Equal(t, []float64{0, 1}, c.Input.Values)
		}
		return err
	}
	require.NoError(t, read("F32", -5e-6))
	require.ErrorContains(t, read("F32", -5e-5), "not positive semidefinite")
	require.ErrorContains(t, read("F64", -5e-6), "not positive semidefinite")
}
