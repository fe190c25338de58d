package influence

import (
	"context"
	"errors"
	"fmt"

	"github.com/infl-dev/infl/internal/kernel"
)

// A Sweep is several inverses of the curvature of a block, such as those with several
// dampings. It is used from one goroutine at a time.
type Sweep interface {
	// Count is the number of inverses, the same for all blocks.
	Count() int

	// ApplyEach returns what the inverses make of each row: image k of row r is row
	// r·Count + k. Rows may be overwritten.
	ApplyEach(ctx context.Context, rows kernel.Matrix[float64]) (kernel.Matrix[float64], error)

	// Bytes and Operations are those of an [Inverse], for all of them.
	Bytes(vectors int64) int64
	Operations(vectors int64) float64
}

// WithSweeps is [WithInverses] with several inverses for each block: a query row has an
// entry for each of them, in order, and the layout's Output is the inverse's number. Train
// rows are read once for all. Self jobs and norms of train rows are refused.
func WithSweeps(c Checkpoint, sweeps []Sweep, d Description, o CurvatureOptions) (Scorer, error) {
	if len(sweeps) != len(c.Train) || len(sweeps) == 0 {
		return nil, fmt.Errorf("%d blocks of gradients have %d sweeps", len(c.Train), len(sweeps))
	}
	if o.Normalize != AsTheyAre {
		return nil, &UnsupportedError{What: "a norm of train rows under several dampings", Reason: "each has another", Instead: "use one damping"}
	}
	inverses := make([]Inverse, len(sweeps))
	for l, s := range sweeps {
		if s.Count() != sweeps[0].Count() || s.Count() < 1 {
			return nil, fmt.Errorf("block %d has %d inverses, the first has %d", l, s.Count(), sweeps[0].Count())
		}
		inverses[l] = sweepInverse{s}
	}
	made, err := WithInverses(c, inverses, d, o)
	if err != nil {
		return nil, err
	}
	s := made.(*productScorer)
	s.variants = sweeps[0].Count()
	s.noSelf = "each inverse has another number for a row"
	return s, nil
}

// A sweepInverse stands in a factor for the inverses of a sweep.
type sweepInverse struct{ Sweep }

// Apply implements [Inverse]; it is never asked for.
func (s sweepInverse) Apply(context.Context, kernel.Matrix[float64]) error {
	return errors.New("a sweep has several images of a row")
}

// inverted returns what a factor multiplies with train rows: the query rows, or their
// images under its inverse or inverses.
func (f factor) inverted(ctx context.Context, rows kernel.Matrix[float64]) (kernel.Matrix[float64], error) {
	switch v := f.inverse.(type) {
	case nil:
		return rows, nil
	case sweepInverse:
		return v.ApplyEach(ctx, rows)
	default:
		return rows, v.Apply(ctx, rows)
	}
}
