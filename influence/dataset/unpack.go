package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxRecordBytes bounds one line of a text table, so that an unclosed quote
// cannot draw the whole file into memory.
const maxRecordBytes = 64 << 20

// A textFile is an open text file, unpacked and without its byte order mark.
// It is read through the embedded reader.
type textFile struct {
	*bufio.Reader
	source *meter
	close  func() error
}

// openText opens a text file. Compression is recognised from the first bytes.
func openText(path string) (*textFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	raw := bufio.NewReaderSize(f, 1<<18)
	source, release, err := unpack(raw)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	m := &meter{r: source}
	text := &textFile{bufio.NewReaderSize(m, 1<<16), m, func() error {
		release()
		return f.Close()
	}}
	if mark, err := text.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		if _, err := text.Discard(3); err != nil {
			return nil, errors.Join(err, text.close())
		}
	}
	return text, nil
}

// unpack returns the plain content of r, and what releases the decoder.
func unpack(r *bufio.Reader) (io.Reader, func(), error) {
	magic, err := r.Peek(4)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, broken(err)
		}
		return z, func() {}, nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(1<<27))
		if err != nil {
			return nil, nil, broken(err)
		}
		return z, z.Close, nil
	}
	return r, func() {}, nil
}

// broken names the usual reason why a packed file cannot be read.
func broken(err error) error {
	e := problem("cannot be unpacked: %v", err)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		e.Problem = "the file is cut short"
	}
	e.Err = err
	return e.hint("copy or write it again")
}

// A meter counts what has been read since the last record began, refuses
// records beyond maxRecordBytes, and explains the errors of its source.
type meter struct {
	r     io.Reader
	bytes int64
}

func (m *meter) Read(p []byte) (int, error) {
	if m.bytes > maxRecordBytes {
		return 0, problem("a line is longer than %d MiB", maxRecordBytes>>20).hint("look for a quote that is not closed")
	}
	n, err := m.r.Read(p)
	m.bytes += int64(n)
	if err != nil && err != io.EOF {
		err = broken(err)
	}
	return n, err
}

// record tells that a new record begins.
func (m *meter) record() { m.bytes = 0 }
