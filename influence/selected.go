package influence

import (
	"context"
	"errors"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
)

// errStopped ends a loop whose reader wants no more.
var errStopped = errors.New("stopped")

// selected are listed rows of vectors, in their order.
type selected struct {
	Vectors
	rows Rows
}

func (s selected) Rows() int64 { return s.rows.Len() }

func (s selected) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		err := eachPiece(ctx, s.Vectors, s.rows, Range{lo, hi}, func(first int64, b dataset.Block) error {
			b.First = first
			if !yield(b, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && err != errStopped {
			yield(dataset.Block{}, err)
		}
	}
}
