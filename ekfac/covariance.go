package ekfac

import (
	"context"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

const (
	// leafRows is the number of rows that a sum adds in the precision of its numbers.
	leafRows = kernel.SumRows

	// leafExamples is the number of examples whose rows belong together in a sum where
	// examples have several rows. Where they have one, it is leafRows.
	leafExamples = 64
)

// leafOf returns the number of examples whose rows are summed together.
func leafOf(m *capture.Manifest, rowSet string) int64 {
	if m.RowSets[rowSet] == 1 {
		return leafRows
	}
	return leafExamples
}

// A gram is the sum of the outer products of the rows of a factor as they come. The rows
// of a group of examples are cut every leafRows rows; those are summed by [kernel.Syrk],
// and their sums in float64 on a binary tree in the group and on one of the groups.
type gram[F kernel.Float] struct {
	*factor
	workers  int
	examples int64 // of a group
	last     int64 // example at which the sum ends

	buffer []F
	leaf   kernel.Matrix[F] // the first rows of an unfinished one
	filled int

	group, total *pairwise
}

func newGram[F kernel.Float](f *factor, workers int, examples, last int64) *gram[F] {
	return &gram[F]{
		factor: f, workers: workers, examples: examples, last: last,
		group: newPairwise(workers, f.size, f.size), total: newPairwise(workers, f.size, f.size),
	}
}

// add takes the rows of the next examples.
func (g *gram[F]) add(b *capture.Block) error {
	rows, err := rowsOf(b, g.factor, &g.buffer)
	if err != nil {
		return err
	}
	starts := b.Starts(g.module.RowSet)
	for e := 0; e < b.Examples; {
		first := b.First + int64(e)
		n := int(min(int64(b.Examples-e), g.examples-first%g.examples))
		end := first + int64(n)
		g.push(rows.Block(starts[e], 0, starts[e+n]-starts[e], g.size), end%g.examples == 0 || end == g.last)
		e += n
	}
	return nil
}

// push takes further rows of a group; with last there are no more of it.
func (g *gram[F]) push(rows kernel.Matrix[F], last bool) {
	for rows.Rows > 0 {
		n := min(rows.Rows, leafRows-g.filled)
		part := rows.Block(0, 0, n, g.size)
		rows = rows.Block(n, 0, rows.Rows-n, g.size)
		ends := last && rows.Rows == 0
		if g.filled == 0 && (n == leafRows || ends) {
			if g.sum(part, ends); ends {
				return
			}
			continue
		}
		if g.leaf.Data == nil {
			g.leaf = kernel.NewMatrix[F](leafRows, g.size)
		}
		for i := range n {
			copy(g.leaf.Row(g.filled+i), part.Row(i))
		}
		if g.filled += n; g.filled == leafRows {
			g.sum(g.leaf, false)
			g.filled = 0
		}
	}
	if last {
		g.sum(g.leaf.Block(0, 0, g.filled, g.size), true)
		g.filled = 0
	}
}

// sum adds a leaf to its group, and the group to the total where it is the last one.
func (g *gram[F]) sum(leaf kernel.Matrix[F], last bool) {
	add := func(into kernel.Matrix[float64]) { kernel.Syrk(g.workers, leaf, into) }
	if !last {
		g.group.add(add)
		return
	}
	if g.group.count > 0 {
		if leaf.Rows > 0 {
			g.group.add(add)
		}
		sum := g.group.root()
		defer g.group.giveBack(sum)
		add = func(into kernel.Matrix[float64]) { addNumbers(g.workers, into.Data, sum.Data) }
	}
	g.total.add(add)
}

// covariances sums the outer products of the rows of all factors.
func covariances[F kernel.Float](ctx context.Context, f *fit) error {
	var grams []*gram[F]
	list := factorsOf(f.head.Modules)
	for i := range list {
		grams = append(grams, newGram[F](&list[i], f.workers, leafOf(f.capture.Manifest(), list[i].module.RowSet), f.last))
	}
	err := f.pass(ctx, "covariances", func(b *capture.Block) error {
		for _, g := range grams {
			if err := g.add(b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, g := range grams {
		if err := f.put(g.covariance, g.key, g.total.root()); err != nil {
			return err
		}
	}
	return nil
}
