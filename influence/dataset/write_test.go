package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// write puts a file into the test's folder and returns its path.
func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func gzipped(t testing.TB, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zstded(t testing.TB, content string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer w.Close()
	return w.EncodeAll([]byte(content), nil)
}

// fields makes nullable Arrow fields.
func fields(names []string, types ...arrow.DataType) *arrow.Schema {
	out := make([]arrow.Field, len(names))
	for i, n := range names {
		out[i] = arrow.Field{Name: n, Type: types[i], Nullable: true}
	}
	return arrow.NewSchema(out, nil)
}

// record builds a record batch from columns of JSON arrays.
func record(t testing.TB, schema *arrow.Schema, columns ...string) arrow.RecordBatch {
	t.Helper()
	arrays := make([]arrow.Array, len(columns))
	for i, text := range columns {
		values, _, err := array.FromJSON(memory.DefaultAllocator, schema.Field(i).Type, bytes.NewReader([]byte(text)))
		require.NoError(t, err, schema.Field(i).Name)
		arrays[i] = values
	}
	return array.NewRecordBatch(schema, arrays, int64(arrays[0].Len()))
}

// parquetBytes writes batches as Parquet, a row group for each groupRows rows.
func parquetBytes(t testing.TB, groupRows int64, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	var b bytes.Buffer
	props := parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(groupRows), parquet.WithCompression(compress.Codecs.Snappy))
	w, err := pqarrow.NewFileWriter(batches[0].Schema(), &b, props, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	require.NoError(t, err)
	for _, batch := range batches {
		require.NoError(t, w.WriteBuffered(batch))
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// arrowFileBytes writes a compressed Arrow file.
func arrowFileBytes(t testing.TB, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	return arrowFileWith(t, []ipc.Option{ipc.WithLZ4()}, batches)
}

// plainArrowBytes writes an Arrow file without compression.
func plainArrowBytes(t testing.TB, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	return arrowFileWith(t, nil, batches)
}

func arrowFileWith(t testing.TB, options []ipc.Option, batches []arrow.RecordBatch) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.arrow")
	f, err := os.Create(path)
	require.NoError(t, err)
	w, err := ipc.NewFileWriter(f, append(options, ipc.WithSchema(batches[0].Schema()))...)
	require.NoError(t, err)
	for _, b := range batches {
		require.NoError(t, w.Write(b))
	}
	require.NoError(t, w.Close())
	require.NoError(t, f.Close())
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return content
}

func arrowStreamBytes(t testing.TB, batches ...arrow.RecordBatch) []byte {
	t.Helper()
	var b bytes.Buffer
	w := ipc.NewWriter(&b, ipc.WithSchema(batches[0].Schema()))
	for _, batch := range batches {
		require.NoError(t, w.Write(batch))
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// floatBatch is a record batch of normal numbers, with columns f0, f1, ….
func floatBatch(rows, columns int) arrow.RecordBatch {
	r := rand.New(rand.NewPCG(1, 2))
	fs := make([]arrow.Field, columns)
	arrays := make([]arrow.Array, columns)
	for c := range columns {
		fs[c] = arrow.Field{Name: fmt.Sprintf("f%d", c), Type: arrow.PrimitiveTypes.Float64, Nullable: true}
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		for range rows {
			b.Append(r.NormFloat64())
		}
		arrays[c] = b.NewArray()
	}
	return array.NewRecordBatch(arrow.NewSchema(fs, nil), arrays, int64(rows))
}

// contents are the values of a whole pass, copied out of the frames.
type contents struct {
	x                                [][]float64
	label, weight, base, predictions []float64
	group                            []string
	text                             [][]string
	sizes                            []int
}

// readAll runs a pass and checks what holds for every pass: the rows are
// numbered without gaps and only the last frame is short.
func readAll(t testing.TB, b *Bound) (contents, error) {
	t.Helper()
	out := contents{x: make([][]float64, len(b.binding.Features)), text: make([][]string, len(b.binding.Extra))}
	next := int64(0)
	for f, err := range b.Frames(context.Background()) {
		if err != nil {
			require.Nil(t, f)
			return out, err
		}
		require.Equal(t, next, f.First)
		require.Zero(t, f.First%BatchRows)
		next += int64(f.N)
		out.sizes = append(out.sizes, f.N)
		for i := range f.X {
			require.Len(t, f.X[i], f.N)
			out.x[i] = append(out.x[i], f.X[i]...)
		}
		for i := range f.Text {
			out.text[i] = append(out.text[i], f.Text[i]...)
		}
		out.label = append(out.label, f.Label...)
		out.weight = append(out.weight, f.Weight...)
		out.base = append(out.base, f.Base...)
		out.predictions = append(out.predictions, f.Predictions...)
		out.group = append(out.group, f.Group...)
	}
	return out, nil
}

// load opens, binds and reads a file.
func load(t testing.TB, path string, b Binding) (contents, *Bound, error) {
	t.Helper()
	table, err := Open(path, Options{})
	if err != nil {
		return contents{}, nil, err
	}
	bound, err := table.Bind(b)
	if err != nil {
		return contents{}, nil, err
	}
	c, err := readAll(t, bound)
	return c, bound, err
}

// loads is load for a file that must be good.
func loads(t testing.TB, path string, b Binding) (contents, *Bound) {
	t.Helper()
	c, bound, err := load(t, path, b)
	require.NoError(t, err)
	return c, bound
}

// fails checks that reading gives an *Error of one line with the given texts.
func fails(t testing.TB, path string, b Binding, texts ...string) *Error {
	t.Helper()
	_, _, err := load(t, path, b)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.NotContains(t, e.Error(), "\n")
	for _, text := range texts {
		require.Contains(t, e.Error(), text)
	}
	return e
}

// named makes numeric features.
func named(names ...string) []Feature {
	out := make([]Feature, len(names))
	for i, n := range names {
		out[i].Name = n
	}
	return out
}
