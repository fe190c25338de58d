package influence

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
)

// Split cuts vectors into blocks of so many numbers each, such as the layers whose
// gradients lie one after the other in a row: vector i of block b is a part of vector i
// of v, copied while it is read, in the type that v has. It is an error where a size is
// not positive, where the sizes do not add up to v.Cols, and for int8. One block is v
// itself.
func Split(v Vectors, sizes ...int) ([]Vectors, error) {
	whole := &whole{v}
	var blocks []Vectors
	at := 0
	for _, n := range sizes {
		if n < 1 || n > v.Cols()-at {
			return nil, fmt.Errorf("a block of %d numbers from number %d on does not lie in vectors of %d", n, at, v.Cols())
		}
		blocks = append(blocks, &part{whole, at, at + n})
		at += n
	}
	if at != v.Cols() {
		return nil, fmt.Errorf("blocks of %d numbers do not fill vectors of %d", at, v.Cols())
	}
	if len(blocks) == 1 {
		return []Vectors{v}, nil
	}
	if v.Dtype() == dataset.Int8 {
		return nil, errors.New("rows of int8 are not cut, because their scales are not")
	}
	return blocks, nil
}

// whole is what was split; parts of one whole share it.
type whole struct{ Vectors }

// part is numbers lo … hi−1 of each vector of a whole.
type part struct {
	*whole
	lo, hi int
}

// unsplit returns what the blocks were split from where they are all of it, or nil.
func unsplit(blocks []Vectors) Vectors {
	at := 0
	var all *whole
	for i, b := range blocks {
		p, ok := b.(*part)
		if !ok || p.lo != at || i > 0 && p.whole != all {
			return nil
		}
		all, at = p.whole, p.hi
	}
	if all == nil || at != all.Vectors.Cols() {
		return nil
	}
	return all.Vectors
}

func (p *part) Cols() int { return p.hi - p.lo }

func (p *part) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		var out dataset.Block
		for b, err := range p.Vectors.Blocks(ctx, lo, hi) {
			if err == nil {
				out.First, out.Rows, out.Cols, out.Scale = b.First, b.Rows, p.Cols(), b.Scale
				out.Float64 = cutColumns(out.Float64, b.Float64, b.Cols, p.lo, p.hi)
				out.Float32 = cutColumns(out.Float32, b.Float32, b.Cols, p.lo, p.hi)
				out.Half = cutColumns(out.Half, b.Half, b.Cols, p.lo, p.hi)
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// cutColumns writes numbers lo … hi−1 of each row of x to out, in its memory where
// that suffices.
func cutColumns[T any](out, x []T, cols, lo, hi int) []T {
	out = out[:0]
	for ; len(x) >= cols && cols > 0; x = x[cols:] {
		out = append(out, x[lo:hi]...)
	}
	return out
}
