package gbdt

import (
	"cmp"
	"context"
	"math/bits"
	"slices"

	"github.com/infl-dev/infl/internal/parallel"
)

// SameLeaves returns the sets of two or more train rows that fall into the same
// leaf of every tree, so that the model cannot tell them apart: repeated rows, and
// rows that differ only where no split looks. Sets are ordered by their first row,
// rows ascend inside of a set. Equality is that of 128-bit hashes of the leaf
// numbers; rows of different leaves are in one set with a chance of about
// n²/2¹²⁹. It takes 32 bytes per row and reads the leaf index once: n·T·K steps
// and a sort of n hashes. The result does not depend on workers.
func (m *Model) SameLeaves(ctx context.Context) ([][]int64, error) {
	prints := make([]leafPrint, m.Rows())
	index := m.train.index
	err := parallel.For(ctx, m.workers, index.numBlocks(), func(_, b int) error {
		ids := m.train.reader()
		if err := ids.load(b); err != nil {
			return err
		}
		first := b * blockRows
		block := prints[first : first+index.blockLen(b)]
		leaf := make([]uint32, len(block))
		for i := range block {
			block[i].row = int64(first + i)
		}
		for u := range index.trees {
			ids.leaves(u, 0, leaf)
			for i, l := range leaf {
				block[i].add(l)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(prints, func(a, b leafPrint) int {
		return cmp.Or(cmp.Compare(a.hash[0], b.hash[0]), cmp.Compare(a.hash[1], b.hash[1]), cmp.Compare(a.row, b.row))
	})
	var sets [][]int64
	for lo := 0; lo < len(prints); {
		hi := lo + 1
		for hi < len(prints) && prints[hi].hash == prints[lo].hash {
			hi++
		}
		if hi-lo > 1 {
			set := make([]int64, hi-lo)
			for i := range set {
				set[i] = prints[lo+i].row
			}
			sets = append(sets, set)
		}
		lo = hi
	}
	slices.SortFunc(sets, func(a, b []int64) int { return cmp.Compare(a[0], b[0]) })
	return sets, nil
}

// A leafPrint is a train row with the hash of its leaves in all trees.
type leafPrint struct {
	hash [2]uint64
	row  int64
}

// add hashes one more leaf: two lanes, each a multiplication to 128 bits whose
// halves are joined.
func (p *leafPrint) add(leaf uint32) {
	for lane, odd := range [2]uint64{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f} {
		hi, lo := bits.Mul64((p.hash[lane]^uint64(leaf))+odd, odd)
		p.hash[lane] = hi ^ lo
	}
}
