package ekfac

import (
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// A rowSource gives the rows of a factor.
type rowSource[F kernel.Float] struct {
	factor
	reduced bool // to one row for each example

	buffer, means []F

	block  *capture.Block // whose rows were read last
	rows   kernel.Matrix[F]
	starts []int
}

// read returns the rows in a block, and where those of each example begin and the last
// one's end. They are valid until the next call, and must not be written.
func (s *rowSource[F]) read(b *capture.Block) (rows kernel.Matrix[F], starts []int, err error) {
	if s.block == b {
		return s.rows, s.starts, nil
	}
	if s.inputs {
		rows, err = capture.Inputs(b, s.module.InputGroup, s.module.Bias, &s.buffer)
	} else {
		rows, err = capture.OutputGradients(b, s.module.Name, &s.buffer)
	}
	if err != nil {
		return rows, nil, err
	}
	starts = b.Starts(s.module.RowSet)
	if s.reduced {
		rows, starts = s.reduce(rows, starts)
	}
	s.block, s.rows, s.starts = b, rows, starts
	return rows, starts, nil
}

// reduce returns one row for each example: the mean of its inputs, or the sum of the
// gradients of its outputs. An example without rows has zeros.
func (s *rowSource[F]) reduce(rows kernel.Matrix[F], starts []int) (kernel.Matrix[F], []int) {
	n := len(starts) - 1
	out := kernel.MatrixOf(grow(&s.means, n*rows.Cols), n, rows.Cols)
	clear(out.Data)
	one := make([]int, n+1)
	for i := range n {
		one[i+1] = i + 1
		to := out.Row(i)
		for t := starts[i]; t < starts[i+1]; t++ {
			for j, v := range rows.Row(t) {
				to[j] += v
			}
		}
		if count := F(starts[i+1] - starts[i]); s.inputs && count > 1 {
			for j := range to {
				to[j] /= count
			}
		}
	}
	return out, one
}

// grow returns n numbers of a buffer, which is made anew where it is too short.
func grow[F kernel.Float](buffer *[]F, n int) []F {
	if len(*buffer) < n {
		*buffer = kernel.NewMatrix[F](1, n).Data
	}
	return (*buffer)[:n:n]
}
