package kernel

import (
	"math"
	"slices"
)

// A Candidate is a score on its way into a list of the best. Value is the score
// where large ones are kept and the negated score where small ones are, so that
// larger always wins.
type Candidate struct {
	Value float64
	Row   int64
}

// Before tells the order of every list: value descending, then row ascending.
func (a Candidate) Before(b Candidate) bool {
	return a.Value > b.Value || a.Value == b.Value && a.Row < b.Row
}

// compareCandidates is Before as slices.SortFunc wants it.
func compareCandidates(a, b Candidate) int {
	switch {
	case a.Before(b):
		return -1
	case b.Before(a):
		return 1
	}
	return 0
}

// AnyScore is the floor of a list without a condition on the sign.
var AnyScore = Candidate{math.Inf(-1), math.MaxInt64}

// Positive is the floor that only values > 0 pass.
var Positive = Candidate{0, -1}

// A Best keeps the first candidates of the order among all that it is offered,
// whatever the order in which they come. It lets twice as many gather and then
// selects, which costs less per candidate than a heap and keeps a floor that most
// candidates fail. It holds at most twice as many candidates as it keeps.
type Best struct {
	keep  int
	list  []Candidate
	floor Candidate // a candidate that is not before the floor is not kept
}

// NewBest returns an empty list that keeps so many candidates, of those before
// the floor. One that keeps none is never passed.
func NewBest(keep int, floor Candidate) Best {
	if keep <= 0 {
		return Best{floor: Candidate{math.Inf(1), -1}}
	}
	return Best{keep: keep, floor: floor}
}

// Offer takes a candidate, whose value is not NaN, and reports whether the floor
// rose.
func (b *Best) Offer(c Candidate) bool {
	if !c.Before(b.floor) {
		return false
	}
	if len(b.list) == cap(b.list) {
		grown := make([]Candidate, len(b.list), min(max(2*cap(b.list), 8), 2*b.keep))
		copy(grown, b.list)
		b.list = grown
	}
	b.list = append(b.list, c)
	if len(b.list) < 2*b.keep {
		return false
	}
	selectFirst(b.list, b.keep)
	b.list = b.list[:b.keep]
	b.floor = slices.MaxFunc(b.list, compareCandidates)
	return true
}

// Sorted returns the kept candidates in order. The list is b's own, until the
// next Offer.
func (b *Best) Sorted() []Candidate {
	slices.SortFunc(b.list, compareCandidates)
	return b.list[:min(len(b.list), b.keep)]
}

// selectFirst moves the first k of the order to the front of list, in any
// order among themselves (Hoare's selection, median of three).
func selectFirst(list []Candidate, k int) {
	lo, hi := 0, len(list)-1
	for lo < hi {
		pivot := median(list[lo], list[(lo+hi)/2], list[hi])
		i, j := lo, hi
		for i <= j {
			for list[i].Before(pivot) {
				i++
			}
			for pivot.Before(list[j]) {
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

func median(a, b, c Candidate) Candidate {
	if b.Before(a) {
		a, b = b, a
	}
	if c.Before(b) {
		b = c
		if b.Before(a) {
			b = a
		}
	}
	return b
}
