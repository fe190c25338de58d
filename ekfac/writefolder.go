package ekfac

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/durable"
	"github.com/infl-dev/infl/internal/kernel"
)

// A newFolder is a folder of factors that is being written: each file under a temporary
// name until all of its tensors are there, in any order, and the head last. A journal
// names the tensors that are there, so that an interrupted fit is continued.
type newFolder struct {
	dir   string
	head  *head
	names []string
	files map[string]*newFile

	mu      sync.Mutex
	journal *journal
}

// A newFile is a safetensors file whose tensors are written at their places.
type newFile struct {
	*os.File
	path    string                    // of the finished file
	tensors map[string]dataset.Tensor // with offsets
}

// createFolder begins a folder of factors, or continues one with the same head. It fills
// in what the head says of finished tensors.
func createFolder(dir string, h *head) (_ *newFolder, err error) {
	if isOurs(dir) {
		return nil, fmt.Errorf("%s: holds finished factors; name another folder", dir)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	names, tensors := layoutOf(h)
	f := &newFolder{dir: dir, head: h, files: map[string]*newFile{}, names: names}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	var done []record
	if f.journal, done, err = openJournal(dir, h.identity()); err != nil {
		return nil, err
	}
	h.Sums = map[string]map[string]string{}
	for _, name := range names {
		h.Sums[name] = map[string]string{}
		if f.files[name], err = createFile(filepath.Join(dir, name+".safetensors"), tensors[name]); err != nil {
			return nil, err
		}
	}
	return f, f.resume(done)
}

// resume takes the tensors for finished whose bytes are those that were noted.
func (f *newFolder) resume(done []record) error {
	for _, r := range done {
		file := f.files[r.File]
		if file == nil || file.tensors[r.Key].Bytes == 0 {
			continue
		}
		x := file.tensors[r.Key]
		h := xxh3.New()
		if _, err := io.Copy(h, io.NewSectionReader(file, x.Offset, x.Bytes)); err != nil {
			return err
		}
		if fmt.Sprintf("%016x", h.Sum64()) != r.XXH3 {
			continue
		}
		f.head.Sums[r.File][r.Key] = r.XXH3
		f.head.noteChange(r.File, r.Key, r.Change)
	}
	return nil
}

func createFile(path string, tensors []dataset.Tensor) (*newFile, error) {
	header, err := dataset.SafetensorsHeaderBytes(map[string]string{"format": formatName}, tensors)
	if err != nil {
		return nil, err
	}
	name := path + durable.TempSuffix
	if _, err := os.Stat(path); err == nil { // An earlier attempt was about to finish.
		name = path
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	f := &newFile{File: file, path: path, tensors: map[string]dataset.Tensor{}}
	at := int64(len(header))
	for _, t := range tensors {
		t.Offset = at
		at += t.Bytes
		f.tensors[t.Name] = t
	}
	_, err = f.WriteAt(header, 0)
	if err := errors.Join(err, f.Truncate(at)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *newFolder) has(file, key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.head.Sums[file][key] != ""
}

func (f *newFolder) put(file, key string, m kernel.Matrix[float64]) error {
	sum, err := f.write(file, key, func(w io.Writer) error { return writeNumbers(w, m.Data) })
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head.Sums[file][key] = sum
	return f.journal.add(record{file, key, sum, f.head.changeOf(file, key)})
}

// write has a tensor written and returns its XXH3-64.
func (f *newFolder) write(file, key string, write func(io.Writer) error) (string, error) {
	x, known := f.files[file].tensors[key]
	if !known {
		return "", fmt.Errorf("%s: has no place for %s of module %q", f.dir, file, key)
	}
	h := xxh3.New()
	if err := write(io.MultiWriter(h, io.NewOffsetWriter(f.files[file], x.Offset))); err != nil {
		return "", err
	}
	return fmt.Sprintf("%016x", h.Sum64()), nil
}

// writeTensors writes matrices to a safetensors file that appears when it is whole.
func writeTensors(path string, metadata map[string]string, heads []dataset.Tensor, matrix func(i int) (kernel.Matrix[float64], error)) error {
	header, err := dataset.SafetensorsHeaderBytes(metadata, heads)
	if err != nil {
		return err
	}
	return durable.Write(path, func(w io.Writer) error {
		if _, err := w.Write(header); err != nil {
			return err
		}
		for i := range heads {
			m, err := matrix(i)
			if err == nil {
				err = writeNumbers(w, m.Data)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *newFolder) matrix(file, key string) (kernel.Matrix[float64], error) {
	x := f.files[file].tensors[key]
	cols := 1
	if len(x.Shape) == 2 {
		cols = int(x.Shape[1])
	}
	m := kernel.NewMatrix[float64](int(x.Shape[0]), cols)
	return m, readNumbers(io.NewSectionReader(f.files[file], x.Offset, x.Bytes), m.Data)
}

// finish writes counts, gives all files their names, and writes the head.
func (f *newFolder) finish() error {
	if err := f.writeCounts(); err != nil {
		return err
	}
	for _, name := range f.names {
		x := f.files[name]
		if err := x.Sync(); err != nil {
			return err
		}
		if x.Name() != x.path {
			if err := os.Rename(x.Name(), x.path); err != nil {
				return err
			}
		}
	}
	if err := durable.WriteJSON(filepath.Join(f.dir, headName), " ", f.head); err != nil {
		return err
	}
	return f.journal.remove()
}

// writeCounts writes the numbers of rows and examples.
func (f *newFolder) writeCounts() error {
	for at, count := range f.head.counts() {
		file, key := at[0], at[1]
		if x := f.files[file]; x == nil || x.tensors[key].Bytes == 0 {
			continue
		}
		sum, err := f.write(file, key, func(w io.Writer) error { return binary.Write(w, binary.LittleEndian, count) })
		if err != nil {
			return err
		}
		f.head.Sums[file][key] = sum
	}
	return nil
}

func (f *newFolder) close() error {
	var errs []error
	for _, x := range f.files {
		if x != nil {
			errs = append(errs, x.Close())
		}
	}
	f.files = nil
	if f.journal != nil {
		errs = append(errs, f.journal.Close())
		f.journal = nil
	}
	return errors.Join(errs...)
}
