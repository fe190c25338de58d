package influence

import (
	"context"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
)

// inPieces gives vectors in blocks of some rows.
type inPieces struct {
	Vectors
	rows int64
}

func (p inPieces) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		for ; lo < hi; lo += p.rows {
			for b, err := range p.Vectors.Blocks(ctx, lo, min(lo+p.rows, hi)) {
				if !yield(b, err) {
					return
				}
			}
		}
	}
}
