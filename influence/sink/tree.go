package sink

import (
	"fmt"
	"slices"

	"github.com/infl-dev/infl/internal/kernel"
)

// A node is a subtree of the fixed binary tree over the blocks of queries:
// leaves have level 0, and node i of a level stands over nodes 2i and 2i+1 of
// the level below. An odd last node has no sibling and stands in for its
// parent.
type node struct{ level, index int64 }

// A span holds the totals of one node for the train positions [lo, hi), row by
// row: total (i−lo)·lanes + l belongs to row i and to the node's lane l.
type span struct {
	lo, hi int64
	totals []kernel.Total
}

func (s span) cut(lo, hi int64) span {
	if s.hi == s.lo {
		return s
	}
	width := int64(len(s.totals)) / (s.hi - s.lo)
	return span{lo, hi, s.totals[(lo-s.lo)*width : (hi-s.lo)*width]}
}

// A tree adds spans up along the fixed binary tree, in whatever order and cut
// into whatever rows they come. It is not safe for concurrent use.
type tree struct {
	blocks  int64
	lanes   func(node) []int32 // ascending lanes that occur in a node
	waiting map[node][]span
}

func newTree(blocks int64, lanes func(node) []int32) *tree {
	return &tree{blocks: blocks, lanes: lanes, waiting: make(map[node][]span)}
}

// width returns the number of nodes of a level.
func (t *tree) width(level int64) int64 { return (t.blocks + (1 << level) - 1) >> level }

// rise returns the highest node that covers the same blocks as n.
func (t *tree) rise(n node) node {
	for w := t.width(n.level); w > 1 && n.index == w-1 && n.index%2 == 0; w = t.width(n.level) {
		n = node{n.level + 1, n.index / 2}
	}
	return n
}

func (t *tree) root() node {
	n := node{}
	for t.width(n.level) > 1 {
		n.level++
	}
	return n
}

// add takes a span of a node and merges it upwards as far as its sibling is
// there. The tree owns the span.
func (t *tree) add(n node, s span) {
	for s.lo < s.hi {
		n = t.rise(n)
		sibling := node{n.level, n.index ^ 1}
		at := slices.IndexFunc(t.waiting[sibling], func(o span) bool { return o.lo < s.hi && s.lo < o.hi })
		if at < 0 {
			t.waiting[n] = append(t.waiting[n], s)
			return
		}
		other := t.waiting[sibling][at]
		lo, hi := max(s.lo, other.lo), min(s.hi, other.hi)
		rest := slices.Delete(t.waiting[sibling], at, at+1)
		for _, left := range []span{other.cut(other.lo, lo), other.cut(hi, other.hi)} {
			if left.lo < left.hi {
				rest = append(rest, left)
			}
		}
		t.waiting[sibling] = rest
		t.add(n, s.cut(s.lo, lo))
		t.add(n, s.cut(hi, s.hi))
		s = t.merge(n, s.cut(lo, hi), other.cut(lo, hi))
		n = node{n.level + 1, n.index / 2}
	}
}

// merge joins the spans of n and of its sibling into one of their parent.
func (t *tree) merge(n node, s, sibling span) span {
	left, right := node{n.level, n.index &^ 1}, node{n.level, n.index | 1}
	l, r := s, sibling
	if n == right {
		l, r = sibling, s
	}
	leftLanes, rightLanes := t.lanes(left), t.lanes(right)
	if slices.Equal(leftLanes, rightLanes) {
		for i := range l.totals {
			l.totals[i] = l.totals[i].Plus(r.totals[i])
		}
		return l
	}
	lanes := t.lanes(node{n.level + 1, n.index / 2})
	out := span{l.lo, l.hi, make([]kernel.Total, (l.hi-l.lo)*int64(len(lanes)))}
	for i := range l.hi - l.lo {
		a := l.totals[i*int64(len(leftLanes)):][:len(leftLanes)]
		b := r.totals[i*int64(len(rightLanes)):][:len(rightLanes)]
		joinLanes(out.totals[i*int64(len(lanes)):][:len(lanes)], lanes, a, leftLanes, b, rightLanes)
	}
	return out
}

// joinLanes adds a and b, whose lanes are subsets of lanes, lane by lane.
func joinLanes(out []kernel.Total, lanes []int32, a []kernel.Total, aLanes []int32, b []kernel.Total, bLanes []int32) {
	i, j := 0, 0
	for l, lane := range lanes {
		inA := i < len(aLanes) && aLanes[i] == lane
		inB := j < len(bLanes) && bLanes[j] == lane
		switch {
		case inA && inB:
			out[l] = a[i].Plus(b[j])
		case inA:
			out[l] = a[i]
		case inB:
			out[l] = b[j]
		}
		if inA {
			i++
		}
		if inB {
			j++
		}
	}
}

// take removes and returns the spans of n, in order of rows; they must cover
// [lo, hi).
func (t *tree) take(n node, lo, hi int64) ([]span, error) {
	spans := t.waiting[n]
	delete(t.waiting, n)
	slices.SortFunc(spans, func(a, b span) int { return int(a.lo - b.lo) })
	next := lo
	for _, s := range spans {
		if s.lo != next {
			break
		}
		next = s.hi
	}
	if next != hi {
		return nil, fmt.Errorf("sums of train position %d are missing", next)
	}
	return spans, nil
}

// cover returns the highest nodes that together cover exactly the blocks
// [lo, hi), in order of blocks.
func (t *tree) cover(lo, hi int64) []node { return t.coverUnder(t.root(), lo, hi, nil) }

func (t *tree) coverUnder(n node, lo, hi int64, out []node) []node {
	first, end := n.index<<n.level, min((n.index+1)<<n.level, t.blocks)
	switch {
	case end <= lo || hi <= first || first >= end:
		return out
	case lo <= first && end <= hi:
		return append(out, n)
	}
	out = t.coverUnder(node{n.level - 1, 2 * n.index}, lo, hi, out)
	return t.coverUnder(node{n.level - 1, 2*n.index + 1}, lo, hi, out)
}
