package ekfac

import (
	"errors"
	"fmt"

	"github.com/infl-dev/infl/internal/kernel"
)

// parts reads matrices of which several files hold summands, or with stacked some rows
// each, in order. A matrix may be missing in some of them.
type parts struct {
	folders []tensorFolder
	stacked bool
}

func (p parts) has(file, key string) bool {
	for _, t := range p.folders {
		if t.has(file, key) {
			return true
		}
	}
	return false
}

func (p parts) matrix(file, key string) (kernel.Matrix[float64], error) {
	var whole kernel.Matrix[float64]
	for _, t := range p.folders {
		if !t.has(file, key) {
			continue
		}
		m, err := t.matrix(file, key)
		switch {
		case err != nil:
			return m, err
		case whole.Data == nil:
			whole = m
		case whole.Cols != m.Cols || !p.stacked && whole.Rows != m.Rows:
			return m, fmt.Errorf("%s: parts of module %q are %d × %d and %d × %d", file, key, whole.Rows, whole.Cols, m.Rows, m.Cols)
		case p.stacked:
			whole = kernel.MatrixOf(append(append([]float64{}, whole.Data...), m.Data...), whole.Rows+m.Rows, m.Cols)
		default:
			sum := kernel.NewMatrix[float64](m.Rows, m.Cols)
			for i, v := range m.Data {
				sum.Data[i] = whole.Data[i] + v
			}
			whole = sum
		}
	}
	if whole.Data == nil {
		return whole, fmt.Errorf("the factors have no %s of module %q", file, key)
	}
	return whole, nil
}

func (p parts) put(string, string, kernel.Matrix[float64]) error { return errReadOnly }

func (p parts) close() error {
	var errs []error
	for _, t := range p.folders {
		errs = append(errs, t.close())
	}
	return errors.Join(errs...)
}

var errReadOnly = errors.New("factors that were opened are not written")

// count returns the sum of the counts of rows or examples of a module.
func (p parts) count(file, key string) (n int64, err error) {
	for _, t := range p.folders {
		if !t.has(file, key) {
			continue
		}
		v, err := t[file].Ints(0, key, 0, 1)
		if err != nil {
			return 0, err
		}
		n += v[0]
	}
	if n <= 0 {
		return 0, fmt.Errorf("%s: the count of module %q is %d; it must be positive", file, key, n)
	}
	return n, nil
}

// keys lists the modules of a file, each once.
func (p parts) keys(file string) (list []string) {
	seen := map[string]bool{}
	for _, t := range p.folders {
		if t[file] == nil {
			continue
		}
		for _, x := range t[file].Header(0).Tensors {
			if !seen[x.Name] {
				seen[x.Name] = true
				list = append(list, x.Name)
			}
		}
	}
	return list
}

// size returns the rows and columns of a matrix, from headers.
func (p parts) size(file, key string) (rows, cols int64) {
	for _, t := range p.folders {
		if !t.has(file, key) {
			continue
		}
		x, _ := t[file].Header(0).Tensor(key)
		if len(x.Shape) == 0 || len(x.Shape) > 2 {
			return 0, 0
		}
		if cols = 1; len(x.Shape) == 2 {
			cols = x.Shape[1]
		}
		if rows += x.Shape[0]; !p.stacked {
			return x.Shape[0], cols
		}
	}
	return rows, cols
}

// exactness returns how exact the numbers of a file are, relative to the largest.
func (p parts) exactness(file string) float64 {
	for _, t := range p.folders {
		if t[file] == nil {
			continue
		}
		for _, x := range t[file].Header(0).Tensors {
			if x.Dtype != "F64" {
				return singleExactness
			}
		}
	}
	return exactness
}

// modules describes the modules of files that name no more than their sizes: those with
// corrected eigenvalues, or with eigenvectors where there are none. Inputs count the 1 of
// a bias, and none are shared.
func (p parts) modules() (list []Module, s Strategy, err error) {
	vectors := p.keys(outputVectors)
	switch names := p.keys(lambdaMatrix); {
	case len(names) > 0 && len(vectors) > 0:
		s = EKFAC
	case len(names) > 0:
		s, vectors = Diagonal, names
	default:
		s = KFAC
	}
	for _, name := range vectors {
		m := Module{Name: name, Kind: "linear", Inputs: name}
		if s != Diagonal {
			if err := p.square(&m); err != nil {
				return nil, s, err
			}
		}
		if s != KFAC {
			out, in := p.size(lambdaMatrix, name)
			if m.Out == 0 {
				m.Out, m.In = out, in
			}
			if out != m.Out || in != m.In || out*in == 0 {
				return nil, s, fmt.Errorf("module %q: %s is %d × %d, its eigenbases are of %d and %d", name, lambdaMatrix, out, in, m.Out, m.In)
			}
		}
		list = append(list, m)
	}
	if len(list) == 0 {
		return nil, s, errors.New("has no eigenvectors and no corrected eigenvalues; finish the fit with the tool that began it")
	}
	return list, s, nil
}

// square fills in the sizes of a module from those of its eigenbases.
func (p parts) square(m *Module) error {
	for _, x := range []struct {
		vectors, values string
		size            *int64
	}{{inputVectors, inputValues, &m.In}, {outputVectors, outputValues, &m.Out}} {
		rows, cols := p.size(x.vectors, m.Name)
		if values, _ := p.size(x.values, m.Name); rows == 0 || rows != cols || values != rows {
			return fmt.Errorf("module %q: %s are %d × %d, and there are %d eigenvalues", m.Name, x.vectors, rows, cols, values)
		}
		*x.size = rows
	}
	return nil
}
