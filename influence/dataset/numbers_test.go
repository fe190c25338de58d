package dataset

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// npyFile writes a .npy file of raw values.
func npyFile(t *testing.T, dtype string, raw any, shape ...int64) string {
	var b bytes.Buffer
	require.NoError(t, WriteNPYHeader(&b, dtype, shape...))
	require.NoError(t, binary.Write(&b, binary.LittleEndian, raw))
	path := filepath.Join(t.TempDir(), "a.npy")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
	return path
}

func TestReadNumbersOfEachType(t *testing.T) {
	for dtype, raw := range map[string]any{
		"<f8": []float64{0, 1, 2, 3, 4, 5}, "<f4": []float32{0, 1, 2, 3, 4, 5}, "<f2": []uint16{0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500},
		"<i8": []int64{0, 1, 2, 3, 4, 5}, "<u8": []uint64{0, 1, 2, 3, 4, 5}, "<i4": []int32{0, 1, 2, 3, 4, 5}, "<u4": []uint32{0, 1, 2, 3, 4, 5},
		"<i2": []int16{0, 1, 2, 3, 4, 5}, "<u2": []uint16{0, 1, 2, 3, 4, 5}, "|i1": []int8{0, 1, 2, 3, 4, 5}, "|u1": []uint8{0, 1, 2, 3, 4, 5},
	} {
		got, err := ReadNumbers(npyFile(t, dtype, raw, 1, 3, 2))
		require.NoError(t, err, dtype)
		require.Equal(t, Numbers{[]int64{1, 3, 2}, []float64{0, 1, 2, 3, 4, 5}}, got, dtype)
	}
	got, err := ReadNumbers(npyFile(t, "|b1", []bool{true, false}, 2))
	require.NoError(t, err)
	require.Equal(t, []float64{1, 0}, got.Values)
}

func TestNumbersReadBack(t *testing.T) {
	for dtype, values := range map[string][]float64{"<f8": {math.Pi, math.Inf(-1)}, "<i8": {-3, 1 << 53}, "|b1": {0, 1}} {
		var b bytes.Buffer
		require.NoError(t, Numbers{[]int64{2}, values}.Write(&b, dtype))
		path := filepath.Join(t.TempDir(), "a.npy")
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
		got, err := ReadNumbers(path)
		require.NoError(t, err)
		require.Equal(t, values, got.Values)
	}
}

func TestNumbersRefuse(t *testing.T) {
	_, err := ReadNumbers(npyFile(t, "<i8", []int64{1 << 60}, 1))
	require.ErrorContains(t, err, "beyond 2^53")
	_, err = ReadNumbers(filepath.Join(t.TempDir(), "none.npy"))
	require.Error(t, err)
	path := npyFile(t, "<f8", []float64{1, 2, 3, 4}, 2, 2)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, bytes.Replace(b, []byte("False"), []byte("True "), 1), 0o666))
	_, err = ReadNumbers(path)
	require.ErrorContains(t, err, "Fortran order; save numpy.ascontiguousarray")
	require.Error(t, Numbers{[]int64{2}, []float64{1}}.Write(&bytes.Buffer{}, "<f8"))
	require.Error(t, Numbers{[]int64{1}, []float64{1}}.Write(&bytes.Buffer{}, "<f4"))
}
