package ekfac

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// aModel has three maps of tokens that share their input, two of them with a bias; a map
// of one row for each example; a convolution; and an embedding.
func aModel() capture.Manifest {
	of := func(m capture.Module, rowSet string) capture.Module { m.RowSet = rowSet; return m }
	q, k, v := of(capture.NewLinear("q", 7, 5, true), "tok"), of(capture.NewLinear("k", 7, 6, false), "tok"), of(capture.NewLinear("v", 7, 3, true), "tok")
	k.InputGroup, v.InputGroup = "q", "q"
	conv := capture.Module{
		Name: "conv", Kind: capture.Conv2D, Bias: true, InputGroup: "conv", RowSet: "conv", In: 8, Out: 2, WeightLayout: "out_in", Params: []string{},
		Conv: &capture.Conv{
			Kernel: [2]int64{2, 2}, Stride: [2]int64{1, 1}, Padding: [2]int64{1, 0}, Dilation: [2]int64{1, 1}, Groups: 1,
			InShape: [3]int64{2, 3, 3}, OutShape: [2]int64{4, 2}, PatchOrder: "c,kh,kw",
		},
	}
	table := capture.Module{Name: "table", Kind: capture.Embedding, InputGroup: "table", RowSet: "tok", In: 9, Out: 7, WeightLayout: "in_out", Params: []string{}}
	m := capture.NewManifest("train", table, q, k, v, capture.NewLinear("head", 4, 3, true), conv)
	m.RowSets["tok"], m.Loss.Name = capture.Ragged, "cross_entropy"
	return m
}

// draw writes n examples of a model of random numbers, with up to tokens rows where they
// are ragged, in shards of a size.
func draw(t testing.TB, m capture.Manifest, n, tokens int, shardBytes int64) *capture.Capture {
	t.Helper()
	dir := t.TempDir()
	w, err := capture.Create(dir, m, capture.WriterOptions{ShardBytes: shardBytes})
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		rows := rng.Int64N(int64(tokens) + 1)
		b := capture.Batch{
			IDs: []int64{int64(i)}, Loss: []float64{rng.Float64()}, Offsets: map[string][]int64{"tok": {0, rows}},
			Inputs: map[string]capture.Values{}, OutputGradients: map[string]capture.Values{}, Indices: map[string][]int64{},
		}
		rowsOf := func(set string) int64 {
			if m.RowSets[set] == capture.Ragged {
				return rows
			}
			return int64(m.RowSets[set])
		}
		for _, g := range m.InputGroups {
			switch g.Layout {
			case capture.IndicesLayout:
				b.Indices[g.Name] = make([]int64, rows)
			case capture.NCHWLayout:
				b.Inputs[g.Name] = normals(rng, 18)
			default:
				b.Inputs[g.Name] = normals(rng, rowsOf(g.RowSet)*g.Width)
			}
		}
		for _, x := range m.Modules {
			b.OutputGradients[x.Name] = normals(rng, rowsOf(x.RowSet)*x.Out)
		}
		require.NoError(t, w.Write(b))
	}
	require.NoError(t, w.Close())
	return openCapture(t, dir)
}

func normals(rng *rand.Rand, n int64) capture.Values {
	x := make([]float64, n)
	for i := range x {
		x[i] = 0.3 + rng.NormFloat64()
	}
	return capture.Values{F64: x}
}

// TestDefinition compares factors with loops over the rows.
func TestDefinition(t *testing.T) {
	c := draw(t, aModel(), 150, 40, 20_000)
	for _, o := range []FitOptions{{}, {Sharing: Reduce}, {Blocks: 2}, {RowsMax: 65}, {Method: KFAC}} {
		for _, o.Float64 = range []bool{true, false} {
			t.Run(fmt.Sprintf("%s blocks %d rows %d %s float64 %v", o.Sharing, o.Blocks, o.RowsMax, o.Method, o.Float64), func(t *testing.T) {
				f, err := Fit(t.Context(), c, o)
				require.NoError(t, err)
				require.Len(t, f.Modules(), 5)
				for _, m := range f.Modules() {
					compare(t, c, f, m, o)
				}
			})
		}
	}
}

