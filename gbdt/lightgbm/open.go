package lightgbm

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"

	"github.com/infl-dev/infl/gbdt"
	"github.com/klauspost/compress/zstd"
)

var (
	gzipMagic = []byte{0x1f, 0x8b}
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// maxWindow bounds the memory of the zstd decoder; it is the largest window of
// zstd --long.
const maxWindow = 128 << 20

// Open reads the model file at path: plain, or compressed with gzip or zstd,
// which its first bytes tell. Errors and cost are those of [Parse]; messages
// name the file by path.
func Open(path string) (forest *gbdt.Forest, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			forest, err = nil, closeErr
		}
	}()
	head := make([]byte, len(zstdMagic))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	head = head[:n]
	whole := io.MultiReader(bytes.NewReader(head), f)
	switch {
	case bytes.HasPrefix(head, gzipMagic):
		z, err := gzip.NewReader(whole)
		if err != nil {
			return nil, &ParseError{File: path, Problem: "gzip: " + err.Error()}
		}
		return Parse(z, path)
	case bytes.HasPrefix(head, zstdMagic):
		z, err := zstd.NewReader(whole, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, &ParseError{File: path, Problem: "zstd: " + err.Error()}
		}
		defer z.Close()
		return Parse(z, path)
	}
	return Parse(whole, path)
}
