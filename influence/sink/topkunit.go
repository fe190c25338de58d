package sink

import (
	"sync"
	"sync/atomic"

	"github.com/infl-dev/infl/influence"
)

// stripeEntries is the number of query entries under one lock. Tiles of the
// same unit walk the stripes from different starts and seldom wait.
const stripeEntries = 128

// topUnit is the unit state of topK.
type topUnit[F number] struct {
	r       *topK
	unit    influence.Range2
	stripes []topStripe[F]
	turn    atomic.Int64
}

// topStripe holds the lists of some query entries. Nearly all scores fail the
// two comparisons with atLeast and atMost, which never exclude a score that
// belongs into a list.
type topStripe[F number] struct {
	mu      sync.Mutex
	lists   []ends
	atLeast []F
	atMost  []F
}

func newTopUnit[F number](r *topK, unit influence.Range2, smallest F) *topUnit[F] {
	entries := int(unit.Query.Len())
	u := &topUnit[F]{r: r, unit: unit, stripes: make([]topStripe[F], (entries+stripeEntries-1)/stripeEntries)}
	for i := range u.stripes {
		n := min(stripeEntries, entries-i*stripeEntries)
		s := &u.stripes[i]
		s.lists, s.atLeast, s.atMost = make([]ends, n), make([]F, n), make([]F, n)
		for j := range n {
			s.lists[j] = r.newEnds()
			if r.signed {
				s.atLeast[j], s.atMost[j] = smallest, -smallest
			} else {
				s.atLeast[j], s.atMost[j] = F(anyScore.value), -F(anyScore.value)
			}
		}
	}
	return u
}

func (u *topUnit[F]) add(t influence.Tile) error {
	lo, hi := int(t.Query.Lo-u.unit.Query.Lo), int(t.Query.Hi-u.unit.Query.Lo)
	first, last := lo/stripeEntries, (hi-1)/stripeEntries
	count := last - first + 1
	turn := int(u.turn.Add(1) % int64(count))
	for i := range count {
		stripe := first + (turn+i)%count
		base := stripe * stripeEntries
		from, to := max(lo, base), min(hi, base+stripeEntries)
		u.scan(&u.stripes[stripe], t, from-lo, from-base, to-from)
	}
	return nil
}

// scan offers the scores of width query entries, from column on in the tile
// and from list on in the stripe.
func (u *topUnit[F]) scan(s *topStripe[F], t influence.Tile, column, list, width int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	scores, stride := values[F](t), int(t.Query.Len())
	atLeast, atMost := s.atLeast[list:list+width], s.atMost[list:list+width]
	for i := range t.Train.Len() {
		at := int(i)*stride + column
		row := scores[at : at+width]
		for j, v := range row {
			if v >= atLeast[j] || v <= atMost[j] {
				s.offer(list+j, v, u.r.train.At(t.Train.Lo+i))
			}
		}
	}
}

func (s *topStripe[F]) offer(list int, v F, row int64) {
	e := &s.lists[list]
	if v >= s.atLeast[list] && e.high.offer(candidate{float64(v), row}) {
		s.atLeast[list] = F(e.high.floor.value)
	}
	if v <= s.atMost[list] && e.low.offer(candidate{-float64(v), row}) {
		s.atMost[list] = F(-e.low.floor.value)
	}
}

func (u *topUnit[F]) finish() ([]byte, error) {
	var lists []*ends
	for i := range u.stripes {
		for j := range u.stripes[i].lists {
			lists = append(lists, &u.stripes[i].lists[j])
		}
	}
	return encodeEnds(lists, u.r.layout.Precision), nil
}
