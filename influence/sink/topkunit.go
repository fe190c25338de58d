package sink

import (
	"sync"
	"sync/atomic"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
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

// topStripe holds the lists of some query entries.
type topStripe[F number] struct {
	mu   sync.Mutex
	ends *kernel.Ends[F]
}

func newTopUnit[F number](r *topK, unit influence.Range2) *topUnit[F] {
	entries := int(unit.Query.Len())
	u := &topUnit[F]{r: r, unit: unit, stripes: make([]topStripe[F], (entries+stripeEntries-1)/stripeEntries)}
	high, low := r.ends()
	for i := range u.stripes {
		u.stripes[i].ends = kernel.NewEnds[F](min(stripeEntries, entries-i*stripeEntries), high, low)
	}
	return u
}

func (u *topUnit[F]) add(t influence.Tile) error {
	lo, hi := int(t.Query.Lo-u.unit.Query.Lo), int(t.Query.Hi-u.unit.Query.Lo)
	first, last := lo/stripeEntries, (hi-1)/stripeEntries
	count := last - first + 1
	scores := values[F](t)
	if u.r.candidates != nil {
		scores = masked[F](t, u.r.candidates, int64(u.r.layout.PerRow))
	}
	turn := int(u.turn.Add(1) % int64(count))
	for i := range count {
		stripe := first + (turn+i)%count
		base := stripe * stripeEntries
		from, to := max(lo, base), min(hi, base+stripeEntries)
		u.scan(&u.stripes[stripe], t, scores[from-lo:], from-base, to-from)
	}
	return nil
}

// scan offers the scores of width query entries, which begin a row of the tile's scores
// and are those from list on in the stripe.
func (u *topUnit[F]) scan(s *topStripe[F], t influence.Tile, scores []F, list, width int) {
	rows, stride := int(t.Train.Len()), int(t.Query.Len())
	m := kernel.Matrix[F]{Data: scores, Rows: rows, Cols: width, Stride: stride}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends.Add(list, m, func(i int) int64 { return u.r.train.At(t.Train.Lo + int64(i)) })
}

func (u *topUnit[F]) finish() ([]byte, error) {
	var lists []storedEnds
	for i := range u.stripes {
		e := u.stripes[i].ends
		for q := range e.Queries() {
			lists = append(lists, storedEnds{e.High(q), e.Low(q)})
		}
	}
	return encodeEnds(lists, u.r.layout.Precision), nil
}
