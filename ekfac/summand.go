package ekfac

import (
	"cmp"
	"slices"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// A summand is a matrix of the factors that is summed over examples as they come.
type summand interface {
	// take adds the examples of a block.
	take(b *capture.Block) error

	// sums is where they are added up.
	sums() *tally
}

// A tally is the sum of a summand on its tree, and where it goes.
type tally struct {
	*pairwise
	groups
	wanted    groupRange // what is summed, but for what was given
	module    *Module
	file, key string
}

func newTally(workers int, m *Module, g groups, file, key string, rows, cols int) tally {
	return tally{newPairwise(workers, rows, cols, g.count()), g, groupRange{0, g.count()}, m, file, key}
}

func (t *tally) sums() *tally { return t }

// addGroup adds the sum of a group.
func addGroup[F kernel.Float](t *tally, group int64, m kernel.Matrix[F]) {
	t.add(group, func(into kernel.Matrix[float64]) { addNumbers(t.workers, into.Data, m.Data) })
}

// lacks reports whether a group has to be summed.
func (t *tally) lacks(group int64) bool {
	return t.wanted.first <= group && group < t.wanted.last && !t.covered(group)
}

// eachMissing is [groups.each] for the groups that have to be summed.
func (t *tally) eachMissing(b *capture.Block, use func(group int64, lo, hi int, ends bool)) {
	t.each(b, func(group int64, lo, hi int, ends bool) {
		if t.lacks(group) {
			use(group, lo, hi, ends)
		}
	})
}

// missing lists the ranges of examples that have to be summed.
func (t *tally) missing() (list []exampleRange) {
	for group := t.wanted.first; group < t.wanted.last; group++ {
		if t.lacks(group) {
			list = append(list, exampleRange{group * t.size, t.end(group)})
		}
	}
	return list
}

// An exampleRange is the examples lo … hi−1.
type exampleRange struct{ lo, hi int64 }

// union joins ranges that overlap or touch, in order.
func union(ranges []exampleRange) (list []exampleRange) {
	slices.SortFunc(ranges, func(a, b exampleRange) int { return cmp.Compare(a.lo, b.lo) })
	for _, r := range ranges {
		if n := len(list); n > 0 && r.lo <= list[n-1].hi {
			list[n-1].hi = max(list[n-1].hi, r.hi)
		} else {
			list = append(list, r)
		}
	}
	return list
}
