package lightgbm

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func gzipped(t *testing.T, text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func zstandard(t *testing.T, text string) []byte {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	require.NoError(t, err)
	defer func() { require.NoError(t, z.Close()) }()
	return z.EncodeAll([]byte(text), nil)
}

// The content tells the compression, not the name.
func TestOpenTellsCompression(t *testing.T) {
	text := fixture(t, "multiclass_v2.txt")
	want := mustParse(t, text)
	path := filepath.Join(t.TempDir(), "model.txt")
	for _, content := range [][]byte{[]byte(text), gzipped(t, text), zstandard(t, text)} {
		require.NoError(t, os.WriteFile(path, content, 0o600))
		got, err := Open(path)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestOpenFailures(t *testing.T) {
	path := filepath.Join(t.TempDir(), "model.txt")
	_, err := Open(path)
	require.ErrorIs(t, err, fs.ErrNotExist)

	text := fixture(t, "multiclass_v2.txt")
	fails := func(content []byte, want string) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, content, 0o600))
		f, err := Open(path)
		require.Nil(t, f)
		var located *ParseError
		require.ErrorAs(t, err, &located)
		require.Equal(t, path, located.File)
		require.Contains(t, err.Error(), want)
	}
	fails(nil, "the file is empty")
	fails([]byte("x"), "does not begin with")
	fails([]byte{0x1f, 0x8b}, "gzip: ")
	packed := gzipped(t, text)
	fails(packed[:len(packed)-1], "unexpected EOF")
	packed[len(packed)-6] ^= 1
	fails(packed, "checksum")
	packed = zstandard(t, text)
	fails(packed[:len(packed)/2], "unexpected EOF")
	fails(zstandard(t, string(zstandard(t, text))), "the text is compressed")
}
