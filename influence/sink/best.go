package sink

import (
	"math"
	"slices"
)

// A candidate is a score on its way into a list. Value is the score in a high
// list and the negated score in a low one, so that larger always wins.
type candidate struct {
	value float64
	row   int64
}

// before is the order of every list: score, then train row ascending.
func before(a, b candidate) bool {
	return a.value > b.value || a.value == b.value && a.row < b.row
}

func compare(a, b candidate) int {
	switch {
	case before(a, b):
		return -1
	case before(b, a):
		return 1
	}
	return 0
}

// A best keeps the first candidates of the order among all that are offered.
// It lets twice as many gather and then selects, which costs less per
// candidate than a heap and keeps a floor that most candidates fail.
type best struct {
	keep  int
	list  []candidate
	floor candidate // a candidate that is not before the floor is not kept
}

// anyScore is the floor of a list without a condition on the sign.
var anyScore = candidate{math.Inf(-1), math.MaxInt64}

// positive is the floor that only values > 0 pass.
var positive = candidate{0, -1}

// offer takes a candidate and reports whether the floor rose.
func (b *best) offer(c candidate) bool {
	if !before(c, b.floor) {
		return false
	}
	if len(b.list) == cap(b.list) {
		grown := make([]candidate, len(b.list), min(max(2*cap(b.list), 8), 2*b.keep))
		copy(grown, b.list)
		b.list = grown
	}
	b.list = append(b.list, c)
	if len(b.list) < 2*b.keep {
		return false
	}
	selectFirst(b.list, b.keep)
	b.list = b.list[:b.keep]
	b.floor = slices.MaxFunc(b.list, compare)
	return true
}

// sorted returns the kept candidates in order. The list is b's own.
func (b *best) sorted() []candidate {
	slices.SortFunc(b.list, compare)
	return b.list[:min(len(b.list), b.keep)]
}

// selectFirst moves the first k of the order to the front of list, in any
// order among themselves (Hoare's selection, median of three).
func selectFirst(list []candidate, k int) {
	lo, hi := 0, len(list)-1
	for lo < hi {
		pivot := median(list[lo], list[(lo+hi)/2], list[hi])
		i, j := lo, hi
		for i <= j {
			for before(list[i], pivot) {
				i++
			}
			for before(pivot, list[j]) {
				j--
			}
			if i <= j {
				list[i], list[j] = list[j], list[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k-1 <= j:
			hi = j
		case k-1 >= i:
			lo = i
		default:
			return
		}
	}
}

func median(a, b, c candidate) candidate {
	if before(b, a) {
		a, b = b, a
	}
	if before(c, b) {
		b = c
		if before(b, a) {
			b = a
		}
	}
	return b
}
