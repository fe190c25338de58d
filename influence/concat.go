package influence

import (
	"context"
	"errors"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
)

// Concat joins blocks of vectors of the same rows: vector i of the result is vector i
// of each block, one after the other. A single block is returned as it is; the rows
// of several are copied while they are read, in float64 where one block has it, else
// in float32. All parts of a [Split] in order are what was split. It is an error where
// the numbers of rows differ.
func Concat(blocks ...Vectors) (Vectors, error) {
	if len(blocks) == 1 {
		return blocks[0], nil
	}
	if whole := unsplit(blocks); whole != nil {
		return whole, nil
	}
	if len(blocks) == 0 {
		return nil, errors.New("there are no vectors to join")
	}
	c := &joined{blocks: blocks, dtype: dataset.Float32}
	for _, b := range blocks {
		if err := sameRows(blocks[0], b); err != nil {
			return nil, err
		}
		c.cols += b.Cols()
		if b.Dtype() == dataset.Float64 {
			c.dtype = dataset.Float64
		}
	}
	return c, nil
}

type joined struct {
	blocks []Vectors
	cols   int
	dtype  dataset.Dtype
}

func (c *joined) Rows() int64          { return c.blocks[0].Rows() }
func (c *joined) Cols() int            { return c.cols }
func (c *joined) Dtype() dataset.Dtype { return c.dtype }

func (c *joined) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		step := max(1, gatherNumbers/int64(c.cols))
		var out dataset.Block
		for ; lo < hi; lo += step {
			err := c.read(ctx, lo, min(lo+step, hi), &out)
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// read writes rows lo … hi−1 to out, in its memory where that suffices.
func (c *joined) read(ctx context.Context, lo, hi int64, out *dataset.Block) error {
	out.First, out.Rows, out.Cols = lo, int(hi-lo), c.cols
	if c.dtype == dataset.Float64 {
		return joinRows(ctx, c, lo, hi, &out.Float64)
	}
	return joinRows(ctx, c, lo, hi, &out.Float32)
}

func joinRows[F float32 | float64](ctx context.Context, c *joined, lo, hi int64, out *[]F) error {
	if need := int(hi-lo) * c.cols; cap(*out) < need {
		*out = make([]F, need)
	} else {
		*out = (*out)[:need]
	}
	var buffer []F
	at := 0
	for _, v := range c.blocks {
		for b, err := range v.Blocks(ctx, lo, hi) {
			if err != nil {
				return err
			}
			m := matrixOf(1, b, v.Dtype(), &buffer)
			for i := range m.Rows {
				copy((*out)[(int(b.First-lo)+i)*c.cols+at:], m.Row(i))
			}
		}
		at += v.Cols()
	}
	return nil
}
