package dataset

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/internal/goldentest"
)

const vectorRows, vectorCols = 11, 3

// number is value j of row i of the matrices of these tests; float16 holds it.
func number(i, j int) float64 { return float64(vectorCols*i+j) - 7.5 }

// vectorsAs returns rows [lo, hi) as little-endian numbers.
func vectorsAs(d Dtype, lo, hi int) []byte {
	var b []byte
	for i := lo; i < hi; i++ {
		for j := range vectorCols {
			b = appendNumber(b, d, number(i, j))
		}
	}
	return b
}

func appendNumber(b []byte, d Dtype, x float64) []byte {
	switch d {
	case Float64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	case Float32:
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
	case BFloat16:
		return binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(float32(x))>>16))
	}
	return binary.LittleEndian.AppendUint16(b, float16.New(float32(x)).Uint16())
}

// at returns value j of row i of a block.
func (b Block) at(d Dtype, i, j int) float64 {
	k := i*b.Cols + j
	switch d {
	case Float64:
		return b.Float64[k]
	case Float32:
		return float64(b.Float32[k])
	case BFloat16:
		return float64(math.Float32frombits(uint32(b.Half[k]) << 16))
	}
	return float64(float16.FromBits(b.Half[k]).Float32())
}

// vectorBatches are record batches of 4, 0, 1 and 6 vectors in the second column.
func vectorBatches(t testing.TB, d Dtype) []arrow.RecordBatch {
	return listBatches(t, arrow.FixedSizeListOf(vectorCols, elementType(d)))
}

func elementType(d Dtype) arrow.DataType {
	return map[Dtype]arrow.DataType{Float64: arrow.PrimitiveTypes.Float64, Float32: arrow.PrimitiveTypes.Float32, Float16: arrow.FixedWidthTypes.Float16}[d]
}

// listBatches are those batches with a column of lists of some type. The Parquet
// writer of arrow-go wants lists of variable length where it cuts a batch.
func listBatches(t testing.TB, list arrow.DataType) []arrow.RecordBatch {
	schema := fields([]string{"id", "x"}, arrow.BinaryTypes.String, list)
	var out []arrow.RecordBatch
	at := 0
	for _, rows := range []int{4, 0, 1, 6} {
		ids, vectors := []string{}, [][]float64{}
		for range rows {
			ids = append(ids, fmt.Sprint(at))
			vectors = append(vectors, []float64{number(at, 0), number(at, 1), number(at, 2)})
			at++
		}
		id, err := json.Marshal(ids)
		require.NoError(t, err)
		x, err := json.Marshal(vectors)
		require.NoError(t, err)
		out = append(out, record(t, schema, string(id), string(x)))
	}
	return out
}

// readMatrix checks that blocks bring each number of rows lo … hi−1 once, in blocks
// of the wanted size, and returns how many lie in a mapped file.
func readMatrix(t testing.TB, m *Matrix, blockRows int, lo, hi int64) (mapped int) {
	t.Helper()
	next := lo
	for b, err := range m.Blocks(context.Background(), lo, hi) {
		require.NoError(t, err)
		require.Equal(t, next, b.First)
		require.Equal(t, int(min(int64(blockRows), hi-next)), b.Rows)
		require.Equal(t, vectorCols, b.Cols)
		require.Equal(t, b.Rows*b.Cols, len(b.Float64)+len(b.Float32)+len(b.Half))
		for i := range b.Rows {
			for j := range vectorCols {
				require.Equal(t, number(int(b.First)+i, j), b.at(m.Dtype(), i, j), "row %d, number %d", b.First+int64(i), j)
			}
		}
		if b.inside(m.files) {
			mapped++
		}
		next += int64(b.Rows)
	}
	require.Equal(t, hi, next)
	return mapped
}

// inside reports whether the numbers lie in a mapped file.
func (b Block) inside(files []*matrixFile) bool {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(b.Float64))) | uintptr(unsafe.Pointer(unsafe.SliceData(b.Float32))) | uintptr(unsafe.Pointer(unsafe.SliceData(b.Half)))
	for _, f := range files {
		begin := uintptr(unsafe.Pointer(unsafe.SliceData(f.mapped)))
		if at >= begin && at < begin+uintptr(len(f.mapped)) {
			return true
		}
	}
	return false
}

