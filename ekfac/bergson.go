package ekfac

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/internal/kernel"
)

// bergsonFolders are bergson's names of our files. Each is a folder with a file for each
// rank, which has some rows of every matrix.
var bergsonFolders = map[string]string{
	inputCovariance: "activation_sharded", outputCovariance: "gradient_sharded",
	inputVectors: "eigen_activation_sharded", outputVectors: "eigen_gradient_sharded",
	inputValues: "factor_eig_a", outputValues: "factor_eig_g",
	lambdaMatrix: "eigenvalue_correction_sharded",
}

// isBergson reports whether a folder holds factors of bergson.
func isBergson(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, bergsonFolders[outputVectors], "shard_0.safetensors"))
	return err == nil
}

// bergson reads bergson's factors: eigenvalues that are those of the mean over rows, times
// the root of the number of rows.
type bergson struct {
	parts
	root map[string]float64 // of the number of rows, by module
}

func (b bergson) matrix(file, key string) (kernel.Matrix[float64], error) {
	m, err := b.parts.matrix(file, key)
	if err != nil || file != inputValues && file != outputValues {
		return m, err
	}
	out := kernel.NewMatrix[float64](m.Rows, m.Cols)
	for i, v := range m.Data {
		out.Data[i] = v / b.root[key]
	}
	return out, nil
}

// openBergson opens the folder of a run of bergson's hessian command. It keeps the number
// of rows nowhere but in a pickle; it follows from the trace of a covariance and the sum
// of its eigenvalues. The number of examples is not known, and taken for that of rows, as
// bergson does, so that all curvatures are those of a row.
func openBergson(dir string) (_ *Factors, err error) {
	b := bergson{parts{stacked: true}, map[string]float64{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", dir, err), b.close())
		}
	}()
	for rank := 0; ; rank++ {
		paths := map[string]string{}
		for file, folder := range bergsonFolders {
			path := filepath.Join(dir, folder, fmt.Sprintf("shard_%d.safetensors", rank))
			if _, err := os.Stat(path); err != nil {
				continue
			}
			if file != inputValues || rank == 0 { // All ranks have all of these.
				paths[file] = path
			}
		}
		if len(paths) == 0 {
			break
		}
		t, err := openFiles(paths)
		if err != nil {
			return nil, err
		}
		b.folders = append(b.folders, t)
	}
	h := head{Format: formatName, Version: formatVersion, Tool: "bergson"}
	if h.Modules, h.Method, err = b.modules(); err != nil {
		return nil, err
	}
	for i := range h.Modules {
		m := &h.Modules[i]
		if m.Rows, err = b.rows(m.Name); err != nil {
			return nil, err
		}
		m.Examples, b.root[m.Name] = m.Rows, math.Sqrt(float64(m.Rows))
	}
	return &Factors{head: h, tensors: b, tolerance: b.exactness(outputVectors)}, nil
}

// rows returns the number of rows of a module's covariances, N: their sum has the trace
// N·Σλ, and what is stored are λ·√N.
func (b bergson) rows(key string) (int64, error) {
	covariance, err := b.parts.matrix(inputCovariance, key)
	if err != nil {
		return 0, err
	}
	stored, err := b.parts.matrix(inputValues, key)
	if err != nil {
		return 0, err
	}
	trace := 0.0
	for i := range min(covariance.Rows, covariance.Cols) {
		trace += covariance.At(i, i)
	}
	root := trace / sum(stored.Data)
	n := math.Round(root * root)
	if !(n >= 1 && n < 1<<53) {
		return 0, fmt.Errorf("module %q: the trace of its covariance is %v, and the sum of its eigenvalues %v", key, trace, sum(stored.Data))
	}
	return int64(n), nil
}