// compare checks the factors of a module.
func compare(t *testing.T, c *capture.Capture, f *Factors, m Module, o FitOptions) {
	tolerance := 1e-5
	if o.Float64 {
		tolerance = 1e-12
	}
	n := int(c.Len())
	if o.RowsMax > 0 {
		n = int(o.RowsMax)
	}
	var a, g [][][]float64 // by example
	for b, err := range c.Blocks(t.Context(), 0, c.Len(), capture.BlockOptions{Examples: int(c.Len())}) {
		require.NoError(t, err)
		var buffer []float64
		inputs, err := capture.Inputs(b, m.InputGroup, m.Bias, &buffer)
		require.NoError(t, err)
		a = byExample(inputs, b.Starts(m.RowSet))[:n]
		buffer = nil
		outputs, err := capture.OutputGradients(b, m.Name, &buffer)
		require.NoError(t, err)
		g = byExample(outputs, b.Starts(m.RowSet))[:n]
	}
	rows := 0
	for i := range a {
		rows += len(a[i])
	}
	if o.Sharing == Reduce {
		rows = n
	}
	require.EqualValues(t, rows, m.Rows, m.Name)
	require.EqualValues(t, n, m.Examples)
	checkFactor(t, f, inputFactor(&m), a, o, tolerance)
	checkFactor(t, f, outputFactor(&m), g, o, tolerance)
	if o.Method == KFAC {
		require.False(t, f.tensors.has(lambdaMatrix, m.Name))
		return
	}
	in, err := f.tensors.matrix(inputVectors, m.Inputs)
	require.NoError(t, err)
	out, err := f.tensors.matrix(outputVectors, m.Name)
	require.NoError(t, err)
	want := kernel.NewMatrix[float64](out.Rows, in.Rows)
	for i := range a {
		gradient := kernel.NewMatrix[float64](out.Rows, in.Rows)
		for r := range a[i] {
			addOuter(gradient, g[i][r], a[i][r])
		}
		for j, v := range product(product(transposed(out), gradient), in).Data {
			want.Data[j] += v * v
		}
	}
	got, err := f.tensors.matrix(lambdaMatrix, m.Name)
	require.NoError(t, err)
	assertClose(t, want.Data, got.Data, tolerance)
}

// checkFactor checks a covariance and its eigenbasis.
func checkFactor(t *testing.T, f *Factors, x factor, examples [][][]float64, o FitOptions, tolerance float64) {
	want := kernel.NewMatrix[float64](x.size, x.size)
	for _, rows := range examples {
		if o.Sharing == Reduce {
			rows = [][]float64{reduced(rows, x)}
		}
		for _, r := range rows {
			addOuter(want, r, r)
		}
	}
	if half := x.size / 2; o.Blocks == 2 {
		for i := range half {
			for j := half; j < x.size; j++ {
				want.Row(i)[j], want.Row(j)[i] = 0, 0
			}
		}
	}
	got, err := f.tensors.matrix(x.covariance, x.key)
	require.NoError(t, err)
	assertClose(t, want.Data, got.Data, tolerance)
	q, err := f.tensors.matrix(x.vectors, x.key)
	require.NoError(t, err)
	values, err := f.tensors.matrix(x.values, x.key)
	require.NoError(t, err)
	scaled := kernel.NewMatrix[float64](x.size, x.size)
	for i := range x.size {
		for j := range x.size {
			scaled.Row(i)[j] = q.At(i, j) * values.Data[j] * float64(x.module.Rows)
		}
	}
	assertClose(t, got.Data, product(scaled, transposed(q)).Data, 1e-13)
	identity := kernel.NewMatrix[float64](x.size, x.size)
	for i := range x.size {
		identity.Row(i)[i] = 1
	}
	assertClose(t, identity.Data, product(q, transposed(q)).Data, 1e-13)
	if half := x.size / 2; o.Blocks == 2 {
		require.Zero(t, q.At(0, half))
		require.Zero(t, q.At(half, 0))
	}
}

// reduced is the one row that an example has.
func reduced(rows [][]float64, x factor) []float64 {
	out := make([]float64, x.size)
	for _, r := range rows {
		for j, v := range r {
			out[j] += v
		}
	}
	for j := range out {
		if x.inputs && len(rows) > 0 {
			out[j] /= float64(len(rows))
		}
	}
	return out
}

func byExample(m kernel.Matrix[float64], starts []int) (examples [][][]float64) {
	for i := range len(starts) - 1 {
		var rows [][]float64
		for r := starts[i]; r < starts[i+1]; r++ {
			rows = append(rows, append([]float64{}, m.Row(r)...))
		}
		examples = append(examples, rows)
	}
	return examples
}

func addOuter(to kernel.Matrix[float64], x, y []float64) {
	for i, v := range x {
		for j, w := range y {
			to.Row(i)[j] += v * w
		}
	}
}

// TestWideModules has few rows for modules that are wide, which are rotated before their
// gradients are formed, in batches of examples and one by one.
func TestWideModules(t *testing.T) {
	narrow, wide := capture.NewLinear("narrow", 60, 50, true), capture.NewLinear("wide", 800, 700, false)
	narrow.RowSet, wide.RowSet = "tok", "tok"
	m := capture.NewManifest("train", narrow, wide)
	m.RowSets["tok"] = capture.Ragged
	c := draw(t, m, 6, 3, 0)
	for _, o := range []FitOptions{{}, {Float64: true}} {
		f, err := Fit(t.Context(), c, o)
		require.NoError(t, err)
		for _, m := range f.Modules() {
			compare(t, c, f, m, o)
		}
	}
}

