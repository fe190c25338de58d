package ekfac

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/dataset"
)

// drawBoth draws the same examples at level rows and at level factors.
func drawBoth(t *testing.T, dtype string) (rows, sums *capture.Capture) {
	t.Helper()
	m := aModel()
	m.Dtype, m.Modules, m.InputGroups = dtype, m.Modules[1:], m.InputGroups[1:]
	rows = draw(t, m, 300, 12, 0)
	m.Level = capture.Factors
	sums = draw(t, m, 300, 12, 1)
	require.Greater(t, len(sums.Manifest().Shards), 1)
	return rows, sums
}

// TestFactorsOfSums compares factors of what the training program summed with those of the
// rows themselves, and corrects eigenvalues in their eigenbases.
func TestFactorsOfSums(t *testing.T) {
	for dtype, tolerance := range map[string]float64{"F64": 1e-12, "F32": 5e-6} {
		rows, sums := drawBoth(t, dtype)
		for _, blocks := range []int{1, 2} {
			o := FitOptions{Method: KFAC, Blocks: blocks}
			want, err := Fit(t.Context(), rows, o)
			require.NoError(t, err)
			dir := filepath.Join(t.TempDir(), "kfac")
			got, err := FitFolder(t.Context(), sums, dir, o)
			require.NoError(t, err)
			for i, m := range want.Modules() {
				require.Equal(t, [2]int64{m.Rows, m.Examples}, [2]int64{got.Modules()[i].Rows, got.Modules()[i].Examples})
				for _, x := range factorsOf(want.Modules()) {
					a, err := want.tensors.matrix(x.covariance, x.key)
					require.NoError(t, err)
					b, err := got.tensors.matrix(x.covariance, x.key)
					require.NoError(t, err)
					assertClose(t, a.Data, b.Data, tolerance)
				}
			}
			assertClose(t, scores(t, want, KFAC, Exact, 0.1, rows, rows), scores(t, got, KFAC, Exact, 0.1, rows, rows), 100*tolerance)

			got.head.Left = []string{"an embedding"}
			corrected, err := Fit(t.Context(), rows, FitOptions{Basis: got, Blocks: blocks})
			require.NoError(t, err)
			whole, err := Fit(t.Context(), rows, FitOptions{Blocks: blocks})
			require.NoError(t, err)
			assertClose(t, scores(t, whole, EKFAC, Exact, 0.1, rows, rows), scores(t, corrected, EKFAC, Exact, 0.1, rows, rows), 100*tolerance)

			again, err := FitFolder(t.Context(), sums, dir, o)
			require.NoError(t, err)
			require.NoError(t, again.Close())
			require.NoError(t, got.Close())
		}
	}
}

// TestSquaresOfTrainingPrograms: what it summed in the eigenbases of kfac makes the ekfac that
// is fitted to rows, with the same bytes.
func TestSquaresOfTrainingPrograms(t *testing.T) {
	rows, sums := drawBoth(t, "F64")
	at := func(name string) string { return filepath.Join(t.TempDir(), name) }
	dir := at("kfac")
	basis, err := FitFolder(t.Context(), rows, dir, FitOptions{Method: KFAC})
	require.NoError(t, err)
	want, err := FitFolder(t.Context(), rows, at("ekfac"), FitOptions{Basis: basis})
	require.NoError(t, err)
	m := *sums.Manifest()
	m.Basis = basis.head.basisPrint()
	squares := writeSquares(t, m, rows, want)
	got, err := FitFolder(t.Context(), squares, at("given"), FitOptions{Basis: basis})
	require.NoError(t, err)
	require.True(t, got.head.Summed)
	for i, x := range want.head.Modules {
		a, err := want.tensors.matrix(lambdaMatrix, x.Name)
		require.NoError(t, err)
		b, err := got.tensors.matrix(lambdaMatrix, x.Name)
		require.NoError(t, err)
		assertClose(t, a.Data, b.Data, 1e-15)
		require.Equal(t, [2]int64{x.Rows, x.Examples}, [2]int64{got.head.Modules[i].Rows, got.head.Modules[i].Examples})
	}
	assertClose(t, scores(t, want, EKFAC, Exact, 0.1, rows, rows), scores(t, got, EKFAC, Exact, 0.1, rows, rows), 1e-14)

	_, err = Fit(t.Context(), squares, FitOptions{})
	require.ErrorContains(t, err, "fit ekfac with the factors for kfac that these are of")
	_, err = Fit(t.Context(), squares, FitOptions{Method: KFAC})
	require.ErrorContains(t, err, "fit ekfac with the factors for kfac that these are of")
	other, err := FitFolder(t.Context(), sums, at("other"), FitOptions{Method: KFAC, Blocks: 2})
	require.NoError(t, err)
	_, err = Fit(t.Context(), squares, FitOptions{Basis: other, Blocks: 2})
	require.ErrorContains(t, err, "in other eigenbases than those of the basis")
	for _, f := range []*Factors{basis, want, got, other} {
		require.NoError(t, f.Close())
	}
}

