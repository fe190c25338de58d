package sink

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"

	"github.com/infl-dev/infl/influence"
	"github.com/zeebo/xxh3"
)

// A store keeps the states of finished units.
type store interface {
	states

	// begin tells the grid. It fails where units of another grid are held.
	begin(grid uint64, units int64) error

	// done reports whether the unit is held.
	done(unit int64) bool

	// save keeps a unit durably; states[i] belongs to reducer i.
	save(unit int64, states [][]byte) error

	// drop forgets a unit whose state turned out to be damaged.
	drop(unit int64) error
}

// core takes tiles, tracks which part of each unit has come, lets the reducers
// work and saves the full units. It is the common part of all sinks.
type core struct {
	reducers []reducer
	store    store
	train    influence.Rows // for messages
	layout   influence.Layout
	begun    bool

	mu    sync.Mutex
	units map[int64]*unit
}

// unit is a unit in work.
type unit struct {
	area   influence.Range2
	states []unitState

	// Under core.mu.
	claimed []influence.Range2
	pending int64 // scores that are not in the states yet
}

func (c *core) begin(l influence.Layout) error {
	if c.begun {
		return errors.New("the sink has begun already")
	}
	if err := l.Validate(); err != nil {
		return err
	}
	c.layout, c.units, c.begun = l, make(map[int64]*unit), true
	grid := xxh3.HashString(fmt.Sprintf("%d %d %d %d %d %v %v", l.Query, l.Train, l.QBlock, l.NBlock, l.PerRow, l.Precision, l.Output))
	for _, r := range c.reducers {
		if err := r.begin(l); err != nil {
			return err
		}
		grid = xxh3.HashStringSeed(r.name(), grid)
	}
	if err := c.store.begin(grid, l.NumUnits()); err != nil {
		return err
	}
	for u := range l.NumUnits() {
		if c.store.done(u) && !c.sound(u) {
			if err := c.store.drop(u); err != nil {
				return err
			}
		}
	}
	return nil
}

// sound reports whether the reducers accept the states of a finished unit. A
// unit that they do not accept is computed again, so the reason is of no use.
func (c *core) sound(u int64) bool {
	for i, r := range c.reducers {
		s, err := c.store.section(u, i)
		if err != nil {
			return false
		}
		err = errors.Join(r.check(c.layout.Unit(u), s), s.Close())
		if err != nil {
			return false
		}
	}
	return true
}

func (c *core) missing() iter.Seq[influence.Range2] {
	return func(yield func(influence.Range2) bool) {
		if !c.begun {
			return
		}
		for u := range c.layout.NumUnits() {
			if !c.store.done(u) && !yield(c.layout.Unit(u)) {
				return
			}
		}
	}
}

// left returns the number of units that are not done.
func (c *core) left() int64 {
	var n int64
	for range c.missing() {
		n++
	}
	return n
}

// complete returns ErrIncomplete where units are missing.
func (c *core) complete() error {
	if !c.begun {
		return fmt.Errorf("%w: the sink has not begun", influence.ErrIncomplete)
	}
	if n := c.left(); n > 0 {
		return fmt.Errorf("%w: %d of %d units are missing", influence.ErrIncomplete, n, c.layout.NumUnits())
	}
	return nil
}

func (c *core) put(ctx context.Context, t influence.Tile) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !c.begun {
		return errors.New("a tile came before the sink began")
	}
	if err := t.Validate(); err != nil {
		return err
	}
	if (t.F64 != nil) != (c.layout.Precision == influence.Float64) {
		return fmt.Errorf("tile %v is not of the job's precision %v", t.Range2, c.layout.Precision)
	}
	number, err := c.layout.UnitOf(t.Range2)
	if err != nil {
		return err
	}
	if err := c.noNaN(t); err != nil {
		return err
	}
	u, err := c.claim(number, t.Range2)
	if err != nil {
		return err
	}
	for _, s := range u.states {
		if err := s.add(t); err != nil {
			return err
		}
	}
	if !c.fill(u, t.Query.Len()*t.Train.Len()) {
		return nil
	}
	return c.finish(number, u)
}

// noNaN returns an error that names the first NaN of t.
func (c *core) noNaN(t influence.Tile) error {
	at := -1
	for i, v := range t.F32 {
		if v != v {
			at = i
			break
		}
	}
	for i, v := range t.F64 {
		if math.IsNaN(v) {
			at = i
			break
		}
	}
	if at < 0 {
		return nil
	}
	width := t.Query.Len()
	return fmt.Errorf("the score of query entry %d on train row %d is not a number", t.Query.Lo+int64(at)%width, c.train.At(t.Train.Lo+int64(at)/width))
}

// claim marks the area of a tile as taken and returns its unit.
func (c *core) claim(number int64, area influence.Range2) (*unit, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.store.done(number) {
		return nil, fmt.Errorf("tile %v belongs to unit %d, which is complete", area, number)
	}
	u := c.units[number]
	if u == nil {
		u = &unit{area: c.layout.Unit(number)}
		u.pending = u.area.Query.Len() * u.area.Train.Len()
		for _, r := range c.reducers {
			s, err := r.open(u.area)
			if err != nil {
				return nil, err
			}
			u.states = append(u.states, s)
		}
		c.units[number] = u
	}
	var err error
	u.claimed, err = claim(u.claimed, area)
	return u, err
}

// fill counts scores that are in the states, and reports whether these were
// the last ones of the unit.
func (c *core) fill(u *unit, scores int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	u.pending -= scores
	return u.pending == 0
}

func (c *core) finish(number int64, u *unit) error {
	states := make([][]byte, len(u.states))
	for i, s := range u.states {
		var err error
		if states[i], err = s.finish(); err != nil {
			return err
		}
	}
	if err := c.store.save(number, states); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.units, number)
	return nil
}

// claim adds area to the disjoint areas of taken. Areas that fit together are
// joined, so that the list stays short for tiles in any regular order.
func claim(taken []influence.Range2, area influence.Range2) ([]influence.Range2, error) {
	for _, a := range taken {
		if a.Query.Lo < area.Query.Hi && area.Query.Lo < a.Query.Hi && a.Train.Lo < area.Train.Hi && area.Train.Lo < a.Train.Hi {
			return taken, fmt.Errorf("scores of tile %v came before, in %v", area, a)
		}
	}
	for i := 0; i < len(taken); i++ {
		joined, ok := join(taken[i], area)
		if !ok {
			continue
		}
		taken[i] = taken[len(taken)-1]
		taken = taken[:len(taken)-1]
		area, i = joined, -1
	}
	return append(taken, area), nil
}

// join returns the union of two disjoint areas where that is an area.
func join(a, b influence.Range2) (influence.Range2, bool) {
	if a.Query == b.Query {
		r, ok := joinRange(a.Train, b.Train)
		return influence.Range2{Query: a.Query, Train: r}, ok
	}
	if a.Train == b.Train {
		r, ok := joinRange(a.Query, b.Query)
		return influence.Range2{Query: r, Train: a.Train}, ok
	}
	return influence.Range2{}, false
}

func joinRange(a, b influence.Range) (influence.Range, bool) {
	switch {
	case a.Hi == b.Lo:
		return influence.Range{Lo: a.Lo, Hi: b.Hi}, true
	case b.Hi == a.Lo:
		return influence.Range{Lo: b.Lo, Hi: a.Hi}, true
	}
	return influence.Range{}, false
}
