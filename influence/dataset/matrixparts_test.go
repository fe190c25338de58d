package dataset

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpenParts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "numbers")
	var b []byte
	for i := range 12 {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(i)))
	}
	require.NoError(t, os.WriteFile(path, b, 0o666))
	part := func(rows, cols, offset int64, byColumn bool) Part {
		return Part{path, RawMatrix{Float32, rows, cols, offset}, byColumn}
	}
	for _, read := range []bool{false, true} {
		m, err := OpenParts("whole", []Part{part(1, 2, 40, false), part(0, 2, 0, false), part(2, 2, 4, true)}, MatrixOptions{Read: read})
		require.NoError(t, err)
		require.Len(t, m.files, 1)
		var numbers []float32
		for b, err := range m.Blocks(t.Context(), 0, m.Rows()) {
			require.NoError(t, err)
			numbers = append(numbers, b.Float32...)
		}
		require.Equal(t, []float32{10, 11, 1, 3, 2, 4}, numbers)
		require.NoError(t, m.Close())
	}
	for want, parts := range map[string][]Part{
		"whole: holds no vectors":        nil,
		"numbers: the file is cut short": {part(2, 2, 36, false)},
		"the first shard has rows of 2":  {part(1, 2, 0, false), part(1, 3, 0, false)},
		"-1 rows of 2 numbers":           {part(-1, 2, 0, false)},
		"at byte -4 are not possible":    {part(1, 2, -4, false)},
		"no such file":                   {{Path: path + "2", RawMatrix: RawMatrix{Float32, 1, 1, 0}}},
	} {
		_, err := OpenParts("whole", parts, MatrixOptions{})
		require.ErrorContains(t, err, want)
	}
}

func TestTextKeys(t *testing.T) {
	k, err := TextKeys([]string{"b", "7", "a"})
	require.NoError(t, err)
	require.False(t, k.IsInt())
	require.Equal(t, "7", k.String(1))
	row, ok := k.Find("a")
	require.True(t, ok)
	require.Equal(t, int64(2), row)
	_, err = TextKeys([]string{"b", "a", "b"})
	require.ErrorContains(t, err, "the key \"b\" stands in row 0 and again in row 2")
	_, err = TextKeys([]string{"b", ""})
	require.ErrorContains(t, err, "the key of row 1 is empty")
}
