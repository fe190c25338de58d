package gbdt

import "math"

// zeroThreshold is LightGBM's bound below which a value counts as zero: the
// float32 nearest to 1e-35.
const zeroThreshold = float64(float32(1e-35))

// A router sends rows to leaves.
type router struct {
	trees    []routedTree
	features int // p, features of the model
}

// A routedTree has what the walk needs of a Tree, one struct per inner node.
type routedTree struct {
	nodes []routedNode
	bits  []uint32
	plain bool // all nodes are numeric
}

// A routedNode goes to child[0] where x ≤ threshold, else to child[1].
type routedNode struct {
	threshold float64
	child     [2]int32
	feature   int32
	bitsLo    int32 // categorical: the set is bits[bitsLo:bitsHi]
	bitsHi    int32
	missing   uint8 // child of a missing value
	kind      nodeKind
}

type nodeKind uint8

const (
	numeric     nodeKind = iota // NaN is missing, or stands for 0: missing says where it goes
	zeroMissing                 // 0 is missing too
	categorical
)

func newRouter(f *Forest) *router {
	r := &router{trees: make([]routedTree, len(f.Trees)), features: len(f.Features)}
	for u := range f.Trees {
		t := &f.Trees[u]
		nodes := make([]routedNode, len(t.Feature))
		plain := true
		for i := range nodes {
			nodes[i] = routeNode(t, i)
			plain = plain && nodes[i].kind == numeric
		}
		r.trees[u] = routedTree{nodes: nodes, bits: t.CatBits, plain: plain}
	}
	return r
}

func routeNode(t *Tree, i int) routedNode {
	n := routedNode{threshold: t.Threshold[i], feature: t.Feature[i], child: [2]int32{t.Left[i], t.Right[i]}, missing: 1}
	rule := t.Rules[i]
	left := rule&DefaultLeft != 0
	if rule&(NaNMissing|ZeroMissing) == 0 {
		left = 0 <= n.threshold // NaN stands for 0.
	}
	if left {
		n.missing = 0
	}
	switch {
	case rule&Categorical != 0:
		s := t.CatSet[i]
		n.kind, n.bitsLo, n.bitsHi = categorical, t.CatBounds[s], t.CatBounds[s+1]
	case rule&ZeroMissing != 0:
		n.kind = zeroMissing
	}
	return n
}

// tileRows is the number of rows that walk down the trees together: their
// values stay in the first cache levels while one tree after the other passes.
const tileRows = 128

// route sends the m rows of x, which is feature-major, down every tree. It
// calls put with the leaves in tree u of the rows from lo on; put must not keep
// the slice. Values of |x| ≤ zeroThreshold count as 0, as they do in the
// library.
func (r *router) route(x [][]float64, m int, put func(u, lo int, leaves []uint32)) {
	p := r.features
	tile := make([]float64, tileRows*p)
	leaves := make([]uint32, tileRows)
	for lo := 0; lo < m; lo += tileRows {
		n := min(tileRows, m-lo)
		for f := range p {
			for i, v := range x[f][lo : lo+n] {
				if v <= zeroThreshold && v >= -zeroThreshold {
					v = 0
				}
				tile[i*p+f] = v
			}
		}
		for u := range r.trees {
			r.trees[u].walk(tile, p, leaves[:n])
			put(u, lo, leaves[:n])
		}
	}
}

// lanes is the number of rows that walk at the same time: a step waits for
// three loads in a row, and other rows' steps fill the wait.
const lanes = 4

// walk sends the rows of a tile, p values each, down the tree.
func (t *routedTree) walk(tile []float64, p int, out []uint32) {
	if len(t.nodes) == 0 {
		clear(out)
		return
	}
	i := 0
	for ; t.plain && i+lanes <= len(out); i += lanes {
		t.walkLanes(tile[i*p:(i+lanes)*p], p, (*[lanes]uint32)(out[i:]))
	}
	for ; i < len(out); i++ {
		out[i] = t.finish(0, tile[i*p:][:p])
	}
}

// walkLanes sends four rows down a tree of numeric nodes.
func (t *routedTree) walkLanes(tile []float64, p int, out *[lanes]uint32) {
	x0, x1, x2, x3 := tile[:p], tile[p:2*p], tile[2*p:3*p], tile[3*p:4*p]
	nodes := t.nodes
	var c0, c1, c2, c3 int32
	for c0|c1|c2|c3 >= 0 {
		c0, c1 = step(&nodes[c0], x0), step(&nodes[c1], x1)
		c2, c3 = step(&nodes[c2], x2), step(&nodes[c3], x3)
	}
	out[0], out[1], out[2], out[3] = t.finish(c0, x0), t.finish(c1, x1), t.finish(c2, x2), t.finish(c3, x3)
}

// finish walks on from node c, which may be a leaf already.
func (t *routedTree) finish(c int32, x []float64) uint32 {
	for c >= 0 {
		n := &t.nodes[c]
		if n.kind == numeric {
			c = step(n, x)
		} else {
			c = t.special(n, x[n.feature])
		}
	}
	return uint32(^c)
}

// step returns the child of a numeric node. The choice is computed, not
// branched on, because branches on data are as good as random to the CPU; the
// test for NaN is predicted.
func step(n *routedNode, x []float64) int32 {
	v := x[n.feature]
	right := uint8(1)
	if v <= n.threshold {
		right = 0
	}
	if v != v {
		right = n.missing
	}
	return n.child[right&1]
}

// special returns the child of a node that is no plain comparison.
func (t *routedTree) special(n *routedNode, v float64) int32 {
	if n.kind == zeroMissing {
		switch {
		case v != v || v == 0:
			return n.child[n.missing&1]
		case v <= n.threshold:
			return n.child[0]
		}
		return n.child[1]
	}
	// The code is cut to an integer as a C cast does: −0.5 is category 0. NaN
	// fails the comparisons.
	if v > -1 && v < math.MaxInt32+1 {
		code := uint32(int32(v))
		word := n.bitsLo + int32(code>>5)
		if word < n.bitsHi && t.bits[word]>>(code&31)&1 != 0 {
			return n.child[0]
		}
	}
	return n.child[1]
}
