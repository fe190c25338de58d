package influence

import "fmt"

// A Range is the half-open interval [Lo, Hi) of positions.
type Range struct{ Lo, Hi int64 }

// Len returns Hi − Lo.
func (r Range) Len() int64 { return r.Hi - r.Lo }

// Range2 is a block of pairs: the positions Query × the positions Train.
type Range2 struct{ Query, Train Range }

// String prints the block as "query [a, b) × train [c, d)".
func (r Range2) String() string {
	return fmt.Sprintf("query [%d, %d) × train [%d, %d)", r.Query.Lo, r.Query.Hi, r.Train.Lo, r.Train.Hi)
}

// Rows names the rows on one side of a job, in order. It is either a
// contiguous range of row numbers or a list of them; position j of the job is
// row At(j). The zero value has no rows.
//
// A list may be in any order and may repeat a row. Rows keeps the list that it
// is given and never changes it; the caller must not change it either.
type Rows struct {
	r    Range
	list []int64
}

// RowRange returns the rows lo, lo+1, …, hi−1. It has no rows where hi ≤ lo.
func RowRange(lo, hi int64) Rows {
	if hi < lo {
		hi = lo
	}
	return Rows{r: Range{lo, hi}}
}

// RowList returns exactly the rows of list, in its order.
func RowList(list []int64) Rows {
	if list == nil {
		list = []int64{}
	}
	return Rows{list: list}
}

// Len returns the number of positions.
func (r Rows) Len() int64 {
	if r.list != nil {
		return int64(len(r.list))
	}
	return r.r.Len()
}

// At returns the row number at position j, 0 ≤ j < Len.
func (r Rows) At(j int64) int64 {
	if r.list != nil {
		return r.list[j]
	}
	return r.r.Lo + j
}

// neighbours returns the position, at most hi, up to which the row numbers from position
// at on follow each other.
func (r Rows) neighbours(at, hi int64) int64 {
	end := at + 1
	for end < hi && r.At(end) == r.At(end-1)+1 {
		end++
	}
	return end
}

// Contiguous reports the range of row numbers where r is one.
func (r Rows) Contiguous() (Range, bool) { return r.r, r.list == nil }

// Validate returns an error where a row lies outside [0, n).
func (r Rows) Validate(side string, n int64) error {
	check := func(row int64) error {
		if row < 0 || row >= n {
			return fmt.Errorf("%s row %d is outside the table, which has %d rows", side, row, n)
		}
		return nil
	}
	if r.Len() == 0 {
		return nil
	}
	if r.list == nil {
		if err := check(r.r.Lo); err != nil {
			return err
		}
		return check(r.r.Hi - 1)
	}
	for _, row := range r.list {
		if err := check(row); err != nil {
			return err
		}
	}
	return nil
}
