package sink

import (
	"errors"
	"fmt"
	"io"

	"github.com/infl-dev/infl/influence"
)

// self keeps the one score of each train position of a layout with one query
// entry, which stands for the train row itself.
//
// State of a unit: the scores of its train rows in order, little endian.
type self struct{ layout influence.Layout }

func (r *self) name() string { return "self" }

func (r *self) begin(l influence.Layout) error {
	if l.Query != 1 {
		return fmt.Errorf("self-influence has one query entry, not %d", l.Query)
	}
	r.layout = l
	return nil
}

func (r *self) open(unit influence.Range2) (unitState, error) {
	size := r.layout.Precision.Bytes()
	return &selfUnit{first: unit.Train.Lo, size: size, state: make([]byte, unit.Train.Len()*size)}, nil
}

// selfUnit is the unit state of self. Tiles write disjoint parts of it.
type selfUnit struct {
	first, size int64
	state       []byte
}

func (u *selfUnit) add(t influence.Tile) error {
	for i := range t.Train.Len() {
		at := u.state[(t.Train.Lo+i-u.first)*u.size:][:0]
		if t.F64 != nil {
			appendScore(at, t.F64[i], influence.Float64)
		} else {
			appendScore(at, float64(t.F32[i]), influence.Float32)
		}
	}
	return nil
}

func (u *selfUnit) finish() ([]byte, error) { return u.state, nil }

func (r *self) check(unit influence.Range2, state section) error {
	if state.Size() != unit.Train.Len()*r.layout.Precision.Bytes() {
		return errState
	}
	return nil
}

// scores returns the scores of the train positions [lo, hi), which must lie in
// one unit.
func (r *self) scores(from states, reducer int, lo, hi int64) ([]float64, error) {
	size := r.layout.Precision.Bytes()
	u := lo / r.layout.NBlock
	s, err := from.section(u, reducer)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, (hi-lo)*size)
	if _, err := s.ReadAt(buf, (lo-u*r.layout.NBlock)*size); err != nil && err != io.EOF {
		return nil, errors.Join(err, s.Close())
	}
	out := make([]float64, hi-lo)
	for i := range out {
		out[i] = readScore(buf[int64(i)*size:], r.layout.Precision)
	}
	return out, s.Close()
}
