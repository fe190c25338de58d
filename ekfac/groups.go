package ekfac

import (
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

const (
	// leafRows is the number of rows that a sum adds in the precision of its numbers.
	leafRows = kernel.SumRows

	// leafExamples is the number of examples whose rows belong together in a sum where
	// examples have several rows. Where they have one, it is leafRows.
	leafExamples = 64
)

// groups are the examples of a capture in groups of equally many but for the last: what
// is summed together before it meets others on the tree.
type groups struct {
	size int64 // examples of a group
	n    int64 // examples in all
}

// count is the number of groups.
func (g groups) count() int64 { return (g.n + g.size - 1) / g.size }

// end returns the number of the example behind a group.
func (g groups) end(group int64) int64 { return min(g.n, (group+1)*g.size) }

// within returns the groups that lie in examples lo … hi−1 as a whole.
func (g groups) within(lo, hi int64) groupRange {
	first, last := (lo+g.size-1)/g.size, hi/g.size
	if hi == g.n {
		last = g.count()
	}
	return groupRange{first, max(first, last)}
}

// A groupRange is the groups first … last−1.
type groupRange struct{ first, last int64 }

// each calls use for examples lo … hi−1 of a block that belong to the same group, in
// order; ends where they are the last ones of it.
func (g groups) each(b *capture.Block, use func(group int64, lo, hi int, ends bool)) {
	for lo := 0; lo < b.Examples; {
		group := (b.First + int64(lo)) / g.size
		hi := int(min(int64(b.Examples), g.end(group)-b.First))
		use(group, lo, hi, b.First+int64(hi) == g.end(group))
		lo = hi
	}
}
