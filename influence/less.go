package influence

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/infl-dev/infl/influence/dataset"
)

// An AdamState is the running means of Adam at a checkpoint: of the gradient and of
// its square, one number for each parameter in the order of the gradients.
type AdamState struct{ Mean, Square []float64 }

// A LessCheckpoint is a checkpoint of training by Adam.
type LessCheckpoint struct {
	Checkpoint
	Adam *AdamState // nil where the train vectors are directions of Adam already
}

// Less returns how far a step of Adam on a train row moves along the gradient of a
// query, as a cosine, over checkpoints with learning rates w_c:
//
//	I(i, q) = Σ_c w_c/Σw · cos(Γ_i, g_q)
//	Γ_i = (0.9·m + 0.1·g_i) / √(0.999·v + 0.001·g_i² + 1e-8)
//
// with Adam's means m and v (Xia, Malladi, Gururangan, Arora and Chen 2024, definition
// 3.1; as in their code the 1e-8 is inside of the root, and nothing is corrected for the
// first steps). Gradients may be projected, where Adam is nil. A task is a group of
// queries: its score is the mean over them, and the best of several counts. A train
// row is not asked about itself: the two sides differ, so self jobs are refused.
func Less(checkpoints []LessCheckpoint, o ProductOptions) (Scorer, error) {
	total := 0.0
	for _, c := range checkpoints {
		total += c.Rate
	}
	if !(total > 0) {
		return nil, errors.New("the learning rates of the checkpoints add up to 0")
	}
	var terms []term
	for i, c := range checkpoints {
		if err := c.validate(); err != nil {
			return nil, fmt.Errorf("checkpoint %d: %w", i, err)
		}
		f, err := c.joined()
		if err != nil {
			return nil, fmt.Errorf("checkpoint %d: %w", i, err)
		}
		if c.Adam != nil {
			if f.train, err = AdamDirections(f.train, *c.Adam); err != nil {
				return nil, fmt.Errorf("checkpoint %d: %w", i, err)
			}
		}
		terms = append(terms, term{weight: c.Rate / total, unit: true, factors: []factor{f}})
	}
	d := lossDescription("less")
	d.Source = "Xia, Malladi, Gururangan, Arora and Chen (2024), LESS, definition 3.1"
	d.Unit = "cosine"
	d.Approximate = []string{"Adam's state does not follow the row", "the gradients of all checkpoints in between are left out"}
	s, err := newProduct(terms, o, d)
	if err != nil {
		return nil, err
	}
	s.noSelf = "the direction of a step of Adam and a gradient are not the same kind of thing"
	return s, nil
}

// AdamDirections returns the steps Γ of [Less] that Adam would make on gradients, in
// float64, which are computed while they are read. The state must have a number for each
// of a gradient's; it is not copied and must not change.
func AdamDirections(gradients Vectors, a AdamState) (Vectors, error) {
	if d := gradients.Cols(); len(a.Mean) != d || len(a.Square) != d {
		return nil, fmt.Errorf("the means of Adam have %d and %d numbers, gradients %d", len(a.Mean), len(a.Square), d)
	}
	return adamDirections{gradients, a}, nil
}

type adamDirections struct {
	Vectors
	state AdamState
}

func (a adamDirections) Dtype() dataset.Dtype { return dataset.Float64 }

func (a adamDirections) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		var buffer, out []float64
		for b, err := range a.Vectors.Blocks(ctx, lo, hi) {
			if err != nil {
				yield(b, err)
				return
			}
			g := matrixOf(1, b, a.Vectors.Dtype(), &buffer)
			out = append(out[:0], g.Data...)
			for i := range g.Rows {
				row := out[i*g.Cols:][:g.Cols]
				for j, x := range row {
					mean := float64(0.9*a.state.Mean[j]) + float64(0.1*x)
					square := float64(0.999*a.state.Square[j]) + float64(0.001*float64(x*x)) + 1e-8
					row[j] = mean / math.Sqrt(square)
				}
			}
			if !yield(dataset.Block{First: b.First, Rows: b.Rows, Cols: b.Cols, Float64: out}, nil) {
				return
			}
		}
	}
}
