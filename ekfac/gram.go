package ekfac

import (
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// A gram is the sum of the outer products of the rows of a factor. The rows of a group of
// examples are cut every leafRows rows; those are summed by [kernel.Syrk], and their sums
// in float64 on a binary tree in the group and on the one of the groups.
type gram[F kernel.Float] struct {
	tally
	source *rowSource[F]
	blocks []span // of the diagonal that are summed

	leaf   kernel.Matrix[F] // the first rows of an unfinished one
	filled int
	group  *pairwise
	leaves int64 // of the group that are summed
}

func newGram[F kernel.Float](f *fit, workers int, x factor) *gram[F] {
	g := &gram[F]{
		tally:  newTally(workers, x.module, f.rowGroups(x.module), x.covariance, x.key, x.size, x.size),
		source: &rowSource[F]{factor: x, reduced: f.Sharing == Reduce}, blocks: spans(x.size, f.Blocks),
	}
	g.group = newPairwise(workers, x.size, x.size, leafExamples*leafRows)
	return g
}

func (g *gram[F]) take(b *capture.Block) error {
	rows, starts, err := g.source.read(b)
	if err != nil {
		return err
	}
	g.eachMissing(b, func(group int64, lo, hi int, ends bool) {
		g.push(group, rows.Block(starts[lo], 0, starts[hi]-starts[lo], g.cols), ends)
	})
	return nil
}

// push takes further rows of a group; with last there are no more of it.
func (g *gram[F]) push(group int64, rows kernel.Matrix[F], last bool) {
	for rows.Rows > 0 {
		n := min(rows.Rows, leafRows-g.filled)
		part := rows.Block(0, 0, n, g.cols)
		rows = rows.Block(n, 0, rows.Rows-n, g.cols)
		ends := last && rows.Rows == 0
		if g.filled == 0 && (n == leafRows || ends) {
			if g.addLeaf(group, part, ends); ends {
				return
			}
			continue
		}
		if g.leaf.Data == nil {
			g.leaf = kernel.NewMatrix[F](leafRows, g.cols)
		}
		for i := range n {
			copy(g.leaf.Row(g.filled+i), part.Row(i))
		}
		if g.filled += n; g.filled == leafRows && !ends {
			g.addLeaf(group, g.leaf, false)
			g.filled = 0
		}
	}
	if last {
		g.addLeaf(group, g.leaf.Block(0, 0, g.filled, g.cols), true)
		g.filled = 0
	}
}

// addLeaf adds a leaf to its group, and the group to the total where it is the last one.
func (g *gram[F]) addLeaf(group int64, leaf kernel.Matrix[F], last bool) {
	add := func(into kernel.Matrix[float64]) {
		for _, s := range g.blocks {
			kernel.Syrk(g.workers, leaf.Block(0, s.lo, leaf.Rows, s.n()), into.Block(s.lo, s.lo, s.n(), s.n()))
		}
	}
	if last && g.leaves == 0 {
		g.add(group, add)
		return
	}
	if leaf.Rows > 0 {
		g.group.add(g.leaves, add)
		g.leaves++
	}
	if last {
		sum, _, _ := g.group.root(1, 1) // It is in memory.
		addGroup(&g.tally, group, sum)
		g.group.giveBack(sum)
		g.leaves = 0
	}
}

// A span is a range of neighbours.
type span struct{ lo, hi int }

func (s span) n() int { return s.hi - s.lo }

// spans cuts n neighbours into as many ranges, of sizes that differ by one at most.
func spans(n, ranges int) []span {
	list := make([]span, 0, ranges)
	for b := range ranges {
		list = append(list, span{b * n / ranges, (b + 1) * n / ranges})
	}
	return list
}
