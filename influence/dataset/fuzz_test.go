package dataset

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"
)

// readAnything opens a hostile file, binds every column in turn to every role
// that can fail, and takes a row. Only rows or an *Error may come of it.
func readAnything(t *testing.T, name string, content []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	expect := func(err error) {
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%T is no *Error: %v", err, err)
		}
	}
	table, err := Open(path, Options{Workers: 1})
	expect(err)
	if err != nil {
		return
	}
	columns := table.Columns()
	for _, c := range columns[:min(3, len(columns))] {
		for _, b := range []Binding{
			{Features: []Feature{{Name: c.Name}}, Extra: []string{c.Name}},
			{Features: []Feature{{Name: c.Name, Categories: []any{"a", 1.0, true}}}},
			{Key: c.Name}, {Label: c.Name}, {Weight: c.Name, Group: c.Name},
		} {
			_, _, err := load(t, path, b)
			expect(err)
		}
	}
	_, err = table.Take(t.Context(), []int64{1}, nil)
	expect(err)
}

func FuzzCSV(f *testing.F) {
	for _, text := range []string{"", "a,b\n1,2\n", "\xef\xbb\xbfa\r\n\"x\"\"y\"\r\n", "a,a\n", "a\n\"", "\x1f\x8b\x08", "\x28\xb5\x2f\xfd\x00", "a\n1,5\n"} {
		f.Add([]byte(text))
	}
	f.Add(gzipped(f, "a,b\n1,2\n"))
	f.Add(zstded(f, "a,b\n1,2\n"))
	f.Fuzz(func(t *testing.T, content []byte) { readAnything(t, "t.csv", content) })
}

func FuzzJSONL(f *testing.F) {
	for _, text := range []string{"", "{}", "{\"a\":1}\n{\"a\":null,\"b\":[{}]}", "{\"a\":\"\\u00e9\"}", "{\"a\":9007199254740993}", "{\"a\":true}\n\n[]"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) { readAnything(t, "t.jsonl", content) })
}

// FuzzJSONObject compares the scanner with encoding/json.
func FuzzJSONObject(f *testing.F) {
	f.Add(`{"a":1,"b":"\n","c":[{}]}`)
	f.Fuzz(compareJSON)
}

func FuzzNPY(f *testing.F) {
	f.Add(npyBytes(f, "<f8", []float64{1, 2, 3, 4}, 2, 2))
	f.Add(npyRaw(2, "{'descr': '|b1', 'fortran_order': True, 'shape': (2,), }", []byte{0, 1}))
	f.Fuzz(func(t *testing.T, content []byte) { readAnything(t, "t.npy", content) })
}

func fuzzBatch(f *testing.F) arrow.RecordBatch {
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	schema := fields([]string{"x", "s", "d"}, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String, dictionary)
	return record(f, schema, "[1,null,3]", `["a","b",null]`, `["p","q","p"]`)
}

func FuzzParquet(f *testing.F) {
	f.Add(parquetBytes(f, 2, fuzzBatch(f)))
	f.Fuzz(func(t *testing.T, content []byte) { readAnything(t, "t.parquet", content) })
}

func FuzzArrow(f *testing.F) {
	f.Add(arrowFileBytes(f, fuzzBatch(f)))
	f.Add(arrowStreamBytes(f, fuzzBatch(f)))
	f.Fuzz(func(t *testing.T, content []byte) { readAnything(t, "t.arrow", content) })
}

// readVectors opens a hostile file as a matrix and reads it. Only blocks or an
// *Error may come of it.
func readVectors(t *testing.T, name string, content []byte, opt MatrixOptions) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	expect := func(err error) {
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%T is no *Error: %v", err, err)
		}
	}
	opt.Tmp = t.TempDir()
	m, err := OpenMatrix(path, opt)
	expect(err)
	if err != nil {
		return
	}
	for _, err := range m.Blocks(t.Context(), 0, m.Rows()) {
		expect(err)
	}
	require.NoError(t, m.Close())
}

func FuzzSafetensors(f *testing.F) {
	f.Add(vectorTensor(f, "F32", Float32, 0))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		h, err := ReadSafetensorsHeader(bytes.NewReader(content), int64(len(content)))
		if err == nil {
			for _, x := range h.Tensors {
				readVectors(t, "m.safetensors", content, MatrixOptions{Name: x.Name})
			}
		}
	})
}

func FuzzNPYMatrix(f *testing.F) {
	f.Add(npyBytes(f, "<f4", []float32{1, 2, 3, 4}, 2, 2))
	f.Add(npyRaw(1, "{'descr': '<f2', 'fortran_order': True, 'shape': (2, 2), }", make([]byte, 8)))
	f.Fuzz(func(t *testing.T, content []byte) { readVectors(t, "m.npy", content, MatrixOptions{BlockRows: 1}) })
}

func FuzzArrowVectors(f *testing.F) {
	f.Add(plainArrowBytes(f, vectorBatches(f, Float32)...))
	f.Add(arrowFileBytes(f, vectorBatches(f, Float16)...))
	f.Fuzz(func(t *testing.T, content []byte) {
		readVectors(t, "m.arrow", content, MatrixOptions{})
		readVectors(t, "m.arrow", content, MatrixOptions{Read: true})
	})
}

func FuzzParquetVectors(f *testing.F) {
	f.Add(parquetBytes(f, 5, vectorBatches(f, Float64)...))
	f.Fuzz(func(t *testing.T, content []byte) { readVectors(t, "m.parquet", content, MatrixOptions{}) })
}
