package influence

import (
	"context"
	"iter"

	"github.com/infl-dev/infl/influence/dataset"
)

// InFloat32 returns vectors as float32: themselves where they have that type, else
// converted while they are read. Numbers of float64 are rounded; of float16 and bfloat16
// they are exact, but for scales, whose products are rounded.
func InFloat32(v Vectors, workers int) Vectors {
	if v.Dtype() == dataset.Float32 {
		return v
	}
	return single{v, workers}
}

type single struct {
	Vectors
	workers int
}

func (s single) Dtype() dataset.Dtype { return dataset.Float32 }

func (s single) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		var buffer []float32
		for b, err := range s.Vectors.Blocks(ctx, lo, hi) {
			out := dataset.Block{First: b.First, Rows: b.Rows, Cols: b.Cols}
			if err == nil {
				out.Float32 = matrixOf(s.workers, b, s.Vectors.Dtype(), &buffer).Data
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}
