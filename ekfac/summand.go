package ekfac

import (
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
	module    *Module
	file, key string
}

func newTally(f *fit, m *Module, g groups, file, key string, rows, cols int) tally {
	return tally{newPairwise(f.workers, rows, cols, g.count()), g, m, file, key}
}

func (t *tally) sums() *tally { return t }

// addGroup adds the sum of a group.
func addGroup[F kernel.Float](t *tally, group int64, m kernel.Matrix[F]) {
	t.add(group, func(into kernel.Matrix[float64]) { addNumbers(t.workers, into.Data, m.Data) })
}

// eachMissing is [groups.each] for the groups that are not part of a sum given before.
func (t *tally) eachMissing(b *capture.Block, use func(group int64, lo, hi int, ends bool)) {
	t.each(b, func(group int64, lo, hi int, ends bool) {
		if !t.covered(group) {
			use(group, lo, hi, ends)
		}
	})
}
