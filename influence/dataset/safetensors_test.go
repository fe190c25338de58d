package dataset

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
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