// writeSquares writes the eigenvalues of factors as a capture of two shards, each with half
// of them.
func writeSquares(t *testing.T, m capture.Manifest, from *capture.Capture, f *Factors) *capture.Capture {
	t.Helper()
	dir := t.TempDir()
	m.Shards, m.N = nil, from.Len()
	var keys, tokens []int64
	for b, err := range from.Blocks(t.Context(), 0, from.Len(), capture.BlockOptions{Modules: []string{}}) {
		require.NoError(t, err)
		keys, tokens = append(keys, b.IDs...), append(tokens, b.Tokens...)
	}
	half := from.Len() / 2
	for i := range int64(2) {
		var heads []dataset.Tensor
		var numbers bytes.Buffer
		add := func(name, dtype string, values any, shape ...int64) {
			before := int64(numbers.Len())
			require.NoError(t, binary.Write(&numbers, binary.LittleEndian, values))
			heads = append(heads, dataset.Tensor{Name: name, Dtype: dtype, Shape: shape, Bytes: int64(numbers.Len()) - before})
		}
		lo, hi := i*half, (i+1)*half
		add("ids", "I64", keys[lo:hi], half)
		add("ntok", "I64", tokens[lo:hi], half)
		add("loss", "F64", from.Losses()[lo:hi], half)
		for _, x := range f.Modules() {
			whole, err := f.tensors.matrix(lambdaMatrix, x.Name)
			require.NoError(t, err)
			part := slices.Clone(whole.Data)
			for j := range part {
				part[j] /= 2
			}
			add("L/"+x.Name, "F64", part, x.Out, x.Columns())
		}
		header, err := dataset.SafetensorsHeaderBytes(nil, heads)
		require.NoError(t, err)
		file := fmt.Sprintf("%05d.safetensors", i)
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), append(header, numbers.Bytes()...), 0o666))
		m.Shards = append(m.Shards, capture.Shard{File: file, First: lo, N: half})
	}
	text, err := json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), text, 0o666))
	return openCapture(t, dir)
}

// TestSumsCannotTell what needs rows.
func TestSumsCannotTell(t *testing.T) {
	rows, sums := drawBoth(t, "F32")
	for want, o := range map[string]FitOptions{
		"holds covariances alone; fit kfac of it":                                        {},
		"holds no gradients of examples; diagonal needs level rows, last_layer or grads": {Method: Diagonal},
		"was summed row by row":                                                          {Method: KFAC, Sharing: Reduce},
		"and exact labels need level rows":                                               {Method: KFAC, Labels: ExactLabels},
		"was summed over all of its 300 examples":                                        {Method: KFAC, RowsMax: 299},
	} {
		_, err := Fit(t.Context(), sums, o)
		require.ErrorContains(t, err, sums.Dir()+": is a capture of level factors, which ")
		require.ErrorContains(t, err, want)
	}
	require.ErrorContains(t, FitPart(t.Context(), sums, t.TempDir(), 0, 100, FitOptions{Method: KFAC}), "there are no parts of them")
	basis, err := FitFolder(t.Context(), sums, filepath.Join(t.TempDir(), "kfac"), FitOptions{Method: KFAC})
	require.NoError(t, err)
	_, err = Fit(t.Context(), rows, FitOptions{Basis: basis, RowsMax: 200})
	require.ErrorContains(t, err, "the basis was fitted to another capture, or in another way")
	require.NoError(t, basis.Close())
}
