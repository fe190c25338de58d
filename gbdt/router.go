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
}

type routedNode struct {
	threshold   float64
	feature     int32
	left, right int32
	bitsLo      int32 // categorical: the set is bits[bitsLo:bitsHi]
	bitsHi      int32
	rule        Rule
}

func newRouter(f *Forest) *router {
	r := &router{trees: make([]routedTree, len(f.Trees)), features: len(f.Features)}
	for u := range f.Trees {
		t := &f.Trees[u]
		nodes := make([]routedNode, len(t.Feature))
		for i := range nodes {
			n := routedNode{threshold: t.Threshold[i], feature: t.Feature[i], left: t.Left[i], right: t.Right[i], rule: t.Rules[i]}
			if n.rule&Categorical != 0 {
				s := t.CatSet[i]
				n.bitsLo, n.bitsHi = t.CatBounds[s], t.CatBounds[s+1]
			}
			nodes[i] = n
		}
		r.trees[u] = routedTree{nodes: nodes, bits: t.CatBits}
	}
	return r
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

func (t *routedTree) walk(tile []float64, p int, out []uint32) {
	nodes := t.nodes
	if len(nodes) == 0 {
		clear(out)
		return
	}
	for i := range out {
		x := tile[i*p : i*p+p]
		c := int32(0)
		for c >= 0 {
			n := &nodes[c]
			v := x[n.feature]
			// A NaN fails both comparisons and takes the slow path.
			switch {
			case n.rule&(Categorical|ZeroMissing) == 0 && v <= n.threshold:
				c = n.left
			case n.rule&(Categorical|ZeroMissing) == 0 && v > n.threshold:
				c = n.right
			case t.left(n, v):
				c = n.left
			default:
				c = n.right
			}
		}
		out[i] = uint32(^c)
	}
}

// left decides the cases that a comparison alone does not.
func (t *routedTree) left(n *routedNode, v float64) bool {
	missing := v != v
	switch {
	case n.rule&Categorical != 0:
		// The code is cut to an integer as a C cast does: −0.5 is category 0.
		if missing || v <= -1 || v > math.MaxInt32 {
			return false
		}
		code := uint32(int32(v))
		word := n.bitsLo + int32(code>>5)
		return word < n.bitsHi && t.bits[word]>>(code&31)&1 != 0
	case n.rule&NaNMissing != 0:
		if missing {
			return n.rule&DefaultLeft != 0
		}
	case n.rule&ZeroMissing != 0:
		if missing || v <= zeroThreshold && v >= -zeroThreshold {
			return n.rule&DefaultLeft != 0
		}
	case missing:
		v = 0
	}
	return v <= n.threshold
}
