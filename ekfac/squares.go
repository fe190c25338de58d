package ekfac

import (
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// batchNumbers is how many numbers the gradients of a batch of examples have, about: they
// stay in a cache between their making and their squaring.
const batchNumbers = 1 << 19

// formsFirst reports whether the gradients of the examples of a group are formed before
// they are rotated: where that takes fewer operations,
//
//	n·out·in·(out + in)  against  rows·(in² + out²)
//
// for n examples, beside the rows·out·in of both. Shapes alone decide.
func (c *correction[F]) formsFirst(group int64) bool {
	if c.outputs.basis == nil {
		return false
	}
	lo, hi := group*c.size, c.end(group)
	rows := float64(c.starts[hi] - c.starts[lo])
	o, i := float64(c.rows), float64(c.cols)
	return float64(hi-lo)*o*i*(o+i) < rows*(i*i+o*o)
}

// addRows adds rows that are gradients of their own from the squares of both sides:
//
//	Σ (g∘g)(a∘a)ᵀ
func (c *correction[F]) addRows(a, g kernel.Matrix[F]) { kernel.GemmTN(c.workers, g, a, c.group) }

// addStored adds examples lo … hi−1 of a block whose gradients are stored.
func (c *correction[F]) addStored(b *capture.Block, lo, hi int) error {
	if c.block != b {
		all, err := capture.ExampleGradients(c.workers, b, c.module.Name, &c.gradients)
		if err != nil {
			return err
		}
		c.block, c.stored = b, all
	}
	c.addSquares(c.stored.Block(lo, 0, hi-lo, c.stored.Cols))
	return nil
}

// batches calls use for a few examples at a time, with memory for their gradients.
func (c *correction[F]) batches(starts []int, use func(starts []int, gradients kernel.Matrix[F])) {
	entries := c.rows * c.cols
	for size := max(1, batchNumbers/entries); len(starts) > 1; {
		n := min(size, len(starts)-1)
		gradients := kernel.MatrixOf(grow(&c.gradients, n*entries), n, entries)
		clear(gradients.Data)
		use(starts[:n+1], gradients)
		starts = starts[n:]
	}
}

// addBatches adds examples whose rotated rows begin at starts.
func (c *correction[F]) addBatches(a, g kernel.Matrix[F], starts []int) {
	c.batches(starts, func(starts []int, gradients kernel.Matrix[F]) {
		kernel.OuterSums(c.workers, starts, g, a, gradients)
		c.addSquares(gradients)
	})
}

// addLarge does the same for modules whose gradients do not fit into a cache.
func (c *correction[F]) addLarge(a, g kernel.Matrix[F], starts []int) {
	for n := range len(starts) - 1 {
		first, rows := starts[n], starts[n+1]-starts[n]
		if rows == 0 {
			continue
		}
		inputs := kernel.PackNN(c.workers, a.Block(first, 0, rows, a.Cols))
		inputs.EachBlockTN(c.workers, g.Block(first, 0, rows, g.Cols), func(_, row int, part kernel.Matrix[F]) {
			for i := range part.Rows {
				addSquares(c.group.Row(row+i), part.Row(i))
			}
		})
	}
}

// addFormed adds examples whose gradients are formed before they are rotated.
func (c *correction[F]) addFormed(b *capture.Block, starts []int) error {
	a, _, err := c.inputs.source.read(b)
	if err != nil {
		return err
	}
	g, _, err := c.outputs.source.read(b)
	if err != nil {
		return err
	}
	c.batches(starts, func(starts []int, gradients kernel.Matrix[F]) {
		kernel.OuterSums(c.workers, starts, g, a, gradients)
		n := gradients.Rows
		half := kernel.MatrixOf(grow(&c.rotated, n*c.rows*c.cols), n*c.rows, c.cols)
		clear(half.Data)
		all := kernel.MatrixOf(gradients.Data, n*c.rows, c.cols)
		for i, s := range c.inputs.blocks {
			kernel.GemmNN(c.workers, all.Block(0, s.lo, all.Rows, s.n()), c.inputs.basis[i], half.Block(0, s.lo, all.Rows, s.n()))
		}
		clear(gradients.Data)
		c.rotateOutputs(half, all)
		c.addSquares(gradients)
	})
	return nil
}

// rotateOutputs adds Q_Sᵀ times matrices of out × in, which lie below each other.
func (c *correction[F]) rotateOutputs(from, to kernel.Matrix[F]) {
	n := from.Rows / c.rows
	inside := 1
	if n < c.workers {
		inside = c.workers
	}
	each(c.workers/inside, n, func(k int) {
		for i, s := range c.outputs.blocks {
			kernel.GemmTN(inside, c.outputs.basis[i], from.Block(k*c.rows+s.lo, 0, s.n(), c.cols), to.Block(k*c.rows+s.lo, 0, s.n(), c.cols))
		}
	})
}

// addSquares adds the squares of gradients, one row for each example.
func (c *correction[F]) addSquares(gradients kernel.Matrix[F]) {
	spread(c.workers, gradients.Cols, func(lo, hi int) {
		for n := range gradients.Rows {
			addSquares(c.group.Data[lo:hi], gradients.Row(n)[lo:hi])
		}
	})
}

// addSquares adds squares, number by number.
func addSquares[F kernel.Float](to, x []F) {
	for i, v := range x {
		to[i] += F(v * v)
	}
}
