package sink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/zeebo/xxh3"
)

// totalBytes is the stored size of a total: sum, max, min as float64.
const totalBytes = 24

// aggregate keeps the sum, the largest and the smallest score of every train
// position in each lane. Sums are float64 on a fixed tree: the queries of a
// block of QueryBlock rows in order, then blocks pairwise, level by level.
//
// The query range of units and of tiles must begin and end on a multiple of
// QueryBlock query rows or at the end of the job; other ones are refused.
//
// State of a unit, little endian: the highest tree nodes that cover its
// queries, in order; of each node the totals of all train rows, row by row.
//
// Memory of a unit in work: 24 bytes × train rows × lanes × at most
// 2·log2(blocks) nodes, where tiles come in any regular order.
type aggregate struct {
	groups QueryGroups
	layout influence.Layout
	lanes  *lanes
}

func (r *aggregate) name() string {
	h := xxh3.New()
	for _, g := range r.groups.Of {
		_, _ = h.Write(binary.LittleEndian.AppendUint32(nil, uint32(g))) // A hash never fails.
	}
	return fmt.Sprintf("aggregate by %d %016x", len(r.groups.Of), h.Sum64())
}

func (r *aggregate) begin(l influence.Layout) error {
	r.layout = l
	if l.QBlock < l.Query && l.QBlock%r.blockEntries() != 0 {
		return fmt.Errorf("sums over queries need units of a multiple of %d query entries, not %d", r.blockEntries(), l.QBlock)
	}
	var err error
	r.lanes, err = newLanes(r.groups, l)
	return err
}

func (r *aggregate) blockEntries() int64 { return QueryBlock * int64(r.layout.PerRow) }

// blocks returns the blocks of queries of a range of query entries.
func (r *aggregate) blocks(q influence.Range) (lo, hi int64, err error) {
	size := r.blockEntries()
	if q.Lo%size != 0 || q.Hi%size != 0 && q.Hi != r.layout.Query {
		return 0, 0, fmt.Errorf("sums over queries need tiles cut at multiples of %d query entries, not at [%d, %d)", size, q.Lo, q.Hi)
	}
	return q.Lo / size, (q.Hi + size - 1) / size, nil
}

func (r *aggregate) newTree() *tree { return newTree(r.lanes.blocks(), r.lanes.in) }

func (r *aggregate) open(unit influence.Range2) (unitState, error) {
	return &aggregateUnit{r: r, unit: unit, tree: r.newTree()}, nil
}

// aggregateUnit is the unit state of aggregate.
type aggregateUnit struct {
	r    *aggregate
	unit influence.Range2
	mu   sync.Mutex
	tree *tree
}

func (u *aggregateUnit) add(t influence.Tile) error {
	lo, hi, err := u.r.blocks(t.Query)
	if err != nil {
		return err
	}
	for b := lo; b < hi; b++ {
		var s span
		if t.F64 != nil {
			s = blockSpan[float64](u.r, t, b)
		} else {
			s = blockSpan[float32](u.r, t, b)
		}
		u.mu.Lock()
		u.tree.add(node{0, b}, s)
		u.mu.Unlock()
	}
	return nil
}

// blockSpan adds up block b of queries for the rows of a tile.
func blockSpan[F number](r *aggregate, t influence.Tile, b int64) span {
	scores, stride := values[F](t), t.Query.Len()
	first := b * r.blockEntries()
	end := min(first+r.blockEntries(), r.layout.Query)
	lanes := r.lanes.in(node{0, b})
	slots := make([]int32, end-first)
	for e := first; e < end; e++ {
		for l, lane := range lanes {
			if lane == r.lanes.of(e) {
				slots[e-first] = int32(l)
			}
		}
	}
	out := span{t.Train.Lo, t.Train.Hi, make([]kernel.Total, t.Train.Len()*int64(len(lanes)))}
	for i := range out.totals {
		out.totals[i] = kernel.NoScores
	}
	block := kernel.Matrix[F]{Data: scores[first-t.Query.Lo:], Rows: int(t.Train.Len()), Cols: len(slots), Stride: int(stride)}
	if len(lanes) == 1 {
		kernel.AddScores(out.totals, block)
		return out
	}
	for i := range block.Rows {
		totals := out.totals[i*len(lanes):][:len(lanes)]
		for j, v := range block.Row(i) {
			a := &totals[slots[j]]
			*a = a.With(float64(v))
		}
	}
	return out
}

func (u *aggregateUnit) finish() ([]byte, error) {
	lo, hi, err := u.r.blocks(u.unit.Query)
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, n := range u.tree.cover(lo, hi) {
		spans, err := u.tree.take(n, u.unit.Train.Lo, u.unit.Train.Hi)
		if err != nil {
			return nil, err
		}
		for _, s := range spans {
			for _, a := range s.totals {
				out = binary.LittleEndian.AppendUint64(out, math.Float64bits(a.Sum))
				out = binary.LittleEndian.AppendUint64(out, math.Float64bits(a.Max))
				out = binary.LittleEndian.AppendUint64(out, math.Float64bits(a.Min))
			}
		}
	}
	return out, nil
}

func (r *aggregate) check(unit influence.Range2, state section) error {
	lo, hi, err := r.blocks(unit.Query)
	if err != nil {
		return err
	}
	var size int64
	for _, n := range r.newTree().cover(lo, hi) {
		size += unit.Train.Len() * int64(len(r.lanes.in(n))) * totalBytes
	}
	if state.Size() != size {
		return errState
	}
	return nil
}

// sums returns the totals of the train positions [lo, hi), which must lie in one
// column of units, over all queries: row by row, one total per lane in use.
func (r *aggregate) sums(from states, reducer int, lo, hi int64) ([]kernel.Total, error) {
	t := r.newTree()
	for u := range r.layout.NumUnits() {
		unit := r.layout.Unit(u)
		if unit.Train.Lo > lo || hi > unit.Train.Hi {
			continue
		}
		if err := r.addUnit(t, from, reducer, u, lo, hi); err != nil {
			return nil, fmt.Errorf("unit %d: %w", u, err)
		}
	}
	spans, err := t.take(t.root(), lo, hi)
	if err != nil {
		return nil, err
	}
	var out []kernel.Total
	for _, s := range spans {
		out = append(out, s.totals...)
	}
	return out, nil
}

func (r *aggregate) addUnit(t *tree, from states, reducer int, u, lo, hi int64) error {
	unit := r.layout.Unit(u)
	first, end, err := r.blocks(unit.Query)
	if err != nil {
		return err
	}
	s, err := from.section(u, reducer)
	if err != nil {
		return err
	}
	var at int64
	for _, n := range t.cover(first, end) {
		width := int64(len(r.lanes.in(n))) * totalBytes
		buf := make([]byte, (hi-lo)*width)
		if _, err := s.ReadAt(buf, at+(lo-unit.Train.Lo)*width); err != nil && err != io.EOF {
			return errors.Join(err, s.Close())
		}
		t.add(n, span{lo, hi, decodeTotals(buf)})
		at += unit.Train.Len() * width
	}
	return s.Close()
}

func decodeTotals(buf []byte) []kernel.Total {
	out := make([]kernel.Total, len(buf)/totalBytes)
	at := func(i int) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(buf[8*i:])) }
	for i := range out {
		out[i] = kernel.Total{Sum: at(3 * i), Max: at(3*i + 1), Min: at(3*i + 2)}
	}
	return out
}
