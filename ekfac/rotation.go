package ekfac

import (
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// A rotation gives the rows of a factor in its eigenbasis, or as they are where it has
// none; where only their squares are wanted, those.
type rotation[F kernel.Float] struct {
	source  rowSource[F]
	workers int
	squared bool

	blocks []span             // of the basis, which is zero beside them
	basis  []kernel.Matrix[F] // eigenvectors in columns; none for the identity
	packed []*kernel.Packed[F]

	buffer []F
	block  *capture.Block // whose rows are there
	rows   kernel.Matrix[F]
}

func newRotation[F kernel.Float](f *fit, workers int, x factor, squared bool) (*rotation[F], error) {
	r := &rotation[F]{source: rowSource[F]{factor: x}, workers: workers, squared: squared}
	if f.Method == Diagonal {
		return r, nil
	}
	vectors, err := f.to.matrix(x.vectors, x.key)
	if err != nil {
		return nil, err
	}
	r.blocks = spans(x.size, f.Blocks)
	for _, s := range r.blocks {
		part := kernel.NewMatrix[F](s.n(), s.n())
		for i := range s.n() {
			to := part.Row(i)
			for j, v := range vectors.Row(s.lo + i)[s.lo:s.hi] {
				to[j] = F(v)
			}
		}
		r.basis = append(r.basis, part)
		r.packed = append(r.packed, kernel.PackNN(workers, part))
	}
	return r, nil
}

// read returns the rows of a block, which must not be written and are valid until the
// next one is asked for.
func (r *rotation[F]) read(b *capture.Block) (kernel.Matrix[F], error) {
	if r.block == b {
		return r.rows, nil
	}
	rows, _, err := r.source.read(b)
	if err != nil {
		return rows, err
	}
	if r.basis != nil || r.squared {
		rows = r.rotate(rows)
	}
	r.block, r.rows = b, rows
	return rows, nil
}

func (r *rotation[F]) rotate(rows kernel.Matrix[F]) kernel.Matrix[F] {
	out := kernel.MatrixOf(grow(&r.buffer, rows.Rows*rows.Cols), rows.Rows, rows.Cols)
	if r.basis == nil {
		each(r.workers, rows.Rows, func(i int) { r.keep(out.Row(i), rows.Row(i)) })
		return out
	}
	for i, s := range r.blocks {
		r.packed[i].EachBlock(r.workers, rows.Block(0, s.lo, rows.Rows, s.n()), func(_, row int, c kernel.Matrix[F]) {
			for k := range c.Rows {
				r.keep(out.Row(row + k)[s.lo:s.hi], c.Row(k))
			}
		})
	}
	return out
}

// keep copies a row, or its squares.
func (r *rotation[F]) keep(to, row []F) {
	if !r.squared {
		copy(to, row)
		return
	}
	for i, v := range row {
		to[i] = v * v
	}
}
