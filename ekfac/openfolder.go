package ekfac

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// A tensorFolder reads matrices from the safetensors files of a folder. Files are mapped,
// and a matrix is in memory only as far as it is used.
type tensorFolder map[string]*dataset.Tensors // by file

// openTensors opens some files of a folder.
func openTensors(dir string, files []string) (tensorFolder, error) {
	paths := map[string]string{}
	for _, name := range files {
		paths[name] = filepath.Join(dir, name+".safetensors")
	}
	return openFiles(paths)
}

// openFiles opens files by the names that ours have.
func openFiles(paths map[string]string) (tensorFolder, error) {
	t := tensorFolder{}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		x, err := dataset.OpenTensors([]string{paths[name]}, false)
		if err != nil {
			return nil, errors.Join(err, t.close())
		}
		t[name] = x
	}
	return t, nil
}

func (t tensorFolder) has(file, key string) bool {
	if t[file] == nil {
		return false
	}
	_, there := t[file].Header(0).Tensor(key)
	return there
}

func (t tensorFolder) matrix(file, key string) (kernel.Matrix[float64], error) {
	if t[file] == nil {
		return kernel.Matrix[float64]{}, fmt.Errorf("the factors have no file %s.safetensors", file)
	}
	x, err := t[file].Matrix(key)
	if err != nil {
		return kernel.Matrix[float64]{}, err
	}
	var buffer []uint64
	b, err := x.Read(0, x.Rows(), &buffer)
	if err != nil {
		return kernel.Matrix[float64]{}, err
	}
	switch {
	case x.Dtype() == dataset.Float64:
		return kernel.MatrixOf(b.Float64, b.Rows, b.Cols), nil
	case x.Dtype() == dataset.Float32:
		m := kernel.NewMatrix[float64](b.Rows, b.Cols)
		for i, v := range b.Float32 {
			m.Data[i] = float64(v)
		}
		return m, nil
	}
	return kernel.Matrix[float64]{}, fmt.Errorf("%s.safetensors: tensor %q is %s, not F64 or F32", file, key, x.Dtype())
}

func (t tensorFolder) put(string, string, kernel.Matrix[float64]) error {
	return errReadOnly
}

func (t tensorFolder) close() error {
	var errs []error
	for name, x := range t {
		errs = append(errs, x.Close())
		delete(t, name)
	}
	return errors.Join(errs...)
}

// expect checks that files have the tensors that a layout tells of, and of its shapes.
func (t tensorFolder) expect(dir string, layout map[string][]dataset.Tensor) error {
	for file, tensors := range layout {
		for _, want := range tensors {
			got, there := t[file].Header(0).Tensor(want.Name)
			if !there || got.Dtype != want.Dtype || !slices.Equal(got.Shape, want.Shape) {
				return fmt.Errorf("%s: has no tensor %q of %s %v, which %s tells of", filepath.Join(dir, file+".safetensors"), want.Name, want.Dtype, want.Shape, headName)
			}
		}
	}
	return nil
}

// readHead reads factors.json.
func readHead(dir string) (head, error) {
	path := filepath.Join(dir, headName)
	text, err := os.ReadFile(path)
	if err != nil {
		return head{}, err
	}
	var h head
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fmt.Errorf("%s: is not understood: %w", path, err)
	}
	if err := h.check(); err != nil {
		return h, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}
