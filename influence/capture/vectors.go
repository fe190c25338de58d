package capture

import (
	"context"
	"iter"
	"math"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// Gradients are the gradients of a module's weights as vectors, one for each example:
// the rows of [ExampleGradients], or of [ProjectedGradients] at level projected, in float64
// or float32. An example that is flagged has the vector NaN, so that nobody ranks it. They
// are an influence.Vectors.
type Gradients struct {
	c       *Capture
	module  *Module
	dtype   dataset.Dtype
	workers int
}

// Gradients returns those of a module, formed in a type by at most workers goroutines.
func (c *Capture) Gradients(module string, d dataset.Dtype, workers int) (*Gradients, error) {
	m, known := c.manifest.Module(module)
	if !known {
		return nil, problem(c.dir, "has no module %q", module)
	}
	if d != dataset.Float64 && d != dataset.Float32 {
		return nil, problem(c.dir, "gradients are not formed in %s", d)
	}
	return &Gradients{c, m, d, max(1, workers)}, nil
}

// Rows returns the number of examples.
func (g *Gradients) Rows() int64 { return g.c.Len() }

// Cols returns the number of weights of the module, biases included, or what they are
// projected to.
func (g *Gradients) Cols() int { return int(g.c.manifest.vectorColumns(g.module)) }

// Dtype returns the type of the vectors.
func (g *Gradients) Dtype() dataset.Dtype { return g.dtype }

// Blocks streams the vectors of examples lo … hi−1, as [Capture.Blocks] does.
func (g *Gradients) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		const blockNumbers = 1 << 21
		o := BlockOptions{Modules: []string{g.module.Name}, Examples: max(1, min(int(g.c.defaultExamples()), blockNumbers/max(1, g.Cols())))}
		var single []float32
		var double []float64
		for b, err := range g.c.Blocks(ctx, lo, hi, o) {
			var out dataset.Block
			if err == nil {
				out = dataset.Block{First: b.First, Rows: b.Examples, Cols: g.Cols()}
				if g.dtype == dataset.Float64 {
					out.Float64, err = vectorsOf(g.workers, b, g.module.Name, &double)
				} else {
					out.Float32, err = vectorsOf(g.workers, b, g.module.Name, &single)
				}
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// RowsEach implements [influence.OuterSums]: nothing where gradients are stored, and where
// the module is an embedding.
func (g *Gradients) RowsEach() float64 {
	n := g.c.Len()
	if !g.c.manifest.HasRows() || g.module.Kind == Embedding || n == 0 {
		return 0
	}
	_, rows := g.c.rowRange(g.module.RowSet, 0, n)
	return float64(rows) / float64(n)
}

// Single implements [influence.OuterSums].
func (g *Gradients) Single() bool {
	return g.RowsEach() > 0 && g.c.manifest.RowSets[g.module.RowSet] == 1
}

// Shape implements [influence.OuterSums].
func (g *Gradients) Shape() (out, in int) { return int(g.module.Out), int(g.module.Columns()) }

// OuterBlocks implements [influence.OuterSums], as [Capture.Blocks] does. The rows of an
// example that is flagged are NaN.
func (g *Gradients) OuterBlocks(ctx context.Context, lo, hi int64) iter.Seq2[influence.OuterBlock, error] {
	return func(yield func(influence.OuterBlock, error) bool) {
		var single [2][]float32
		var double [2][]float64
		for b, err := range g.c.Blocks(ctx, lo, hi, BlockOptions{Modules: []string{g.module.Name}}) {
			var out influence.OuterBlock
			if err == nil {
				out = influence.OuterBlock{First: b.First, Starts: b.Starts(g.module.RowSet)}
				if g.dtype == dataset.Float64 {
					err = rowsOf(b, g.module, &double, &out)
				} else {
					err = rowsOf(b, g.module, &single, &out)
				}
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// rowsOf writes the rows of a module in a block to both sides of out.
func rowsOf[F kernel.Float](b *Block, m *Module, buffers *[2][]F, out *influence.OuterBlock) error {
	inputs, err := Inputs(b, m.InputGroup, m.Bias, &buffers[0])
	if err != nil {
		return err
	}
	outputs, err := OutputGradients(b, m.Name, &buffers[1])
	if err != nil {
		return err
	}
	numbers := outputs.Data
	if slices.Contains(b.Flagged, true) {
		numbers = slices.Clone(numbers)
		for i, flagged := range b.Flagged {
			if flagged && out.Starts[i] < out.Starts[i+1] {
				numbers[out.Starts[i]*outputs.Cols] = F(math.NaN())
			}
		}
	}
	out.Inputs, out.Outputs = sideOf(inputs, inputs.Data), sideOf(outputs, numbers)
	return nil
}

// sideOf returns the numbers of a matrix as a block.
func sideOf[F kernel.Float](m kernel.Matrix[F], numbers []F) dataset.Block {
	b := dataset.Block{Rows: m.Rows, Cols: m.Cols}
	switch numbers := any(numbers).(type) {
	case []float32:
		b.Float32 = numbers
	case []float64:
		b.Float64 = numbers
	}
	return b
}

func vectorsOf[F kernel.Float](workers int, b *Block, module string, buffer *[]F) ([]F, error) {
	var m kernel.Matrix[F]
	var err error
	if b.c.manifest.Level == Projected {
		m, err = ProjectedGradients(b, module, buffer)
	} else {
		m, err = ExampleGradients(workers, b, module, buffer)
	}
	if err != nil || !slices.Contains(b.Flagged, true) {
		return m.Data, err
	}
	return spoil(slices.Clone(m.Data), m.Cols, b.Flagged), nil
}

// spoil makes the vectors of flagged rows NaN.
func spoil[F kernel.Float](numbers []F, cols int, flagged []bool) []F {
	for i, f := range flagged {
		if f {
			numbers[i*cols] = F(math.NaN())
		}
	}
	return numbers
}

// InputRows returns the inputs of a module as vectors, where each example has one row
// of them and nothing needs to be unfolded; nil where that is not so. They lack the 1
// of a bias.
func (c *Capture) InputRows(module string) *dataset.Matrix {
	m, known := c.manifest.Module(module)
	if !known || m.Kind != Linear || !c.single(m) {
		return nil
	}
	return c.stored["a/"+m.InputGroup]
}

// OutputRows returns the gradients of a module's outputs as vectors, where each
// example has one row of them; else nil.
func (c *Capture) OutputRows(module string) *dataset.Matrix {
	m, known := c.manifest.Module(module)
	if !known || !c.single(m) {
		return nil
	}
	return c.stored["g/"+module]
}

// TokenRows returns the inputs of a module and the gradients of its outputs as vectors,
// one for each row of its row set: those of an example lie together, as [Capture.Starts]
// says. The inputs lack the 1 of a bias. Both are nil where rows are not stored, or have
// to be unfolded, and where an example is flagged.
func (c *Capture) TokenRows(module string) (inputs, outputs *dataset.Matrix) {
	m, known := c.manifest.Module(module)
	if !known || m.Kind != Linear || !c.manifest.HasRows() || slices.Contains(c.flagged, true) {
		return nil, nil
	}
	return c.stored["a/"+m.InputGroup], c.stored["g/"+module]
}

// Starts returns where the rows that each example has of a row set begin, and where the
// last one's end: n + 1 numbers.
func (c *Capture) Starts(set string) []int64 {
	out := make([]int64, c.Len()+1)
	for i := range out {
		out[i], _ = c.rowRange(set, int64(i), int64(i))
	}
	return out
}

// single reports whether each example has one row of a module, none of them flagged.
func (c *Capture) single(m *Module) bool {
	return c.manifest.HasRows() && c.manifest.RowSets[m.RowSet] == 1 && !slices.Contains(c.flagged, true)
}