// TestManyRows has more rows than a leaf, for examples of one row and of several.
func TestManyRows(t *testing.T) {
	tokens := capture.NewLinear("tokens", 3, 2, true)
	tokens.RowSet = "tok"
	m := capture.NewManifest("train", tokens, capture.NewLinear("one", 2, 3, true))
	m.RowSets["tok"] = capture.Ragged
	c := draw(t, m, 9000, 300, 1<<20)
	f, err := Fit(t.Context(), c, FitOptions{})
	require.NoError(t, err)
	for _, m := range f.Modules() {
		compare(t, c, f, m, FitOptions{})
		for _, change := range []*float64{m.Changes.Inputs, m.Changes.Outputs, m.Changes.Lambda} {
			require.NotNil(t, change)
			require.Less(t, *change, 0.1)
		}
	}
}

// TestDiagonal compares with the squares of formed gradients, which a capture may hold in
// place of rows.
func TestDiagonal(t *testing.T) {
	rows := draw(t, aModel(), 150, 40, 20_000)
	m := *rows.Manifest()
	m.Level = capture.Grads
	dir := t.TempDir()
	w, err := capture.Create(dir, m, capture.WriterOptions{})
	require.NoError(t, err)
	b := capture.Batch{Gradients: map[string]capture.Values{}}
	for i := range rows.Len() {
		b.IDs, b.Loss = append(b.IDs, i), append(b.Loss, 0)
	}
	for _, x := range m.Modules {
		b.Gradients[x.Name] = capture.Values{F64: gradients(t, rows, x.Name).Data}
	}
	require.NoError(t, w.Write(b))
	require.NoError(t, w.Close())
	grads := openCapture(t, dir)
	for _, c := range []*capture.Capture{rows, grads} {
		f, err := Fit(t.Context(), c, FitOptions{Method: Diagonal})
		require.NoError(t, err)
		for _, m := range f.Modules() {
			g := gradients(t, rows, m.Name)
			want := make([]float64, g.Cols)
			for n := range g.Rows {
				for j, v := range g.Row(n) {
					want[j] += v * v
				}
			}
			got, err := f.tensors.matrix(lambdaMatrix, m.Name)
			require.NoError(t, err)
			assertClose(t, want, got.Data, 1e-5)
		}
	}
	_, err = Fit(t.Context(), grads, FitOptions{})
	require.ErrorContains(t, err, "is a capture of level grads; factors are made of rows, level rows or last_layer")
}

// TestExpectation compares with a loop over the labels of each row.
func TestExpectation(t *testing.T) {
	const classes, width = 4, 3
	x := capture.NewLinear("head", width, classes, true)
	x.RowSet = "tok"
	m := capture.NewManifest("train", x)
	m.RowSets["tok"], m.Loss.Name, m.Dtype = capture.Ragged, "cross_entropy", "F64"
	dir := t.TempDir()
	w, err := capture.Create(dir, m, capture.WriterOptions{})
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(3, 4))
	var chances, inputs [][]float64
	for i := range 90 {
		b := capture.Batch{IDs: []int64{int64(i)}, Loss: []float64{1}, Offsets: map[string][]int64{"tok": {0, int64(i % 4)}}}
		var a, g []float64
		for range i % 4 {
			p, sum := make([]float64, classes), 0.0
			for c := range p {
				p[c] = rng.ExpFloat64()
				sum += p[c]
			}
			slope := make([]float64, classes)
			for c := range p {
				p[c] /= sum
				slope[c] = p[c]
			}
			slope[rng.IntN(classes)]--
			row := normals(rng, width).F64
			a, g = append(a, row...), append(g, slope...)
			chances, inputs = append(chances, p), append(inputs, append(row, 1))
		}
		b.Inputs = map[string]capture.Values{"head": {F64: a}}
		b.OutputGradients = map[string]capture.Values{"head": {F64: g}}
		require.NoError(t, w.Write(b))
	}
	require.NoError(t, w.Close())
	f, err := Fit(t.Context(), openCapture(t, dir), FitOptions{Labels: ExactLabels})
	require.NoError(t, err)
	in, err := f.tensors.matrix(inputVectors, "head")
	require.NoError(t, err)
	out, err := f.tensors.matrix(outputVectors, "head")
	require.NoError(t, err)
	covariance, lambda := kernel.NewMatrix[float64](classes, classes), kernel.NewMatrix[float64](classes, width+1)
	for r, p := range chances {
		for c := range p {
			slope := append([]float64{}, p...)
			slope[c]--
			gradient := kernel.NewMatrix[float64](classes, width+1)
			addOuter(gradient, slope, inputs[r])
			for j, v := range product(product(transposed(out), gradient), in).Data {
				lambda.Data[j] += p[c] * v * v
			}
			for i, v := range slope {
				for j, u := range slope {
					covariance.Row(i)[j] += p[c] * v * u
				}
			}
		}
	}
	got, err := f.tensors.matrix(outputCovariance, "head")
	require.NoError(t, err)
	assertClose(t, covariance.Data, got.Data, 1e-12)
	got, err = f.tensors.matrix(lambdaMatrix, "head")
	require.NoError(t, err)
	assertClose(t, lambda.Data, got.Data, 1e-12)
}
