package influence

import (
	"context"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
)

// gatherNumbers is how many numbers of listed rows are collected at a time.
const gatherNumbers = 1 << 20

// pieces are vectors, or what they are made of, that come in blocks B.
type pieces[B any] struct {
	numbers float64 // of each vector, on average
	blocks  func(ctx context.Context, lo, hi int64) iter.Seq2[B, error]
	size    func(b *B) int // in vectors
	append  func(to *B, more B)
	clear   func(b *B)
}

// each calls use for the vectors at the positions of area, in order, some at a time; first
// is the position of the first. Listed rows are collected, so that they meet as many
// queries at a time as neighbours do.
func (p pieces[B]) each(ctx context.Context, rows Rows, area Range, use func(first int64, b B) error) error {
	if whole, ok := rows.Contiguous(); ok {
		at := area.Lo
		for b, err := range p.blocks(ctx, whole.Lo+area.Lo, whole.Lo+area.Hi) {
			if err != nil {
				return err
			}
			if err := use(at, b); err != nil {
				return err
			}
			at += int64(p.size(&b))
		}
		return nil
	}
	step := max(1, int64(gatherNumbers/max(1, p.numbers)))
	var all B
	for lo := area.Lo; lo < area.Hi; lo += step {
		p.clear(&all)
		if err := p.gather(ctx, rows, Range{lo, min(lo+step, area.Hi)}, &all); err != nil {
			return err
		}
		if err := use(lo, all); err != nil {
			return err
		}
	}
	return nil
}

// gather adds the vectors at the positions of area to a block. Neighbours are read
// together.
func (p pieces[B]) gather(ctx context.Context, rows Rows, area Range, to *B) error {
	for at := area.Lo; at < area.Hi; {
		end := rows.neighbours(at, area.Hi)
		for b, err := range p.blocks(ctx, rows.At(at), rows.At(end-1)+1) {
			if err != nil {
				return err
			}
			p.append(to, b)
		}
		at = end
	}
	return nil
}

func piecesOf(v Vectors) pieces[dataset.Block] {
	return pieces[dataset.Block]{float64(v.Cols()), v.Blocks, func(b *dataset.Block) int { return b.Rows }, appendBlock, clearBlock}
}

func outerPiecesOf(v OuterSums) pieces[OuterBlock] {
	out, in := v.Shape()
	return pieces[OuterBlock]{v.RowsEach() * float64(out+in), v.OuterBlocks, (*OuterBlock).vectors, (*OuterBlock).append, (*OuterBlock).clear}
}

// eachPiece is each for vectors.
func eachPiece(ctx context.Context, v Vectors, rows Rows, area Range, use func(first int64, b dataset.Block) error) error {
	return piecesOf(v).each(ctx, rows, area, use)
}

// gather collects the vectors at the positions of area into b, whose memory it uses again.
func gather(ctx context.Context, v Vectors, rows Rows, area Range, b *dataset.Block) error {
	clearBlock(b)
	b.Cols = v.Cols()
	return piecesOf(v).gather(ctx, rows, area, b)
}

func appendBlock(b *dataset.Block, more dataset.Block) {
	b.Rows, b.Cols = b.Rows+more.Rows, more.Cols
	b.Float64 = append(b.Float64, more.Float64...)
	b.Float32 = append(b.Float32, more.Float32...)
	b.Half = append(b.Half, more.Half...)
	b.Int8, b.Stride = append(b.Int8, more.Int8...), more.Stride
	b.Scale = append(b.Scale, more.Scale...)
}

// clearBlock leaves the memory of a block.
func clearBlock(b *dataset.Block) {
	*b = dataset.Block{Float64: b.Float64[:0], Float32: b.Float32[:0], Half: b.Half[:0], Int8: b.Int8[:0], Scale: b.Scale[:0]}
}
