package influencetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"sync"

	"github.com/infl-dev/infl/influence"
)

// collector is a strict sink in memory. It reports chosen units as missing, in
// a chosen order, and keeps the scores by query entry and train position.
type collector struct {
	skip    func(unit int64) bool // units that are durable already; nil for none
	reverse bool                  // the last unit first
	onPut   func() error          // called before each tile is taken; nil for nothing

	mu     sync.Mutex
	begun  bool
	ended  bool
	layout influence.Layout
	scores []float64
	times  []uint8
}

func (c *collector) Begin(ctx context.Context, l influence.Layout) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.begun {
		return errors.New("Begin is called twice")
	}
	c.begun, c.layout = true, l
	c.scores, c.times = make([]float64, l.Query*l.Train), make([]uint8, l.Query*l.Train)
	return l.Validate()
}

func (c *collector) Missing() iter.Seq[influence.Range2] {
	var units []influence.Range2
	for u := range c.layout.NumUnits() {
		if !c.skipped(u) {
			units = append(units, c.layout.Unit(u))
		}
	}
	if c.reverse {
		slices.Reverse(units)
	}
	return slices.Values(units)
}

func (c *collector) skipped(unit int64) bool { return c.skip != nil && c.skip(unit) }

func (c *collector) Put(ctx context.Context, t influence.Tile) error {
	if c.onPut != nil {
		if err := c.onPut(); err != nil {
			return err
		}
	}
	if err := t.Validate(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	unit, err := c.layout.UnitOf(t.Range2)
	switch {
	case err != nil:
		return err
	case c.skipped(unit):
		return fmt.Errorf("tile %v is of a unit that is not missing", t.Range2)
	case (t.F64 != nil) != (c.layout.Precision == influence.Float64):
		return fmt.Errorf("tile %v is not in the layout's precision", t.Range2)
	}
	width := t.Query.Len()
	for at := range t.Train.Len() * width {
		v := 0.0
		if t.F64 != nil {
			v = t.F64[at]
		} else {
			v = float64(t.F32[at])
		}
		e, i := t.Query.Lo+at%width, t.Train.Lo+at/width
		if math.IsNaN(v) {
			return fmt.Errorf("the score of query entry %d on train position %d is not a number", e, i)
		}
		c.scores[e*c.layout.Train+i] = v
		c.times[e*c.layout.Train+i]++
	}
	return nil
}

func (c *collector) Commit(context.Context) error {
	c.ended = true
	return nil
}

func (c *collector) Abort() error {
	c.ended = true
	return nil
}

// check returns an error unless every score of the missing units, and no other
// one, came exactly once.
func (c *collector) check() error {
	if !c.begun {
		return errors.New("Begin is not called")
	}
	if c.ended {
		return errors.New("the scorer ends the sink, which is its maker's part")
	}
	for u := range c.layout.NumUnits() {
		want := uint8(1)
		if c.skipped(u) {
			want = 0
		}
		area := c.layout.Unit(u)
		for e := area.Query.Lo; e < area.Query.Hi; e++ {
			for i := area.Train.Lo; i < area.Train.Hi; i++ {
				if got := c.times[e*c.layout.Train+i]; got != want {
					return fmt.Errorf("the score of query entry %d on train position %d comes %d times, not %d", e, i, got, want)
				}
			}
		}
	}
	return nil
}

// bits returns the bit patterns of the scores of a query entry.
func (c *collector) bits(entry int64) []uint64 {
	out := make([]uint64, c.layout.Train)
	for i := range out {
		out[i] = math.Float64bits(c.scores[entry*c.layout.Train+int64(i)])
	}
	return out
}
