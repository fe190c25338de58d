package influence

import (
	"errors"
	"fmt"
	"iter"
)

// UnitRows is the default number of train rows in a unit of work and of
// resume. It is a multiple of the reduction block of 4,096 rows.
const UnitRows = 65_536

// A Layout is the grid of a job's scores and of its units. It depends on the
// method and on the shape of the job only, never on memory or workers, so that
// a job can be continued on another machine.
type Layout struct {
	Query, Train   int64 // number of query entries and of train positions
	QBlock, NBlock int64 // a unit is QBlock query entries × NBlock train positions
	PerRow         int   // query entries per query row: 1, or K with every output

	// Output holds the output that each query entry is about; nil for a loss
	// and for methods that have none.
	Output []int32

	Precision Precision
}

// Validate lists everything that is wrong with the layout.
func (l Layout) Validate() error {
	var errs []error
	if l.Query < 0 || l.Train < 0 {
		errs = append(errs, fmt.Errorf("layout of %d × %d scores", l.Query, l.Train))
	}
	if l.QBlock <= 0 || l.NBlock <= 0 {
		errs = append(errs, fmt.Errorf("units of %d × %d scores", l.QBlock, l.NBlock))
	}
	if l.PerRow < 1 || l.Query%int64(max(l.PerRow, 1)) != 0 {
		errs = append(errs, fmt.Errorf("%d query entries are not a multiple of %d per row", l.Query, l.PerRow))
	}
	if l.Output != nil && int64(len(l.Output)) != l.Query {
		errs = append(errs, fmt.Errorf("%d outputs named for %d query entries", len(l.Output), l.Query))
	}
	return errors.Join(errs...)
}

// NumUnits returns the number of units; 0 where there is nothing to score.
func (l Layout) NumUnits() int64 {
	return ceilDiv(l.Query, l.QBlock) * ceilDiv(l.Train, l.NBlock)
}

// Unit returns unit u, 0 ≤ u < NumUnits. Units run over the train rows first.
func (l Layout) Unit(u int64) Range2 {
	perQuery := ceilDiv(l.Train, l.NBlock)
	a, b := u/perQuery, u%perQuery
	return Range2{
		Query: Range{a * l.QBlock, min((a+1)*l.QBlock, l.Query)},
		Train: Range{b * l.NBlock, min((b+1)*l.NBlock, l.Train)},
	}
}

// UnitOf returns the number of the unit that holds all of r, and an error
// where r is empty, outside the layout, or reaches over a unit's edge.
func (l Layout) UnitOf(r Range2) (int64, error) {
	if r.Query.Lo < 0 || r.Train.Lo < 0 || r.Query.Len() <= 0 || r.Train.Len() <= 0 || r.Query.Hi > l.Query || r.Train.Hi > l.Train {
		return 0, fmt.Errorf("block %v is not inside the layout of %d × %d", r, l.Query, l.Train)
	}
	a, b := r.Query.Lo/l.QBlock, r.Train.Lo/l.NBlock
	if (r.Query.Hi-1)/l.QBlock != a || (r.Train.Hi-1)/l.NBlock != b {
		return 0, fmt.Errorf("block %v reaches over the edge of a unit", r)
	}
	return a*ceilDiv(l.Train, l.NBlock) + b, nil
}

// Units yields all units in order.
func (l Layout) Units() iter.Seq[Range2] {
	return func(yield func(Range2) bool) {
		for u := range l.NumUnits() {
			if !yield(l.Unit(u)) {
				return
			}
		}
	}
}

func ceilDiv(a, b int64) int64 {
	if a <= 0 {
		return 0
	}
	return (a + b - 1) / b
}