// matrixFiles are the vectors in every kind of file, and whether a block of one row
// can be had without a copy.
func matrixFiles(t testing.TB) map[string]struct {
	content []byte
	opt     MatrixOptions
	dtype   Dtype
	mapped  bool
} {
	type file = struct {
		content []byte
		opt     MatrixOptions
		dtype   Dtype
		mapped  bool
	}
	out := map[string]file{}
	for d, names := range map[Dtype][2]string{Float64: {"<f8", "F64"}, Float32: {"<f4", "F32"}, Float16: {"<f2", "F16"}} {
		all := vectorsAs(d, 0, vectorRows)
		out[string(d)+".npy"] = file{npyBytes(t, names[0], all, vectorRows, vectorCols), MatrixOptions{}, d, true}
		out[string(d)+".safetensors"] = file{vectorTensor(t, names[1], d, 0), MatrixOptions{Name: "x"}, d, true}
		out[string(d)+".bin"] = file{append(make([]byte, 16), all...), MatrixOptions{Raw: &RawMatrix{d, vectorRows, vectorCols, 16}}, d, true}
		out[string(d)+".arrow"] = file{plainArrowBytes(t, vectorBatches(t, d)...), MatrixOptions{Name: "x"}, d, true}
		out[string(d)+".arrows"] = file{arrowStreamBytes(t, vectorBatches(t, d)...), MatrixOptions{}, d, true}
		out[string(d)+".feather"] = file{arrowFileBytes(t, vectorBatches(t, d)...), MatrixOptions{}, d, true}
		out[string(d)+".parquet"] = file{parquetBytes(t, 5, listBatches(t, arrow.ListOf(elementType(d)))...), MatrixOptions{}, d, true}
	}
	out["bfloat16.safetensors"] = file{vectorTensor(t, "BF16", BFloat16, 0), MatrixOptions{Name: "x"}, BFloat16, true}
	out["odd.safetensors"] = file{vectorTensor(t, "F32", Float32, 3), MatrixOptions{Name: "x"}, Float32, false}
	var columns []byte
	for j := range vectorCols {
		for i := range vectorRows {
			columns = appendNumber(columns, Float32, number(i, j))
		}
	}
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': True, 'shape': (%d, %d), }", vectorRows, vectorCols)
	out["fortran.npy"] = file{npyRaw(1, header, columns), MatrixOptions{}, Float32, false}
	return out
}

func TestMatrixOfEachKind(t *testing.T) {
	for name, f := range matrixFiles(t) {
		path := write(t, name, f.content)
		for _, read := range []bool{false, true} {
			for _, rows := range []int{0, 1, 2, 5, 100} {
				opt := f.opt
				opt.Read, opt.BlockRows, opt.Tmp = read, rows, t.TempDir()
				t.Run(fmt.Sprintf("%s/read=%v/%d", name, read, rows), func(t *testing.T) {
					m, err := OpenMatrix(path, opt)
					require.NoError(t, err)
					require.Equal(t, []any{int64(vectorRows), vectorCols, f.dtype, int64(vectorRows*vectorCols) * f.dtype.Bytes()}, []any{m.Rows(), m.Cols(), m.Dtype(), m.Bytes()})
					if rows == 0 {
						rows = vectorRows
					}
					mapped := readMatrix(t, m, rows, 0, vectorRows)
					readMatrix(t, m, rows, 3, 9)
					readMatrix(t, m, rows, 7, 7)
					if read || !f.mapped {
						require.Zero(t, mapped)
					} else if rows == 1 {
						require.Equal(t, vectorRows, mapped)
					}
					unpacked := m.Kind() == Parquet || m.Kind() == Arrow && (read || strings.HasSuffix(name, ".feather"))
					require.Equal(t, unpacked, len(m.Notes()) == 1, "%v", m.Notes())
					require.NoError(t, m.Close())
					require.NoError(t, m.Close())
					left, err := os.ReadDir(opt.Tmp)
					require.NoError(t, err)
					require.Empty(t, left, "a scratch file is left")
				})
			}
		}
	}
}

func TestMatrixOfShards(t *testing.T) {
	dir := t.TempDir()
	for i, at := range []int{0, 2, 2, 9, vectorRows} {
		if i > 0 {
			from := []int{0, 2, 2, 9}[i-1]
			content := npyBytes(t, "<f4", vectorsAs(Float32, from, at), int64(at-from), vectorCols)
			require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("part-%d.npy", i)), content, 0o600))
		}
	}
	for _, rows := range []int{1, 2, 3, 7, 11} {
		m, err := OpenMatrix(filepath.Join(dir, "part-*.npy"), MatrixOptions{BlockRows: rows})
		require.NoError(t, err)
		readMatrix(t, m, rows, 0, vectorRows)
		readMatrix(t, m, rows, 1, 10)
		require.NoError(t, m.Close())
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "part-7.npy"), npyBytes(t, "<f8", []float64{1, 2, 3}, 1, 3), 0o600))
	_, err := OpenMatrix(filepath.Join(dir, "part-*.npy"), MatrixOptions{})
	require.ErrorContains(t, err, "part-7.npy: has rows of 3 float64, the first shard has rows of 3 float32")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "part-0.safetensors"), vectorTensor(t, "F32", Float32, 0), 0o600))
	_, err = OpenMatrix(filepath.Join(dir, "part-*"), MatrixOptions{Name: "x"})
	require.ErrorContains(t, err, "is npy but the first shard part-0.safetensors is safetensors")
}

