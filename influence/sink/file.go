package sink

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/zeebo/xxh3"
)

// tempSuffix marks a file that is being written. Such a file never counts.
const tempSuffix = ".tmp"

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
	temp := path + tempSuffix
	f, err := open(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return 0, 0, err
	}
	h := &hashWriter{w: f, hash: xxh3.New()}
	buffered := bufio.NewWriterSize(h, 1<<20)
	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return 0, 0, fmt.Errorf("writing %s: %w", path, errors.Join(err, removeIfThere(temp)))
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

// syncDir makes the names in a folder durable where the system can do that.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
