package sink

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/internal/durable"
)

// handle is what the run folder needs of an open file; tests put faults in.
type handle interface {
	io.Writer
	io.WriterAt
	io.ReaderAt
	io.Closer
	Sync() error
	Truncate(size int64) error
}

// openFile opens a file for reading and writing.
type openFile func(path string, flag int) (handle, error)

func osFile(path string, flag int) (handle, error) { return os.OpenFile(path, flag, 0o666) }

// writeAtomic writes a file under a temporary name, makes it durable and gives
// it its name. After an error nothing is left of it, and an older file of that
// name is as it was. It returns size and checksum.
func writeAtomic(open openFile, path string, write func(io.Writer) error) (size int64, sum uint64, err error) {
	f, err := open(path+durable.TempSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return 0, 0, err
	}
	h := &hashWriter{w: f, hash: xxh3.New()}
	err = durable.Finish(f, path, func(io.Writer) error {
		buffered := bufio.NewWriterSize(h, 1<<20)
		if err := write(buffered); err != nil {
			return err
		}
		return buffered.Flush()
	})
	if err != nil {
		return 0, 0, fmt.Errorf("writing %s: %w", path, err)
	}
	return h.size, h.hash.Sum64(), nil
}

// hashWriter counts and hashes what passes through it.
type hashWriter struct {
	w    io.Writer
	hash *xxh3.Hasher
	size int64
}

func (h *hashWriter) Write(p []byte) (int, error) {
	n, err := h.w.Write(p)
	h.size += int64(n)
	_, _ = h.hash.Write(p[:n]) // A hash never fails.
	return n, err
}

// sumFile returns size and checksum of a file.
func sumFile(path string) (size int64, sum uint64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := xxh3.New()
	size, err = io.Copy(h, f)
	return size, h.Sum64(), err
}
