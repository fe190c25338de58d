package ekfac

import (
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// expectedSquares are, for each row, the expected squares of the gradients of the outputs
// in their eigenbasis.
type expectedSquares[F kernel.Float] struct {
	expectation
	workers int
	basis   kernel.Matrix[float64]

	buffer []F
	block  *capture.Block // whose rows are there
	rows   kernel.Matrix[F]
}

func newExpectedSquares[F kernel.Float](f *fit, workers int, x factor) (*expectedSquares[F], error) {
	of, err := newExpectation(f, x)
	if err != nil {
		return nil, err
	}
	basis, err := f.to.matrix(x.vectors, x.key)
	return &expectedSquares[F]{expectation: of, workers: workers, basis: basis}, err
}

// read returns them for a block, until the next one is asked for.
func (e *expectedSquares[F]) read(b *capture.Block) (kernel.Matrix[F], error) {
	if e.block == b {
		return e.rows, nil
	}
	rows, _, err := e.source.read(b)
	if err != nil {
		return e.rows, err
	}
	out := kernel.MatrixOf(grow(&e.buffer, rows.Rows*rows.Cols), rows.Rows, rows.Cols)
	squares := make([]float64, rows.Cols)
	for i := range rows.Rows {
		if err := e.variances(rows.Row(i), e.basis, squares); err != nil {
			return out, err
		}
		to := out.Row(i)
		for k, v := range squares {
			to[k] = F(v)
		}
	}
	e.block, e.rows = b, out
	return out, nil
}
