package dataset

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// safetensorsBytes writes a file of named tensors with one dtype.
func safetensorsBytes(t testing.TB, pad int, tensors ...Tensor) []byte {
	t.Helper()
	header, data := map[string]any{"__metadata__": map[string]string{"format": "pt"}}, []byte{}
	for _, x := range tensors {
		header[x.Name] = map[string]any{"dtype": x.Dtype, "shape": x.Shape, "data_offsets": []int{len(data), len(data) + int(x.Bytes)}}
		data = append(data, make([]byte, x.Bytes)...)
	}
	text, err := json.Marshal(header)
	require.NoError(t, err)
	for (len(text)+8)%8 != pad {
		text = append(text, ' ')
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(b, text...), data...)
}

// vectorTensor is a safetensors file whose last tensor x holds the vectors.
func vectorTensor(t testing.TB, name string, d Dtype, pad int) []byte {
	rows := int64(vectorRows)
	all := vectorsAs(d, 0, vectorRows)
	b := safetensorsBytes(t, pad,
		Tensor{Name: "bias", Dtype: "F32", Shape: []int64{2}, Bytes: 8},
		Tensor{Name: "x", Dtype: name, Shape: []int64{rows, vectorCols}, Bytes: int64(len(all))})
	copy(b[len(b)-len(all):], all)
	return b
}

func TestSafetensorsHeaderErrors(t *testing.T) {
	for header, want := range map[string]string{
		`[]`:      "it is no JSON object",
		`{"a":1}`: `tensor "a"`,
		`{"a":{}`: "EOF",
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`: `"a" stands twice in it`,
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`:                                                      "4 bytes for F32 of shape [2]",
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,40]}}`:                                                     "bytes 0 to 40 do not lie in the file",
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`:                                                      "bytes 4 to 0 do not lie in the file",
		`{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}`:                                                  "the shape [-1 -1] is not possible",
		`{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`:                                  "is not possible",
	} {
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		b = append(append(b, header...), make([]byte, 8)...)
		_, err := ReadSafetensorsHeader(bytes.NewReader(b), int64(len(b)))
		require.ErrorContains(t, err, want, header)
	}
	for _, length := range []uint64{9, 1 << 40, math.MaxUint64} {
		b := append(binary.LittleEndian.AppendUint64(nil, length), "{}      "...)
		_, err := ReadSafetensorsHeader(bytes.NewReader(b), int64(len(b)))
		require.ErrorContains(t, err, "bytes")
	}
}

// TestTensorsAreSeenThroughAllFiles reads two files of different length as one, and
// names what is not there.
func TestTensorsAreSeenThroughAllFiles(t *testing.T) {
	var paths []string
	for i, rows := range []int64{2, 3} {
		b := safetensorsBytes(t, 0,
			Tensor{Name: "ids", Dtype: "I64", Shape: []int64{rows}, Bytes: 8 * rows},
			Tensor{Name: "x", Dtype: "F32", Shape: []int64{rows, 2, 2}, Bytes: 16 * rows},
			Tensor{Name: "one", Dtype: "F32", Shape: []int64{}, Bytes: 4})
		data := b[len(b)-int(24*rows)-4:]
		for k := range rows {
			binary.LittleEndian.PutUint64(data[8*k:], uint64(10*int64(i)-k))
		}
		for k := range 4 * rows {
			binary.LittleEndian.PutUint32(data[8*rows+4*k:], math.Float32bits(float32(100*int64(i)+k)))
		}
		path := filepath.Join(t.TempDir(), "t.safetensors")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		paths = append(paths, path)
	}
	for _, read := range []bool{false, true} {
		all, err := OpenTensors(paths, read)
		require.NoError(t, err)
		x, err := all.Matrix("x")
		require.NoError(t, err)
		require.EqualValues(t, 5, x.Rows())
		require.Equal(t, 4, x.Cols())
		var buffer []uint64
		b, err := x.Read(1, 2, &buffer)
		require.NoError(t, err)
		require.Equal(t, []float32{4, 5, 6, 7, 100, 101, 102, 103}, b.Float32)
		b, err = x.Read(5, 0, &buffer)
		require.NoError(t, err)
		require.Zero(t, b.Rows)
		_, err = x.Read(4, 2, &buffer)
		require.ErrorContains(t, err, "rows 4 to 6 of 5 do not exist")

		ids, err := all.Ints(1, "ids", 1, 3)
		require.NoError(t, err)
		require.Equal(t, []int64{9, 8}, ids)
		floats, err := all.Floats(0, "x", 6, 8)
		require.NoError(t, err)
		require.Equal(t, []float64{6, 7}, floats)
		for _, f := range []func() error{
			func() error { _, err := all.Ints(0, "x", 0, 1); return err },
			func() error { _, err := all.Floats(0, "ids", 0, 1); return err },
			func() error { _, err := all.Ints(0, "ids", 1, 3); return err },
			func() error { _, err := all.Ints(0, "y", 0, 0); return err },
			func() error { _, err := all.Matrix("y"); return err },
			func() error { _, err := all.Matrix("one"); return err },
			func() error { _, err := all.Matrix("ids"); return err },
		} {
			var e *Error
			require.ErrorAs(t, f(), &e)
			require.Contains(t, paths, e.Path)
		}
		require.NoError(t, all.Close())
		require.NoError(t, all.Close())
	}
	_, err := OpenTensors([]string{paths[0], "nope"}, false)
	require.ErrorContains(t, err, "nope")
}

func TestIntKeys(t *testing.T) {
	k, err := IntKeys([]int64{7, -1, 3})
	require.NoError(t, err)
	row, there := k.Find("3")
	require.True(t, there)
	require.EqualValues(t, 2, row)
	_, err = IntKeys([]int64{7, -1, 7})
	require.EqualError(t, err, `the key "7" stands in row 0 and again in row 2`)
}
