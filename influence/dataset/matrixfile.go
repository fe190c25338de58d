package dataset

import (
	"errors"
	"io"
	"math"
	"os"
)

// A matrixFile is an open file, mapped where that is possible and wanted.
type matrixFile struct {
	*os.File
	size    int64
	mapped  []byte // the whole file, or nil
	scratch bool   // made by us, removed when closed
}

func openMatrixFile(path string, read bool) (*matrixFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	m := &matrixFile{File: f}
	if err := m.init(read); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return m, nil
}

// init finds the size and maps the file. Where mapping fails, as on some network
// file systems, the file is read.
func (f *matrixFile) init(read bool) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return problem("is a directory, not a matrix")
	}
	f.size = info.Size()
	if !read && f.size > 0 && f.size <= math.MaxInt {
		f.mapped, _ = mapFile(f.File, int(f.size))
	}
	return nil
}

func (f *matrixFile) close() error {
	var errs []error
	if f.mapped != nil {
		errs = append(errs, unmapFile(f.mapped))
		f.mapped = nil
	}
	errs = append(errs, f.Close())
	if f.scratch {
		errs = append(errs, os.Remove(f.Name()))
	}
	return errors.Join(errs...)
}

// copyAt copies the bytes at an offset of the file.
func (f *matrixFile) copyAt(to []byte, offset int64) error {
	if f.mapped != nil {
		copy(to, f.mapped[offset:])
		return nil
	}
	if _, err := f.ReadAt(to, offset); err == io.EOF {
		return problem("the file was cut short while the matrix was in use")
	} else if err != nil {
		return err
	}
	return nil
}
