package influence

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// A LayerShape is how the gradients of a linear layer lie in a vector: Out rows of as
// many numbers as the layer has inputs, and with Bias one more, the bias last.
type LayerShape struct {
	Name string // of the module, as the training program has it
	Out  int
	Bias bool
}

// ProjectBergson returns the gradients of a layer as bergson (EleutherAI, 0.26) projects
// them: for p of kind bergson or bergson-normal and size s, the s × s numbers, row by row,
// of
//
//	L·G·Rᵀ
//
// G being the gradient of the weights without the bias, and L and R the signs or the
// normal numbers over √s that [kernel.Bergson] and [kernel.BergsonNormal] draw for the
// layer's name; so the seed of p means nothing. They
// are made while they are read, in float32. The inner products of what is projected are
// those of G on average. It is an error where the vectors are no such gradients.
//
// Cost of a row: 2·s·(in·out + s·out) operations.
func ProjectBergson(v Vectors, layer LayerShape, p Projection, workers int) (Vectors, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	cols, weights := 0, 0
	if layer.Out > 0 && v.Cols()%layer.Out == 0 {
		cols = v.Cols() / layer.Out
		weights = cols
	}
	if layer.Bias {
		weights--
	}
	if !p.OfLayers() || weights < 1 {
		return nil, fmt.Errorf("%d numbers are no gradients of layer %q with %d outputs, to be projected by %s", v.Cols(), layer.Name, layer.Out, p.Kind)
	}
	t := twoSided{kernel.NewMatrix[float32](p.Size, layer.Out), kernel.NewMatrix[float32](p.Size, weights), cols}
	draw := kernel.Bergson[float32]
	if p.Kind == "bergson-normal" {
		draw = kernel.BergsonNormal
	}
	draw(layer.Name+"/left", kernel.BergsonJL, t.left)
	draw(layer.Name+"/right", kernel.BergsonJL, t.right)
	return projected{v, t, parallel.Workers(workers)}, nil
}

// ProjectLayer is [ProjectBergson] for the kinds that are of layers, and [Project] for the
// others.
func ProjectLayer(v Vectors, layer LayerShape, p Projection, workers int) (Vectors, error) {
	if p.OfLayers() {
		return ProjectBergson(v, layer, p, workers)
	}
	return Project(v, p, workers)
}

// twoSided projects vectors that are matrices G of so many columns to left·G·rightᵀ; it
// leaves out the columns that right does not have.
type twoSided struct {
	left, right kernel.Matrix[float32]
	cols        int
}

func (t twoSided) Size() int { return t.left.Rows * t.right.Rows }

func (t twoSided) Project(workers int, x, out kernel.Matrix[float32]) {
	// The loop has no errors and no end but its own.
	_ = parallel.For(context.Background(), workers, x.Rows, func(_, i int) error {
		g := kernel.MatrixOf(x.Row(i), t.left.Cols, t.cols).Block(0, 0, t.left.Cols, t.right.Cols)
		half := kernel.NewMatrix[float32](g.Rows, t.right.Rows)
		kernel.GemmNT(1, g, t.right, half)
		clear(out.Row(i))
		kernel.GemmNN(1, t.left, half, kernel.MatrixOf(out.Row(i), t.left.Rows, t.right.Rows))
		return nil
	})
}
