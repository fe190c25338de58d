package ekfac

import (
	"cmp"
	"context"
	"maps"
	"math"
	binary "math/bits"
	"slices"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// A pairwise sums the matrices of groups of examples in float64 on the fixed binary tree
// of [parallel.Tree]. Groups come in order, and some may be left out that are part of
// sums given before. It keeps one matrix for each level of the tree, at most, beside
// those.
type pairwise struct {
	workers, rows, cols int

	top   int // the level of the halves of which the root is made
	sums  map[node]kernel.Matrix[float64]
	given []node
	spare []kernel.Matrix[float64]
}

// A node is a subtree: its level, groups having 0, and its number on the level.
type node struct {
	level int
	index int64
}

// newPairwise returns the empty sum of some groups.
func newPairwise(workers, rows, cols int, groups int64) *pairwise {
	return &pairwise{
		workers: workers, rows: rows, cols: cols,
		top: binary.Len64(uint64(max(1, groups-1))) - 1, sums: map[node]kernel.Matrix[float64]{},
	}
}

// levels is how many matrices a sum of groups holds at a time, at most.
func levels(groups int64) int64 { return int64(binary.Len64(uint64(max(1, groups)))) + 1 }

// give takes the sum of a subtree that was computed elsewhere.
func (p *pairwise) give(at node, sum kernel.Matrix[float64]) {
	p.given = append(p.given, at)
	p.rise(at, sum)
}

// covered reports whether a group is part of a sum that was given.
func (p *pairwise) covered(group int64) bool {
	return slices.ContainsFunc(p.given, func(n node) bool { return group>>n.level == n.index })
}

// add takes the sum of a group, which leaf adds to what it is given: zeros, or the group's
// left neighbour.
func (p *pairwise) add(group int64, leaf func(into kernel.Matrix[float64])) {
	at, left := node{0, group}, node{0, group - 1}
	sum, there := p.sums[left]
	if there = there && group&1 == 1 && p.top > 0; there {
		delete(p.sums, left)
		at = node{1, group / 2}
	} else {
		sum = p.zeros()
	}
	leaf(sum)
	p.rise(at, sum)
}

// rise merges a sum with its neighbours, level by level, but for the halves of the root.
func (p *pairwise) rise(at node, sum kernel.Matrix[float64]) {
	for at.level < p.top {
		beside := node{at.level, at.index ^ 1}
		other, there := p.sums[beside]
		if !there {
			break
		}
		delete(p.sums, beside)
		if at.index&1 == 1 {
			sum, other = other, sum
		}
		sum = p.merge(sum, other)
		at = node{at.level + 1, at.index / 2}
	}
	p.sums[at] = sum
}

// merge returns left + right in the memory of left.
func (p *pairwise) merge(left, right kernel.Matrix[float64]) kernel.Matrix[float64] {
	addNumbers(p.workers, left.Data, right.Data)
	p.spare = append(p.spare, right)
	return left
}

// nodes lists the sums that wait for a neighbour, in order.
func (p *pairwise) nodes() []node {
	return slices.SortedFunc(maps.Keys(p.sums), func(a, b node) int { return cmp.Compare(a.index<<a.level, b.index<<b.level) })
}

// first returns how many groups the left half of the root has.
func (p *pairwise) first() int64 { return 1 << p.top }

// root returns the sum of all groups, which is zero of none, and forgets it: the matrix
// belongs to the caller. Change is how far the mean of all is from that of the groups of
// the left half, by the norms of the matrices,
//
//	‖root/all − left/some‖ / ‖root/all‖
//
// for numbers of rows all and some, or NaN where there is no right half.
func (p *pairwise) root(all, some int64) (sum kernel.Matrix[float64], change float64) {
	change = math.NaN()
	for _, at := range slices.Backward(p.nodes()) {
		left := p.sums[at]
		switch {
		case sum.Data == nil:
			sum = left
		case at == node{p.top, 0}:
			before := p.zeros()
			copy(before.Data, left.Data)
			sum = p.merge(left, sum)
			change = distance(sum.Data, before.Data, 1/float64(all), 1/float64(some))
		default:
			sum = p.merge(left, sum)
		}
	}
	clear(p.sums)
	p.given = nil
	if sum.Data == nil {
		sum = p.zeros()
	}
	return sum, change
}

// distance returns ‖a·x − b·y‖ / ‖a·x‖.
func distance(x, y []float64, a, b float64) float64 {
	var apart, size float64
	for i, v := range x {
		d := float64(a*v) - float64(b*y[i])
		apart += float64(d * d)
		size += float64(a * v * a * v)
	}
	return math.Sqrt(apart / size)
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
	const part = 1 << 15
	each(workers, (n+part-1)/part, func(b int) { use(b*part, min(n, (b+1)*part)) })
}

// each calls use for 0 … n−1, on at most workers goroutines.
func each(workers, n int, use func(i int)) {
	// There is nothing that could end the loop early.
	_ = parallel.For(context.Background(), workers, n, func(_, i int) error {
		use(i)
		return nil
	})
}
