package lightgbm

import (
	"fmt"
	"math"

	"github.com/infl-dev/infl/gbdt"
)

// tree puts the nodes at the places that split_index and leaf_index name.
// Categorical nodes have no sets yet.
func (r *nodeReader) tree() (*gbdt.Tree, error) {
	l := r.leaves
	m := l - 1
	t := &gbdt.Tree{
		Feature:   make([]int32, m),
		Threshold: make([]float64, m),
		Rules:     make([]gbdt.Rule, m),
		Left:      make([]int32, m),
		Right:     make([]int32, m),
		LeafValue: make([]float64, l),
		RootValue: math.NaN(),
	}
	if err := r.checkIndexes(m, l); err != nil {
		return nil, err
	}
	if root := &r.nodes[0]; root.has(internalMember) {
		t.RootValue = root.value
	}
	t.LeafWeight, t.LeafCount = r.weights(), r.counts()
	for i := range r.nodes {
		n := &r.nodes[i]
		if n.has(leafValueMember) {
			t.LeafValue[n.index] = n.value
			continue
		}
		t.Feature[n.index], t.Threshold[n.index], t.Rules[n.index] = n.feature, n.threshold, n.rule
		t.Left[n.index], t.Right[n.index] = r.child(n.left), r.child(n.right)
	}
	return t, nil
}

// checkIndexes checks that m splits and l leaves have each index once. Only
// the leaf of a tree of one leaf may go without.
func (r *nodeReader) checkIndexes(m, l int) error {
	splits, leaves := make([]bool, m), make([]bool, l)
	for i := range r.nodes {
		n := &r.nodes[i]
		what, taken := "split_index", splits
		if n.has(leafValueMember) {
			what, taken = "leaf_index", leaves
			if !n.has(leafIndexMember) && l > 1 {
				return fmt.Errorf("leaf_index of a leaf is missing")
			}
		}
		if int(n.index) >= len(taken) {
			return fmt.Errorf("%s %d is outside 0 … %d", what, n.index, len(taken)-1)
		}
		if taken[n.index] {
			return fmt.Errorf("%s %d appears twice", what, n.index)
		}
		taken[n.index] = true
	}
	return nil
}

// child returns the number of a child as gbdt.Tree has it.
func (r *nodeReader) child(node int32) int32 {
	n := &r.nodes[node]
	if n.has(leafValueMember) {
		return ^n.index
	}
	return n.index
}

// weights returns the leaf weights, or nil where a leaf has none or a tree of
// one leaf has the 0 that stands for none.
func (r *nodeReader) weights() []float64 {
	if !r.everyLeafHas(leafWeightMember) || r.leaves == 1 && r.nodes[0].weight == 0 {
		return nil
	}
	out := make([]float64, r.leaves)
	for i := range r.nodes {
		if n := &r.nodes[i]; n.has(leafValueMember) {
			out[n.index] = n.weight
		}
	}
	return out
}

// counts is weights for leaf counts.
func (r *nodeReader) counts() []int64 {
	if !r.everyLeafHas(leafCountMember) || r.leaves == 1 && r.nodes[0].count == 0 {
		return nil
	}
	out := make([]int64, r.leaves)
	for i := range r.nodes {
		if n := &r.nodes[i]; n.has(leafValueMember) {
			out[n.index] = n.count
		}
	}
	return out
}

func (r *nodeReader) everyLeafHas(member int) bool {
	for i := range r.nodes {
		if n := &r.nodes[i]; n.has(leafValueMember) && !n.has(member) {
			return false
		}
	}
	return true
}