func TestMatrixErrors(t *testing.T) {
	npy := npyBytes(t, "<f4", vectorsAs(Float32, 0, vectorRows), vectorRows, vectorCols)
	list := arrow.ListOf(arrow.PrimitiveTypes.Float32)
	lists := func(text string) []byte {
		return parquetBytes(t, 10, record(t, fields([]string{"v"}, list), text))
	}
	raw := func(rows, cols, offset int64, d Dtype) MatrixOptions {
		return MatrixOptions{Raw: &RawMatrix{d, rows, cols, offset}}
	}
	for _, c := range []struct {
		name    string
		content []byte
		opt     MatrixOptions
		want    string
	}{
		{"a.npy", npy[:len(npy)-1], MatrixOptions{}, "the file is cut short"},
		{"a.npy", npyBytes(t, "<i4", make([]byte, 24), 3, 2), MatrixOptions{}, `values of type "<i4" are no floating-point numbers`},
		{"a.npy", npyBytes(t, "<f4", make([]byte, 24), 3, 2, 1), MatrixOptions{}, "an array of shape [3 2 1] is no matrix"},
		{"a.npy", npyBytes(t, "<f4", []byte{}, 3, 0), MatrixOptions{}, "vectors of no numbers"},
		{"a.csv", []byte("a,b\n1,2\n"), MatrixOptions{}, "csv files hold no vectors"},
		{"a.bin", make([]byte, 24), raw(3, 2, 0, "int16"), `values of type "int16"`},
		{"a.bin", make([]byte, 24), raw(4, 2, 0, Float32), "the file is cut short: 4 rows of 2 float32 need 32 bytes, it has 24"},
		{"a.bin", make([]byte, 24), raw(2, 2, 0, Float32), "the file has 8 bytes more than 2 rows of 2 float32 need"},
		{"a.bin", make([]byte, 24), raw(3, 2, 90, Float32), "it has 0"},
		{"a.bin", make([]byte, 24), raw(-1, 2, 0, Float32), "are not possible"},
		{"a.bin", make([]byte, 24), raw(1, 2, -4, Float32), "are not possible"},
		{"a.bin", make([]byte, 24), raw(1<<40, 1<<40, 0, Float32), "are too many"},
		{"a.safetensors", vectorTensor(t, "F32", Float32, 0), MatrixOptions{}, "holds several tensors of vectors: bias, x; name one of them"},
		{"a.safetensors", vectorTensor(t, "F32", Float32, 0), MatrixOptions{Name: "y"}, `has no tensor "y" of vectors; there are bias, x`},
		{"a.safetensors", safetensorsBytes(t, 0), MatrixOptions{}, "holds no tensor of vectors"},
		{"a.safetensors", safetensorsBytes(t, 0, Tensor{Name: "s", Dtype: "I8", Shape: []int64{1, 2}, Bytes: 2}), MatrixOptions{}, `values of type "I8"`},
		{"a.safetensors", []byte("12345"), MatrixOptions{}, "is not a safetensors file, or is cut short"},
		{"a.arrow", plainArrowBytes(t, record(t, fields([]string{"v", "w"}, list, list), "[[1,2]]", "[[1]]")), MatrixOptions{}, "holds several columns of vectors: v, w"},
		{"a.arrow", plainArrowBytes(t, record(t, fields([]string{"v"}, list), "[[1,2],null]")), MatrixOptions{}, "holds a null where a vector is expected"},
		{"a.arrow", plainArrowBytes(t, record(t, fields([]string{"v"}, list), "[[1,null]]")), MatrixOptions{}, "holds a null where a number is expected"},
		{"a.arrow", plainArrowBytes(t, record(t, fields([]string{"v"}, list), "[]")), MatrixOptions{}, "holds no vectors"},
		{"a.parquet", lists("[[1,2],[3]]"), MatrixOptions{}, "row 1 has a vector of 1 numbers"},
		{"a.parquet", parquetBytes(t, 2, record(t, fields([]string{"v"}, list), "[[1,2],[3,4],[5]]")), MatrixOptions{}, "row 2 has a vector of 1 numbers, the rows before have 2"},
		{"a.parquet", lists("[[1,2]]")[:40], MatrixOptions{}, "is not a valid Parquet file"},
		{"a.parquet", parquetBytes(t, 2, floatBatch(3, 2)), MatrixOptions{}, "holds no column of vectors"},
	} {
		tmp := t.TempDir()
		c.opt.Tmp = tmp
		_, err := OpenMatrix(write(t, c.name, c.content), c.opt)
		require.ErrorContains(t, err, c.want)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.NotContains(t, err.Error(), "\n")
		left, err := os.ReadDir(tmp)
		require.NoError(t, err)
		require.Empty(t, left, "a scratch file is left")
	}
	_, err := OpenMatrix(filepath.Join(t.TempDir(), "none.npy"), MatrixOptions{})
	require.ErrorContains(t, err, "no such file")
	_, err = OpenMatrix(t.TempDir(), MatrixOptions{})
	require.ErrorContains(t, err, "directory")
}

