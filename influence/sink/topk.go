package sink

import (
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
)

// topK keeps the ends of the scores of each query entry.
//
// Signed: the k largest scores > 0 and the k smallest < 0; the two never meet.
// Otherwise: the k largest scores of all, and then the k smallest among the
// rest, so that no train position is in both. Ties go to the lower train row.
//
// State of a unit, little endian: for each query entry the lengths of its two
// lists (uint32, uint32); then for each entry its high and its low list as
// pairs of score (float32 or float64) and train row (int64).
//
// Memory of a unit in work: at most entries × 4k × 16 bytes, or 6k unsigned.
type topK struct {
	k      int
	signed bool
	train  influence.Rows
	layout influence.Layout

	candidates Candidates // nil where every train position may come into each list
}

func (r *topK) name() string {
	name := fmt.Sprintf("top %d signed %t", r.k, r.signed)
	if r.candidates != nil {
		name += fmt.Sprintf(" candidates %016x", r.candidates.hash())
	}
	return name
}

func (r *topK) begin(l influence.Layout) error {
	r.layout = l
	return nil
}

// ends returns the empty lists of a query entry, of scores and of negated
// scores. An unsigned low list keeps twice k, since k of them may turn out to be
// in the high list.
func (r *topK) ends() (high, low kernel.Best) {
	if r.signed {
		return kernel.NewBest(r.k, kernel.Positive), kernel.NewBest(r.k, kernel.Positive)
	}
	return kernel.NewBest(r.k, kernel.AnyScore), kernel.NewBest(2*r.k, kernel.AnyScore)
}

func (r *topK) open(unit influence.Range2) (unitState, error) {
	if r.layout.Precision == influence.Float64 {
		return newTopUnit[float64](r, unit), nil
	}
	return newTopUnit[float32](r, unit), nil
}

func (r *topK) sides() (high, low Side) {
	if r.signed {
		return Helpful, Harmful
	}
	return High, Low
}

// merge passes the final lists on, query entry by query entry: side high
// before low, ranks from 1. It holds the lists of one row of units.
func (r *topK) merge(from states, reducer int, queryRow func(entry int64) int64, emit func(Entry) error) error {
	var lists []mergedEnds
	for u := range r.layout.NumUnits() {
		unit := r.layout.Unit(u)
		if unit.Train.Lo == 0 {
			lists = make([]mergedEnds, unit.Query.Len())
			for i := range lists {
				lists[i].high, lists[i].low = r.ends()
			}
		}
		state, err := readSection(from, u, reducer)
		if err != nil {
			return err
		}
		if err := r.decode(state, lists); err != nil {
			return fmt.Errorf("unit %d: %w", u, err)
		}
		if unit.Train.Hi < r.layout.Train {
			continue
		}
		for i := range lists {
			e := Entry{Query: unit.Query.Lo + int64(i), Output: NoOutput}
			e.QueryRow = queryRow(e.Query)
			if r.layout.Output != nil {
				e.Output = r.layout.Output[e.Query]
			}
			if err := r.emit(e, &lists[i], emit); err != nil {
				return err
			}
			lists[i] = mergedEnds{}
		}
	}
	return nil
}

// mergedEnds are the two lists of a query entry over all units.
type mergedEnds struct{ high, low kernel.Best }

func (r *topK) emit(e Entry, lists *mergedEnds, emit func(Entry) error) error {
	high, low := lists.high.Sorted(), lists.low.Sorted()
	if !r.signed {
		low = without(low, high)
		low = low[:min(len(low), r.k)]
	}
	var err error
	e.Side, _ = r.sides()
	for i, c := range high {
		e.TrainRow, e.Score, e.Rank = c.Row, c.Value, int32(i+1)
		if err = emit(e); err != nil {
			return err
		}
	}
	_, e.Side = r.sides()
	for i, c := range low {
		e.TrainRow, e.Score, e.Rank = c.Row, -c.Value, int32(i+1)
		if err = emit(e); err != nil {
			return err
		}
	}
	return nil
}

// without removes from low the positions that are in high. A row that the job
// names several times is removed as often as it is in high.
func without(low, high []kernel.Candidate) []kernel.Candidate {
	if len(low) == 0 || len(high) == 0 || -low[len(low)-1].Value < high[len(high)-1].Value {
		return low
	}
	taken := make(map[int64]int, len(high))
	for _, c := range high {
		taken[c.Row]++
	}
	kept := low[:0]
	for _, c := range low {
		if taken[c.Row] > 0 {
			taken[c.Row]--
			continue
		}
		kept = append(kept, c)
	}
	return kept
}
