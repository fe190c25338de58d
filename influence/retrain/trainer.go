package retrain

import (
	"context"
	"fmt"
	"math"
)

// A Change says how a training differs from that with all rows as they are, which is
// the zero value.
type Change struct {
	Removed []int64 // train rows that are left out, ascending

	Relabelled []int64   // train rows with another label, ascending
	Labels     []float64 // the new label of each row of Relabelled

	Seed uint64 // of all that training draws at random; another one is another repeat
}

// An Answer is what a fitted model says of the queries.
type Answer struct {
	Losses  []float64 // of each query; finite
	Classes []int64   // predicted class of each query; nil where the trainer gives none
}

// A Trainer fits a model without some rows, or with other labels, and answers for the
// queries that it knows of.
type Trainer interface {
	// Fit trains on the changed rows. The same change gives the same answer. Fit may be
	// called from several goroutines, keeps nothing of the change and returns soon
	// after ctx ends.
	Fit(ctx context.Context, c Change) (Answer, error)
}

// Validate returns an error where the change is none of n train rows.
func (c Change) Validate(n int64) error {
	for _, list := range []struct {
		what string
		rows []int64
	}{{"removed", c.Removed}, {"relabelled", c.Relabelled}} {
		last := int64(-1)
		for _, row := range list.rows {
			if row <= last || row >= n {
				return fmt.Errorf("%s rows must ascend within 0 … %d; row %d follows %d", list.what, n-1, row, last)
			}
			last = row
		}
	}
	switch {
	case len(c.Labels) != len(c.Relabelled):
		return fmt.Errorf("%d rows have %d new labels", len(c.Relabelled), len(c.Labels))
	case int64(len(c.Removed)) == n:
		return fmt.Errorf("all %d rows are left out", n)
	}
	return nil
}

// Kept returns the rows of n that are not removed, ascending.
func (c Change) Kept(n int64) []int64 {
	out := make([]int64, 0, max(0, n-int64(len(c.Removed))))
	removed := c.Removed
	for row := range n {
		if len(removed) > 0 && removed[0] == row {
			removed = removed[1:]
			continue
		}
		out = append(out, row)
	}
	return out
}

// check returns an error where an answer is none for q queries.
func (a Answer) check(q int) error {
	if len(a.Losses) != q {
		return fmt.Errorf("the trainer gives losses of %d queries; there are scores of %d", len(a.Losses), q)
	}
	if a.Classes != nil && len(a.Classes) != q {
		return fmt.Errorf("the trainer predicts the classes of %d queries; there are scores of %d", len(a.Classes), q)
	}
	for e, loss := range a.Losses {
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return fmt.Errorf("the trainer gives query %d the loss %v", e, loss)
		}
	}
	return nil
}
