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
// those; in memory, or from a level on in a file.
type pairwise struct {
	workers, rows, cols int

	top   int // the level of the halves of which the root is made
	sums  map[node]kernel.Matrix[float64]
	given []node
	spare []kernel.Matrix[float64]

	scratch *scratch // nil where all sums are in memory
	level   int      // the first one whose sums are in the scratch file
	err     error    // the first one of the scratch file
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

// levels is how many sums wait for each other in the sum of groups, at most.
func levels(groups int64) int64 { return int64(binary.Len64(uint64(max(1, groups)))) }

// give takes the sum of a subtree that was computed elsewhere.
func (p *pairwise) give(at node, sum kernel.Matrix[float64]) {
	p.given = append(p.given, at)
	p.rise(at, sum)
}

// covered reports whether a group is part of a sum that was given.
func (p *pairwise) covered(group int64) bool {
	return slices.ContainsFunc(p.given, func(n node) bool { return group>>n.level == n.index })
}

// spill has the sums of a level and of those above wait in a file of the folder tmp, ""
// for the system's.
func (p *pairwise) spill(level int, tmp string) (err error) {
	p.level = level
	p.scratch, err = newScratch(tmp)
	return err
}

// close removes the scratch file.
func (p *pairwise) close() error {
	if p.scratch == nil {
		return nil
	}
	s := p.scratch
	p.scratch = nil
	return s.close()
}

// waits reports whether the sum of a node waits for its neighbour.
func (p *pairwise) waits(at node) bool {
	_, there := p.sums[at]
	if p.scratch != nil && !there {
		_, there = p.scratch.places[at]
	}
	return there
}

// keep has a sum wait.
func (p *pairwise) keep(at node, sum kernel.Matrix[float64]) {
	if p.scratch == nil || at.level < p.level {
		p.sums[at] = sum
		return
	}
	p.note(p.scratch.put(at, sum.Data))
	p.spare = append(p.spare, sum)
}

// note keeps the first error: what is summed after it is of no use.
func (p *pairwise) note(err error) {
	if p.err == nil {
		p.err = err
	}
}

// take returns a sum that waits no longer. It belongs to the caller.
func (p *pairwise) take(at node) kernel.Matrix[float64] {
	sum, there := p.sums[at]
	if !there {
		sum = p.zeros()
		p.note(p.scratch.each(at, len(sum.Data), func(lo int, part []float64) { copy(sum.Data[lo:], part) }))
		p.scratch.drop(at)
	}
	delete(p.sums, at)
	return sum
}

// join adds a sum that waits no longer to another one, and calls use, if there is one,
// for parts of both after that, in order.
func (p *pairwise) join(at node, sum kernel.Matrix[float64], use func(sum, added []float64)) {
	add := func(lo int, part []float64) {
		to := sum.Data[lo : lo+len(part)]
		addNumbers(p.workers, to, part)
		if use != nil {
			use(to, part)
		}
	}
	if m, there := p.sums[at]; there {
		add(0, m.Data)
		delete(p.sums, at)
		p.spare = append(p.spare, m)
		return
	}
	p.note(p.scratch.each(at, len(sum.Data), add))
	p.scratch.drop(at)
}

// add takes the sum of a group, which leaf adds to what it is given: zeros, or the group's
// left neighbour.
func (p *pairwise) add(group int64, leaf func(into kernel.Matrix[float64])) {
	at, left := node{0, group}, node{0, group - 1}
	var sum kernel.Matrix[float64]
	if group&1 == 1 && p.top > 0 && p.waits(left) {
		at, sum = node{1, group / 2}, p.take(left)
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
		if !p.waits(beside) {
			break
		}
		p.join(beside, sum, nil)
		at = node{at.level + 1, at.index / 2}
	}
	p.keep(at, sum)
}

// nodes lists the sums that wait for a neighbour, in order.
func (p *pairwise) nodes() []node {
	list := slices.Collect(maps.Keys(p.sums))
	if p.scratch != nil {
		list = slices.AppendSeq(list, maps.Keys(p.scratch.places))
	}
	slices.SortFunc(list, func(a, b node) int { return cmp.Compare(a.index<<a.level, b.index<<b.level) })
	return list
}

// first returns how many groups the left half of the root has.
func (p *pairwise) first() int64 { return 1 << p.top }

// root returns the sum of all groups, which is zero of none, and forgets it: the matrix
// belongs to the caller. Change is how far the mean of all is from that of the groups of
// the left half, by the norms of the matrices,
//
//	‖root/all − left/some‖ / ‖root/all‖
//
// for numbers of rows all and some, or NaN where there is no right half. An error is the
// first of the scratch file.
func (p *pairwise) root(all, some int64) (sum kernel.Matrix[float64], change float64, err error) {
	change = math.NaN()
	for _, at := range slices.Backward(p.nodes()) {
		switch {
		case sum.Data == nil:
			sum = p.take(at)
		case at == node{p.top, 0}:
			d := distance{all: 1 / float64(all), some: 1 / float64(some)}
			p.join(at, sum, d.add)
			change = math.Sqrt(d.apart / d.size)
		default:
			p.join(at, sum, nil)
		}
	}
	p.given = nil
	if sum.Data == nil {
		sum = p.zeros()
	}
	return sum, change, p.err
}

// A distance is that of the mean of all rows from the mean of some, and the size of the
// first, both squared.
type distance struct{ all, some, apart, size float64 }

// add takes parts of the sums.
func (d *distance) add(all, some []float64) {
	for i, v := range all {
		apart := float64(d.all*v) - float64(d.some*some[i])
		d.apart += float64(apart * apart)
		d.size += float64(d.all * v * d.all * v)
	}
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
