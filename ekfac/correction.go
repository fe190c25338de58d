package ekfac

import (
	"context"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// A correction is the sum of the squares of the gradients of examples in the eigenbasis
// of a module, entry by entry, as the examples come. Squares of a group of examples are
// summed in the precision of the numbers, groups in float64 on a binary tree.
type correction[F kernel.Float] struct {
	*Module
	workers  int
	single   bool  // one row for each example
	examples int64 // of a group
	last     int64 // example at which the sum ends

	input, output kernel.Matrix[F] // eigenvectors in columns; without rows for the identity
	buffers       [2][]F
	rotated       [2][]F
	gradient      kernel.Matrix[F]
	group         kernel.Matrix[F]
	total         *pairwise
}

// add takes the next examples.
func (c *correction[F]) add(b *capture.Block) error {
	a, err := capture.Inputs(b, c.InputGroup, c.Bias, &c.buffers[0])
	if err != nil {
		return err
	}
	g, err := capture.OutputGradients(b, c.Name, &c.buffers[1])
	if err != nil {
		return err
	}
	a, g = c.rotate(a, c.input, &c.rotated[0]), c.rotate(g, c.output, &c.rotated[1])
	starts := b.Starts(c.RowSet)
	for e := 0; e < b.Examples; {
		first := b.First + int64(e)
		n := int(min(int64(b.Examples-e), c.examples-first%c.examples))
		c.square(starts[e:e+n+1], a, g)
		if end := first + int64(n); end%c.examples == 0 || end == c.last {
			c.total.add(func(into kernel.Matrix[float64]) { addNumbers(c.workers, into.Data, c.group.Data) })
			clear(c.group.Data)
		}
		e += n
	}
	return nil
}

// rotate multiplies rows with a basis.
func (c *correction[F]) rotate(rows, basis kernel.Matrix[F], buffer *[]F) kernel.Matrix[F] {
	if basis.Rows == 0 {
		return rows
	}
	if len(*buffer) < len(rows.Data) {
		*buffer = make([]F, len(rows.Data))
	}
	out := kernel.MatrixOf((*buffer)[:rows.Rows*basis.Cols], rows.Rows, basis.Cols)
	clear(out.Data)
	kernel.GemmNN(c.workers, rows, basis, out)
	return out
}

// square adds the squares of examples whose rows begin at starts.
func (c *correction[F]) square(starts []int, a, g kernel.Matrix[F]) {
	n := len(starts) - 1
	if c.single {
		first, rows := starts[0], starts[n]-starts[0]
		a, g = c.squares(a.Block(first, 0, rows, a.Cols)), c.squares(g.Block(first, 0, rows, g.Cols))
		kernel.GemmTN(c.workers, g, a, c.group)
		return
	}
	for i := range n {
		first, rows := starts[i], starts[i+1]-starts[i]
		clear(c.gradient.Data)
		kernel.GemmTN(c.workers, g.Block(first, 0, rows, g.Cols), a.Block(first, 0, rows, a.Cols), c.gradient)
		spread(c.workers, len(c.group.Data), func(lo, hi int) {
			to := c.group.Data[lo:hi]
			for i, v := range c.gradient.Data[lo:hi] {
				to[i] += F(v * v)
			}
		})
	}
}

// squares returns the squares of rows.
func (c *correction[F]) squares(rows kernel.Matrix[F]) kernel.Matrix[F] {
	out := kernel.NewMatrix[F](rows.Rows, rows.Cols)
	for i, v := range rows.Data {
		out.Data[i] = v * v
	}
	return out
}

// corrections sums the squares of the gradients of all modules, in their eigenbases or,
// for the strategy diagonal, as they are.
func corrections[F kernel.Float](ctx context.Context, f *fit) error {
	var list []*correction[F]
	for i := range f.head.Modules {
		m := &f.head.Modules[i]
		out, in := int(m.Out), int(m.Columns())
		c := &correction[F]{
			Module: m, workers: f.workers, examples: leafOf(f.capture.Manifest(), m.RowSet), last: f.last,
			single: f.capture.Manifest().RowSets[m.RowSet] == 1,
			group:  kernel.NewMatrix[F](out, in), gradient: kernel.NewMatrix[F](out, in),
			total: newPairwise(f.workers, out, in),
		}
		if f.head.Method != Diagonal {
			var err error
			if c.input, err = basisOf[F](f.to, inputVectors, m.Inputs); err != nil {
				return err
			}
			if c.output, err = basisOf[F](f.to, outputVectors, m.Name); err != nil {
				return err
			}
		}
		list = append(list, c)
	}
	err := f.pass(ctx, "correct eigenvalues", func(b *capture.Block) error {
		for _, c := range list {
			if err := c.add(b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range list {
		if err := f.put(lambdaMatrix, c.Name, c.total.root()); err != nil {
			return err
		}
	}
	return nil
}

// basisOf returns eigenvectors in the precision of a fit.
func basisOf[F kernel.Float](t tensors, file, key string) (kernel.Matrix[F], error) {
	m, err := t.matrix(file, key)
	if err != nil {
		return kernel.Matrix[F]{}, err
	}
	out := kernel.NewMatrix[F](m.Rows, m.Cols)
	for i, v := range m.Data {
		out.Data[i] = F(v)
	}
	return out, nil
}
