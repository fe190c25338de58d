package influence

import (
	"context"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
)

// OuterSums are vectors that are sums of outer products, the gradients of a linear map:
//
//	vector i = Σ_t outputs[t] ⊗ inputs[t]     over the rows t of example i
//
// and that can be had without forming the products.
type OuterSums interface {
	Vectors

	// RowsEach is how many rows an example has on average; 0 where there are none to be
	// had.
	RowsEach() float64

	// Single reports whether each vector is one outer product.
	Single() bool

	// Shape is how many numbers an output and an input row have.
	Shape() (out, in int)

	// OuterBlocks streams the rows of vectors lo … hi−1, as Blocks does the vectors.
	OuterBlocks(ctx context.Context, lo, hi int64) iter.Seq2[OuterBlock, error]
}

// An OuterBlock is the rows of consecutive vectors, the first of which is First: those of
// vector First + i are Starts[i] … Starts[i+1]−1. Both sides hold float64 or float32.
type OuterBlock struct {
	First           int64
	Starts          []int
	Outputs, Inputs dataset.Block
}

// vectors is how many vectors a block is of.
func (b *OuterBlock) vectors() int { return len(b.Starts) - 1 }

// floatDtype is the type of the numbers of a block that holds float64 or float32.
func floatDtype(b dataset.Block) dataset.Dtype {
	if b.Float64 != nil {
		return dataset.Float64
	}
	return dataset.Float32
}

// append adds the vectors of another block.
func (b *OuterBlock) append(more OuterBlock) {
	if len(b.Starts) == 0 {
		b.Starts = append(b.Starts, 0)
	}
	for _, end := range more.Starts[1:] {
		b.Starts = append(b.Starts, b.Outputs.Rows+end-more.Starts[0])
	}
	appendBlock(&b.Outputs, more.Outputs)
	appendBlock(&b.Inputs, more.Inputs)
}

// clear leaves the memory of a block.
func (b *OuterBlock) clear() {
	b.Starts = b.Starts[:0]
	clearBlock(&b.Outputs)
	clearBlock(&b.Inputs)
}
