package parallel

import (
	"context"
	"fmt"
	"sync"
)

// Reduce computes leaf(worker, block) for each block and merges the results on
// the fixed binary tree of [Tree], so that a floating-point sum has the same
// bits for any number of workers. Merge may reuse its left argument for the
// result; it must not depend on anything but its arguments. The result of no
// blocks is the zero value of S.
//
// At most workers + log2(blocks) states are alive at a time, plus those that
// wait for a slower neighbour.
func Reduce[S any](ctx context.Context, workers, blocks int, leaf func(worker, block int) (S, error), merge func(left, right S) S) (S, error) {
	t := NewTree(blocks, merge)
	err := For(ctx, workers, blocks, func(w, b int) error {
		s, err := leaf(w, b)
		if err != nil {
			return err
		}
		return t.Add(b, s)
	})
	if err != nil {
		var zero S
		return zero, err
	}
	return t.Root()
}

// A Tree merges the states of a fixed number of blocks pairwise: on each level
// neighbours 2j and 2j+1 merge, and an odd last node passes up unchanged. The
// order in which blocks arrive does not matter. A Tree may be used from
// several goroutines.
type Tree[S any] struct {
	merge  func(left, right S) S
	blocks int

	mu      sync.Mutex
	added   int
	waiting map[node]S
}

// A node is a subtree: index counts from 0 on its level, leaves have level 0.
type node struct{ level, index int }

// NewTree returns the tree over the given number of blocks.
func NewTree[S any](blocks int, merge func(left, right S) S) *Tree[S] {
	return &Tree[S]{merge: merge, blocks: blocks, waiting: make(map[node]S)}
}

// Add gives the state of one block, which must come exactly once. The tree
// owns s afterwards.
func (t *Tree[S]) Add(block int, s S) error {
	if block < 0 || block >= t.blocks {
		return fmt.Errorf("block %d is not one of the tree's %d", block, t.blocks)
	}
	at := t.rise(node{0, block})
	for first := true; ; first = false {
		t.mu.Lock()
		if first {
			t.added++
		}
		other, ok := t.waiting[at.sibling()]
		if !ok {
			t.waiting[at] = s
			t.mu.Unlock()
			return nil
		}
		delete(t.waiting, at.sibling())
		t.mu.Unlock()
		if at.index&1 == 0 {
			s = t.merge(s, other)
		} else {
			s = t.merge(other, s)
		}
		at = t.rise(node{at.level + 1, at.index / 2})
	}
}

// Root returns the merged state of all blocks; it is an error where one is
// missing.
func (t *Tree[S]) Root() (S, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var s S
	if t.added != t.blocks || t.blocks > 0 && len(t.waiting) != 1 {
		return s, fmt.Errorf("%d of %d blocks were added", t.added, t.blocks)
	}
	for _, s = range t.waiting {
	}
	return s, nil
}

func (n node) sibling() node { return node{n.level, n.index ^ 1} }

// rise follows a node upwards while it is the odd last one of its level.
func (t *Tree[S]) rise(n node) node {
	for {
		width := (t.blocks + 1<<n.level - 1) >> n.level
		if width == 1 || n.index&1 == 1 || n.index+1 < width {
			return n
		}
		n = node{n.level + 1, n.index / 2}
	}
}
