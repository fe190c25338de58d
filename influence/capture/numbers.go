package capture

import (
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// Inputs returns the inputs of the rows of a group in a block: rows × width numbers,
// and with one a last column of ones, for modules with a bias. Images are unfolded
// into the patches of their convolution, zeros beyond the border. The order of rows
// is that of [Block.Starts].
//
// The numbers are the block's own where they are stored as F and need no column;
// then they must not be written and end with the block. Otherwise they are converted,
// float64 to float32 by rounding, into *buffer, which grows as needed and may be
// used again after the matrix. Embeddings have no such inputs: see [Block.Indices].
func Inputs[F kernel.Float](b *Block, group string, one bool, buffer *[]F) (kernel.Matrix[F], error) {
	values, stored := b.values["a/"+group]
	if !stored {
		return kernel.Matrix[F]{}, problem(b.c.dir, "the block holds no inputs of group %q", group)
	}
	g, _ := b.c.manifest.Group(group)
	width := int(g.Width)
	if g.Layout == NCHWLayout {
		return unfold(values, b.dtype("a/"+group), b.c.manifest.convOf(group), one, buffer), nil
	}
	if own, same := numbersOf[F](values); same && !one {
		return kernel.MatrixOf(own, values.Rows, width), nil
	}
	stride := width
	if one {
		stride++
	}
	m := kernel.MatrixOf(grow(buffer, values.Rows*stride), values.Rows, stride)
	for r := range values.Rows {
		convert(m.Row(r)[:width], values, b.dtype("a/"+group), r*width)
		if one {
			m.Row(r)[width] = 1
		}
	}
	return m, nil
}

// OutputGradients returns the gradients of the outputs of a module in a block, rows ×
// out numbers, on the terms of [Inputs].
func OutputGradients[F kernel.Float](b *Block, module string, buffer *[]F) (kernel.Matrix[F], error) {
	return stored(b, "g/"+module, buffer)
}

// ExampleGradients returns the gradients of a module's weights for each example of a
// block: examples × out·Columns numbers, each row a matrix of out × Columns with the
// bias last, on the terms of [Inputs]. Where rows are stored they are formed,
//
//	G[n] = Σ over t of g[n,t] [a[n,t], 1]ᵀ,
//
// each number as one chain over the example's rows in order, by at most workers
// goroutines. Cost: 2·rows·out·Columns operations.
func ExampleGradients[F kernel.Float](workers int, b *Block, module string, buffer *[]F) (kernel.Matrix[F], error) {
	if !b.c.manifest.HasRows() {
		return stored(b, "G/"+module, buffer)
	}
	var gradients, inputs []F
	g, err := OutputGradients(b, module, &gradients)
	if err != nil {
		return g, err
	}
	x, _ := b.c.manifest.Module(module)
	m := kernel.MatrixOf(grow(buffer, b.Examples*int(x.Out*x.Columns())), b.Examples, int(x.Out*x.Columns()))
	clear(m.Data)
	starts := b.Starts(x.RowSet)
	if x.Kind == Embedding {
		return m, addLookups(b, x, starts, g, m)
	}
	a, err := Inputs(b, x.InputGroup, x.Bias, &inputs)
	if err != nil {
		return a, err
	}
	kernel.OuterSums(workers, starts, g, a, m)
	return m, nil
}

// ProjectedGradients returns the projections of the gradients of a module at level
// projected, one row for each example of a block, on the terms of [Inputs].
func ProjectedGradients[F kernel.Float](b *Block, module string, buffer *[]F) (kernel.Matrix[F], error) {
	return stored(b, "p/"+module, buffer)
}

// addLookups adds the gradients of the rows of an embedding's table.
func addLookups[F kernel.Float](b *Block, x *Module, starts []int, g, m kernel.Matrix[F]) error {
	indices := b.Indices(x.InputGroup)
	for n := range b.Examples {
		row := m.Row(n)
		for t := starts[n]; t < starts[n+1]; t++ {
			i := indices[t]
			if i < 0 || i >= x.In {
				return problem(b.c.dir, "example %d looks up row %d of the %d of %q", b.First+int64(n), i, x.In, x.Name)
			}
			for o, v := range g.Row(t) {
				row[int64(o)*x.In+i] += v
			}
		}
	}
	return nil
}

// Indices returns the inputs of an embedding in a block: the row of its table for
// each row. It is nil where the block holds no such group.
func (b *Block) Indices(group string) []int64 { return b.indices["i/"+group] }

func (b *Block) dtype(tensor string) dataset.Dtype { return b.c.stored[tensor].Dtype() }

// stored returns a tensor's numbers as F.
func stored[F kernel.Float](b *Block, tensor string, buffer *[]F) (kernel.Matrix[F], error) {
	values, there := b.values[tensor]
	if !there {
		return kernel.Matrix[F]{}, problem(b.c.dir, "the block holds no %q", tensor)
	}
	own, same := numbersOf[F](values)
	if !same {
		own = grow(buffer, values.Rows*values.Cols)
		convert(own, values, b.dtype(tensor), 0)
	}
	return kernel.MatrixOf(own, values.Rows, values.Cols), nil
}

// numbersOf returns the numbers of a block where they are stored as F.
func numbersOf[F kernel.Float](values *dataset.Block) ([]F, bool) {
	var own any = values.Float64
	if values.Float64 == nil {
		own = values.Float32
	}
	numbers, same := own.([]F)
	return numbers, same && numbers != nil
}

// convert writes the numbers of a block from number first on as F, as many as dst
// holds.
func convert[F kernel.Float](dst []F, values *dataset.Block, d dataset.Dtype, first int) {
	switch d {
	case dataset.Float64:
		copyAs(dst, values.Float64[first:])
	case dataset.Float32:
		copyAs(dst, values.Float32[first:])
	case dataset.Float16:
		widen[F, kernel.Float16](dst, values.Half[first:])
	default:
		widen[F, kernel.BFloat16](dst, values.Half[first:])
	}
}

func copyAs[F, G kernel.Float](dst []F, src []G) {
	if same, ok := any(src).([]F); ok {
		copy(dst, same)
		return
	}
	for i := range dst {
		dst[i] = F(src[i])
	}
}

// widen converts half numbers, which float32 holds exactly, a chunk at a time.
func widen[F kernel.Float, H kernel.Half](dst []F, bits []uint16) {
	var half [256]H
	var single [256]float32
	for len(dst) > 0 {
		n := min(len(dst), len(half))
		for i := range n {
			half[i] = H(bits[i])
		}
		kernel.Widen(single[:n], half[:n])
		copyAs(dst[:n], single[:n])
		dst, bits = dst[n:], bits[n:]
	}
}

// grow returns n numbers of a buffer, which is made anew where it is too short.
func grow[F kernel.Float](buffer *[]F, n int) []F {
	if len(*buffer) < n {
		*buffer = make([]F, n)
	}
	return (*buffer)[:n:n]
}
