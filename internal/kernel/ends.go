package kernel

import (
	"math"
	binary "math/bits"
	"unsafe"
)

//go:generate go -C _gen run . -family scan -out ../scan_amd64.s -stubs ../scan_stubs_amd64.go -pkg kernel

// An Ends keeps the highest and the lowest scores of each of some queries. What
// it keeps depends on the scores and their rows alone, not on the order or the
// blocks in which they come: ties go to the lower row. NaN is never kept, but
// counted.
//
// An Ends serves one goroutine at a time. Its memory is that of its lists, 16
// bytes for each of up to twice as many candidates as they keep, and grows as
// candidates come.
type Ends[F Float] struct {
	lists []endLists
	// Nearly all scores lie strictly between these bounds, which never exclude a
	// score that belongs into a list. Behind the last query they hold everything
	// off, for vectors that reach beyond.
	atLeast, atMost []F
	nan             int64
}

type endLists struct{ high, low Best }

// mostLanes is the largest number of lanes that any kernel of this package has.
const mostLanes = 16

// NewEnds returns the ends of so many queries, each of which starts with copies
// of the empty lists high, for scores, and low, for negated scores.
func NewEnds[F Float](queries int, high, low Best) *Ends[F] {
	e := &Ends[F]{
		lists:   make([]endLists, queries),
		atLeast: make([]F, queries+mostLanes),
		atMost:  make([]F, queries+mostLanes),
	}
	for q := range e.atLeast {
		e.atLeast[q], e.atMost[q] = F(math.Inf(1)), F(math.Inf(-1))
	}
	for q := range e.lists {
		e.lists[q] = endLists{high, low}
		e.atLeast[q], e.atMost[q] = bound[F](high.floor), -bound[F](low.floor)
	}
	return e
}

// bound is the least value that may be before the floor.
func bound[F Float](floor Candidate) F {
	if floor.Row >= 0 || math.IsInf(floor.Value, 1) {
		return F(floor.Value)
	}
	// No row wins a tie with such a floor.
	if unsafe.Sizeof(F(0)) == 4 {
		return F(math.Nextafter32(float32(floor.Value), float32(math.Inf(1))))
	}
	return F(math.Nextafter(floor.Value, math.Inf(1)))
}

// Add takes the scores of some train rows with the queries from first on: row i
// of scores, one column for each query, belongs to train row row(i).
func (e *Ends[F]) Add(first int, scores Matrix[F], row func(i int) int64) {
	scores.check()
	if first < 0 || first+scores.Cols > len(e.lists) {
		panic("kernel: scores of more queries than there are")
	}
	if scores.Cols == 0 {
		return
	}
	atLeast, atMost := e.atLeast[first:], e.atMost[first:]
	for i := range scores.Rows {
		s := scores.Row(i)
		for from := 0; ; {
			at, mask := outside(s, atLeast, atMost, from)
			if mask == 0 {
				break
			}
			from = at + binary.Len64(mask)
			for ; mask != 0; mask &= mask - 1 {
				j := at + binary.TrailingZeros64(mask)
				e.offer(first+j, s[j], row(i))
			}
		}
	}
}

func (e *Ends[F]) offer(q int, v F, row int64) {
	if v != v {
		e.nan++
		return
	}
	if v >= e.atLeast[q] {
		e.offerHigh(q, Candidate{float64(v), row})
	}
	if v <= e.atMost[q] {
		e.offerLow(q, Candidate{-float64(v), row})
	}
}

func (e *Ends[F]) offerHigh(q int, c Candidate) {
	if b := &e.lists[q].high; b.Offer(c) {
		e.atLeast[q] = bound[F](b.floor)
	}
}

func (e *Ends[F]) offerLow(q int, c Candidate) {
	if b := &e.lists[q].low; b.Offer(c) {
		e.atMost[q] = -bound[F](b.floor)
	}
}

// Merge takes all that o keeps, of as many queries. It leaves o as it is.
func (e *Ends[F]) Merge(o *Ends[F]) {
	for q := range e.lists {
		for _, c := range o.lists[q].high.Sorted() {
			e.offerHigh(q, c)
		}
		for _, c := range o.lists[q].low.Sorted() {
			e.offerLow(q, c)
		}
	}
	e.nan += o.nan
}

// High returns the highest scores of a query, highest first. The list is e's own,
// until more is added.
func (e *Ends[F]) High(q int) []Candidate { return e.lists[q].high.Sorted() }

// Low returns the lowest scores of a query, lowest first, with negated scores as
// values. The list is e's own, until more is added.
func (e *Ends[F]) Low(q int) []Candidate { return e.lists[q].low.Sorted() }

// NaN returns how many scores were NaN.
func (e *Ends[F]) NaN() int64 { return e.nan }

// Queries returns the number of queries.
func (e *Ends[F]) Queries() int { return len(e.lists) }
