package lightgbm

import (
	"archive/zip"
	"encoding/binary"
	"io"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// arrays reads the named one-dimensional arrays of an .npz file: a zip of .npy
// files of format 1.0, little endian. Integers become float64.
type arrays struct {
	t       *testing.T
	archive *zip.ReadCloser
}

func openArrays(t *testing.T, path string) arrays {
	t.Helper()
	z, err := zip.OpenReader(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, z.Close()) })
	return arrays{t, z}
}

func (a arrays) has(name string) bool {
	for _, f := range a.archive.File {
		if f.Name == name+".npy" {
			return true
		}
	}
	return false
}

var npyType = regexp.MustCompile(`'descr': '<(i4|i8|f8)', 'fortran_order': False, 'shape': \(\d+,\)`)

func (a arrays) read(name string) []float64 {
	a.t.Helper()
	f, err := a.archive.Open(name + ".npy")
	require.NoError(a.t, err)
	data, err := io.ReadAll(f)
	require.NoError(a.t, err)
	require.Equal(a.t, "\x93NUMPY\x01\x00", string(data[:8]))
	body := 10 + int(binary.LittleEndian.Uint16(data[8:]))
	kind := npyType.FindSubmatch(data[:body])
	require.NotNil(a.t, kind, "%s: %s", name, data[10:body])
	out := make([]float64, 0, len(data)/4)
	for data = data[body:]; len(data) > 0; {
		switch string(kind[1]) {
		case "i4":
			out = append(out, float64(int32(binary.LittleEndian.Uint32(data))))
			data = data[4:]
		case "i8":
			out = append(out, float64(int64(binary.LittleEndian.Uint64(data))))
			data = data[8:]
		default:
			var v [1]float64
			_, err := binary.Decode(data, binary.LittleEndian, &v)
			require.NoError(a.t, err)
			out = append(out, v[0])
			data = data[8:]
		}
	}
	return out
}
