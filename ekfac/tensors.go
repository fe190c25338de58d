package ekfac

import (
	"fmt"
	"sync"

	"github.com/infl-dev/infl/internal/kernel"
)

// The files of a folder of factors, without their ending. Names and keys, which are
// those of modules, are kronfluence's.
const (
	inputCovariance  = "activation_covariance"
	outputCovariance = "gradient_covariance"
	inputRows        = "num_activation_covariance_processed"
	outputRows       = "num_gradient_covariance_processed"
	inputValues      = "activation_eigenvalues"
	inputVectors     = "activation_eigenvectors"
	outputValues     = "gradient_eigenvalues"
	outputVectors    = "gradient_eigenvectors"
	lambdaMatrix     = "lambda_matrix"
	lambdaExamples   = "num_lambda_processed"
)

// tensors is where the matrices of factors are, by file and key. A vector is a matrix of
// one column. It may be used from several goroutines.
type tensors interface {
	// has reports whether a matrix is there.
	has(file, key string) bool

	// matrix returns one that is there. It must not be written.
	matrix(file, key string) (kernel.Matrix[float64], error)

	// put keeps a matrix, which must not be changed after it.
	put(file, key string, m kernel.Matrix[float64]) error

	close() error
}

// memoryTensors keeps matrices in memory.
type memoryTensors struct {
	mu   sync.RWMutex
	kept map[[2]string]kernel.Matrix[float64]
}

func (t *memoryTensors) has(file, key string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	_, there := t.kept[[2]string{file, key}]
	return there
}

func (t *memoryTensors) matrix(file, key string) (kernel.Matrix[float64], error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	m, there := t.kept[[2]string{file, key}]
	if !there {
		return m, fmt.Errorf("the factors have no %s of module %q", file, key)
	}
	return m, nil
}

func (t *memoryTensors) put(file, key string, m kernel.Matrix[float64]) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil {
		t.kept = map[[2]string]kernel.Matrix[float64]{}
	}
	t.kept[[2]string{file, key}] = m
	return nil
}

func (t *memoryTensors) close() error { return nil }