func TestBlocksEndEarly(t *testing.T) {
	m, err := OpenMatrix(write(t, "m.npy", npyBytes(t, "<f4", vectorsAs(Float32, 0, vectorRows), vectorRows, vectorCols)), MatrixOptions{BlockRows: 2})
	require.NoError(t, err)
	for range m.Blocks(t.Context(), 0, vectorRows) {
		break // goleak finds a reader that is left
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	for _, err := range m.Blocks(ctx, 0, vectorRows) {
		if seen++; seen == 2 {
			require.ErrorIs(t, err, context.Canceled)
		}
		cancel()
	}
	require.Equal(t, 2, seen)
	for _, span := range [][2]int64{{-1, 2}, {3, 2}, {0, vectorRows + 1}} {
		for _, err := range m.Blocks(t.Context(), span[0], span[1]) {
			require.ErrorContains(t, err, "do not exist")
		}
	}
	require.NoError(t, m.Close())
}

// A file that becomes shorter is an error where it is read.
func TestMatrixIsCutWhileRead(t *testing.T) {
	path := write(t, "m.npy", npyBytes(t, "<f4", vectorsAs(Float32, 0, vectorRows), vectorRows, vectorCols))
	m, err := OpenMatrix(path, MatrixOptions{Read: true, BlockRows: 4})
	require.NoError(t, err)
	defer m.Close()
	require.NoError(t, os.Truncate(path, 128+50))
	var last error
	for _, err := range m.Blocks(t.Context(), 0, vectorRows) {
		last = err
	}
	require.ErrorContains(t, last, "m.npy: the file was cut short while the matrix was in use")
}

// What other tools wrote: bergson's raw gradients and kronfluence's factors.
func TestMatrixGolden(t *testing.T) {
	dir := goldentest.Dir(t, "neural")
	sum := func(path string, opt MatrixOptions) (rows int64, cols int, d Dtype, total float64) {
		m, err := OpenMatrix(filepath.Join(dir, path), opt)
		require.NoError(t, err)
		defer m.Close()
		for b, err := range m.Blocks(t.Context(), 0, m.Rows()) {
			require.NoError(t, err)
			for i := range b.Rows {
				for j := range b.Cols {
					total += b.at(m.Dtype(), i, j)
				}
			}
		}
		return m.Rows(), m.Cols(), m.Dtype(), total
	}
	rows, cols, d, raw := sum("bergson_mlp/train_index/gradients.bin", MatrixOptions{Raw: &RawMatrix{Float32, 60, 512, 0}})
	require.Equal(t, []any{int64(60), 512, Float32}, []any{rows, cols, d})
	_, _, _, npy := sum("bergson_mlp/expected/projected_train.npy", MatrixOptions{})
	require.Equal(t, npy, raw)
	require.NotZero(t, raw)

	factors := filepath.Join("mlp_optdigits", "kronfluence_f32", "factors_ekfac", "lambda_matrix.safetensors")
	content, err := os.ReadFile(filepath.Join(dir, factors))
	require.NoError(t, err)
	h, err := ReadSafetensorsHeader(bytes.NewReader(content), int64(len(content)))
	require.NoError(t, err)
	require.NotEmpty(t, h.Tensors)
	for _, x := range h.Tensors {
		rows, cols, d, total := sum(factors, MatrixOptions{Name: x.Name})
		require.Equal(t, x.Shape, []int64{rows, int64(cols)})
		require.Equal(t, Float32, d)
		require.Positive(t, total, "sums of squares")
	}
}
