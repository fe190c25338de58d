package ekfac

import (
	"context"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// A pairwise sums matrices that come in order, in float64, on the fixed binary tree of
// [parallel.Tree], whatever their number turns out to be. It keeps one matrix for each
// level of the tree, at most.
type pairwise struct {
	workers, rows, cols int

	count  int
	levels map[int]kernel.Matrix[float64] // the sums of 2^level matrices that wait for their right neighbour
	spare  []kernel.Matrix[float64]
}

func newPairwise(workers, rows, cols int) *pairwise {
	return &pairwise{workers: workers, rows: rows, cols: cols, levels: map[int]kernel.Matrix[float64]{}}
}

// add takes the next matrix of the sum, which leaf adds to what it is given: zeros, or
// the left neighbour.
func (p *pairwise) add(leaf func(into kernel.Matrix[float64])) {
	sum, right := p.levels[0]
	if !right {
		sum = p.zeros()
	}
	leaf(sum)
	delete(p.levels, 0)
	level := 0
	if right {
		level = 1
	}
	for ; p.count>>level&1 == 1; level++ {
		left := p.levels[level]
		delete(p.levels, level)
		addNumbers(p.workers, left.Data, sum.Data)
		p.spare = append(p.spare, sum)
		sum = left
	}
	p.levels[level] = sum
	p.count++
}

// root returns the sum, which is zero of no matrices, and begins anew. The matrix belongs
// to the caller, who may give it back.
func (p *pairwise) root() kernel.Matrix[float64] {
	var sum kernel.Matrix[float64]
	for level := 0; p.count>>level != 0; level++ {
		left, there := p.levels[level]
		switch {
		case !there:
		case sum.Data == nil:
			sum = left
		default:
			addNumbers(p.workers, left.Data, sum.Data)
			p.spare = append(p.spare, sum)
			sum = left
		}
		delete(p.levels, level)
	}
	if p.count = 0; sum.Data == nil {
		return p.zeros()
	}
	return sum
}

// giveBack takes a matrix of root that is of no more use.
func (p *pairwise) giveBack(m kernel.Matrix[float64]) { p.spare = append(p.spare, m) }

func (p *pairwise) zeros() kernel.Matrix[float64] {
	last := len(p.spare) - 1
	if last < 0 {
		return kernel.NewMatrix[float64](p.rows, p.cols)
	}
	m := p.spare[last]
	p.spare = p.spare[:last]
	clear(m.Data)
	return m
}

// addNumbers adds src to dst, number by number.
func addNumbers[F kernel.Float](workers int, dst []float64, src []F) {
	spread(workers, len(dst), func(lo, hi int) {
		to := dst[lo:hi]
		for i, v := range src[lo:hi] {
			to[i] += float64(v)
		}
	})
}

// spread calls use for parts of [0, n), on at most workers goroutines.
func spread(workers, n int, use func(lo, hi int)) {
	const part = 1 << 16
	// There is nothing that could end the loop early.
	_ = parallel.For(context.Background(), workers, (n+part-1)/part, func(_, b int) error {
		use(b*part, min(n, (b+1)*part))
		return nil
	})
}
