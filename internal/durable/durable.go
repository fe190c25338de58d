// Package durable writes files that appear under their names only when they are
// whole and would survive the loss of power.
package durable

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/zeebo/xxh3"
)

// TempSuffix marks a file that is being written. Such a file never counts.
const TempSuffix = ".tmp"

// A File is what Finish needs of an open file.
type File interface {
	io.Writer
	io.Closer
	Sync() error
}

// Write creates a file and does the rest as [Finish] does.
func Write(path string, write func(io.Writer) error) error {
	f, err := os.Create(path + TempSuffix)
	if err != nil {
		return err
	}
	return Finish(f, path, write)
}

// WriteSummed is [Write] through a buffer, and returns the XXH3-64 of what was written.
func WriteSummed(path string, write func(io.Writer) error) (sum string, err error) {
	h := xxh3.New()
	err = Write(path, func(w io.Writer) error {
		b := bufio.NewWriterSize(io.MultiWriter(w, h), 1<<20)
		if err := write(b); err != nil {
			return err
		}
		return b.Flush()
	})
	return fmt.Sprintf("%016x", h.Sum64()), err
}

// WriteJSON writes a value as indented JSON, with a line's end, as [Write] does.
func WriteJSON(path, indent string, value any) error {
	text, err := json.MarshalIndent(value, "", indent)
	if err != nil {
		return err
	}
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// Finish writes f, which the caller has opened empty as path+TempSuffix, makes it
// durable and gives it the name path. It closes f in every case. After an error
// nothing is left under the temporary name, and an older file of the name path is as
// it was, unless the error came from making the new name durable.
func Finish(f File, path string, write func(io.Writer) error) error {
	err := write(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(path+TempSuffix, path)
	}
	if err == nil {
		err = SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(err, RemoveIfThere(path+TempSuffix))
	}
	return nil
}

// SyncDir makes the names in a folder durable where the system can do that.
func SyncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// RemoveIfThere removes a file; that there is none is no error.
func RemoveIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
