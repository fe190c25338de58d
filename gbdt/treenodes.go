package gbdt

import (
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

// A nodeStep is what an estimator over nodes needs of a node, with the share
// ω(depth)/D, its weight among the depths of the tree by its denominator. The
// products are 0 where the value does not depend on the rows.
type nodeStep struct {
	theta float64 // value if it were a leaf, with shrinkage
	eta   float64 // η·ω/D
	pull  float64 // θ·ω/D
}

// treeNodes knows the ancestors of the leaves of one tree.
type treeNodes struct {
	order []uint32   // leaves from left to right
	inner []nodeStep // per inner node
	leaf  []nodeStep // per leaf
	left  []span     // per inner node: the places in order of the leaves under its children
	right []span
	path  [][]int32 // per leaf: inner nodes from the root
}

// A span is a range of places [lo, hi).
type span struct{ lo, hi int32 }

// newTreeNodes computes the nodes of tree u from the sums over its leaves.
func (m *Model) newTreeNodes(u int, s *sums) *treeNodes {
	t := &m.forest.Trees[u]
	n := &treeNodes{
		inner: make([]nodeStep, len(t.Feature)), leaf: make([]nodeStep, t.Leaves()),
		left: make([]span, len(t.Feature)), right: make([]span, len(t.Feature)),
		path: make([][]int32, t.Leaves()),
	}
	if t.Leaves() == 1 {
		n.order = []uint32{0}
		return n
	}
	depth := make([]int, len(t.Feature))
	deepest := 0
	for l, path := range n.walk(t, depth) {
		n.path[l] = path
		deepest = max(deepest, len(path))
	}
	total := 0.0
	for d := range deepest + 1 {
		total += kernel.Exp(float64(d))
	}
	eta := m.eta[u/m.k]
	off := m.offset[u]
	for l := range n.leaf {
		if j := off + l; m.active[j] {
			n.leaf[l] = newNodeStep(m.theta[u][l], m.denom[j], kernel.Exp(float64(len(n.path[l])))/total, eta)
		} else {
			n.leaf[l].theta = m.theta[u][l]
		}
	}
	l1, l2 := m.report.L1, m.report.L2
	for i := range n.inner {
		var g, h float64
		for _, l := range n.order[n.left[i].lo:n.right[i].hi] {
			g += s.g[off+int(l)]
			h += s.h[off+int(l)]
		}
		if d := h + l2; d > 0 && (l1 == 0 || math.Abs(g) > l1) {
			theta := -eta * math.Copysign(math.Max(math.Abs(g)-l1, 0), g) / d
			n.inner[i] = newNodeStep(theta, d, kernel.Exp(float64(depth[i]))/total, eta)
		}
	}
	return n
}

func newNodeStep(theta, denom, weight, eta float64) nodeStep {
	share := weight / denom
	return nodeStep{theta: theta, eta: eta * share, pull: theta * share}
}

// walk numbers the leaves from left to right, sets the depths of inner nodes and
// returns the paths of the leaves.
func (n *treeNodes) walk(t *Tree, depth []int) [][]int32 {
	paths := make([][]int32, t.Leaves())
	var down func(c int32, path []int32)
	down = func(c int32, path []int32) {
		if c < 0 {
			paths[^c] = append([]int32(nil), path...)
			n.order = append(n.order, uint32(^c))
			return
		}
		depth[c] = len(path)
		path = append(path, c)
		lo := int32(len(n.order))
		down(t.Left[c], path)
		middle := int32(len(n.order))
		down(t.Right[c], path)
		n.left[c], n.right[c] = span{lo, middle}, span{middle, int32(len(n.order))}
	}
	down(0, nil)
	return paths
}

// meet writes for each leaf the step of the lowest common ancestor with leaf q;
// for q itself that is the leaf.
func (n *treeNodes) meet(q uint32, out []nodeStep) {
	out[q] = n.leaf[q]
	if len(n.inner) == 0 {
		return
	}
	place := int32(0)
	for i, l := range n.order {
		if l == q {
			place = int32(i)
		}
	}
	for _, i := range n.path[q] {
		other := n.right[i]
		if place >= n.left[i].hi {
			other = n.left[i]
		}
		for _, l := range n.order[other.lo:other.hi] {
			out[l] = n.inner[i]
		}
	}
}
