package capture

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/durable"
)

// TestWrittenNumbersComeBack compares each number with the batch it was written from.
func TestWrittenNumbersComeBack(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, aManifest(), WriterOptions{ShardBytes: 4000}, 40, 7)
	c, whole := opened(t, dir), aBatch(0, 40)
	require.Equal(t, whole.Offsets["tok"][40], c.RowCount("tok"))
	require.EqualValues(t, 40*9, c.RowCount("conv"))
	key, there := c.Keys().Find("999")
	require.True(t, there)
	require.EqualValues(t, 1, key)
	eachBlock(t, c, 40, nil, func(b *Block) {
		require.Equal(t, whole.IDs, b.IDs)
		require.Equal(t, whole.Loss, b.Loss)
		require.Equal(t, whole.Tokens, b.Tokens)
		require.Equal(t, whole.Indices["table"], b.Indices("table"))
		require.NotContains(t, b.Flagged, true)
		var buffer []float64
		for _, group := range []string{"q", "out"} {
			m, err := Inputs(b, group, false, &buffer)
			require.NoError(t, err)
			require.Equal(t, whole.Inputs[group].F64, m.Data)
		}
		for module, want := range whole.OutputGradients {
			m, err := OutputGradients(b, module, &buffer)
			require.NoError(t, err)
			require.Equal(t, want.F64, m.Data, module)
		}
	})
}

// TestExampleGradientsAreSumsOfOuterProducts compares with loops over the definition.
func TestExampleGradientsAreSumsOfOuterProducts(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, aManifest(), WriterOptions{}, 30, 30)
	c := opened(t, dir)
	eachBlock(t, c, 11, nil, func(b *Block) {
		for _, x := range c.Manifest().Modules {
			var ga, aa, wa []float64
			g, err := OutputGradients(b, x.Name, &ga)
			require.NoError(t, err)
			weights, err := ExampleGradients(1, b, x.Name, &wa)
			require.NoError(t, err)
			input := func(t, j int) float64 {
				if b.Indices(x.InputGroup)[t] == int64(j) {
					return 1
				}
				return 0
			}
			if x.Kind != Embedding {
				a, err := Inputs(b, x.InputGroup, x.Bias, &aa)
				require.NoError(t, err)
				input = a.At
			}
			starts, columns := b.Starts(x.RowSet), int(x.Columns())
			for n := range b.Examples {
				for o := range int(x.Out) {
					for j := range columns {
						var sum float64
						for r := starts[n]; r < starts[n+1]; r++ {
							sum += float64(g.At(r, o) * input(r, j))
						}
						require.InDelta(t, sum, weights.At(n, o*columns+j), 1e-13, x.Name)
					}
				}
			}
		}
	})
}

// TestUnfoldIsAConvolution: with a kernel of ones the patches sum up to a
// convolution computed from the image alone.
func TestUnfoldIsAConvolution(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, aManifest(), WriterOptions{}, 3, 3)
	c, whole := opened(t, dir), aBatch(0, 3)
	x, _ := c.Manifest().Module("conv")
	eachBlock(t, c, 3, []string{"conv"}, func(b *Block) {
		var buffer []float64
		patches, err := Inputs(b, "conv", true, &buffer)
		require.NoError(t, err)
		require.Equal(t, 3*9, patches.Rows)
		for r := range patches.Rows {
			n, oy, ox := r/9, r%9/3, r%3
			i := 0
			for ch := range channels {
				for ky := range 3 {
					for kx := range 2 {
						y, at := 2*oy+ky-1, 3*ox+2*kx-2
						want := 0.0
						if y >= 0 && y < side && at >= 0 && at < side+1 {
							want = whole.Inputs["conv"].F64[((n*channels+ch)*side+y)*(side+1)+at]
						}
						require.Equal(t, want, patches.At(r, i))
						i++
					}
				}
			}
			require.Equal(t, 1.0, patches.At(r, int(x.In)))
		}
	})
}

// TestShardsAndBlocksChangeNothing: the same bits from 1 to 64 shards, in blocks of
// any size, mapped or read.
func TestShardsAndBlocksChangeNothing(t *testing.T) {
	const n = 64
	whole := t.TempDir()
	write(t, whole, aManifest(), WriterOptions{}, n, n)
	want := bits(t, opened(t, whole), n)
	for shards, limit := range map[int]int64{1: 1 << 20, 7: 9 << 10, 64: 1} {
		dir := t.TempDir()
		write(t, dir, aManifest(), WriterOptions{ShardBytes: limit}, n, 5)
		for _, read := range []bool{false, true} {
			c, err := Open(dir, Options{Read: read})
			require.NoError(t, err)
			require.InDelta(t, shards, len(c.Manifest().Shards), 1)
			for _, examples := range []int{0, 1, 10, n} {
				require.Equal(t, want, bits(t, c, examples), "%d shards, blocks of %d", shards, examples)
			}
			require.NoError(t, c.Close())
		}
	}
}

// TestKilledWritersContinue: whenever a writer stops, the next one gives the same
// files, in batches of another size.
func TestKilledWritersContinue(t *testing.T) {
	const n, limit = 20, 3000
	whole := t.TempDir()
	write(t, whole, aManifest(), WriterOptions{ShardBytes: limit}, n, n)
	want := shardFiles(t, whole)
	for stop := range int64(n) {
		dir := t.TempDir()
		w, err := Create(dir, aManifest(), WriterOptions{ShardBytes: limit})
		require.NoError(t, err)
		require.NoError(t, w.Write(aBatch(0, stop)))
		require.NoError(t, os.WriteFile(filepath.Join(dir, shardName(len(w.manifest.Shards))+durable.TempSuffix), []byte("half"), 0o666))
		_, err = Open(dir, Options{})
		require.ErrorIs(t, err, os.ErrNotExist)
		write(t, dir, aManifest(), WriterOptions{ShardBytes: limit}, n, 3)
		require.Equal(t, want, shardFiles(t, dir))
	}
}

// TestWriterRefuses what would make another capture of it.
func TestWriterRefuses(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, aManifest(), WriterOptions{ShardBytes: 1})
	require.NoError(t, err)
	require.NoError(t, w.Write(aBatch(0, 2)))
	other := aManifest()
	other.Model.Fingerprint = "f00"
	_, err = Create(dir, other, WriterOptions{})
	require.ErrorContains(t, err, "was written with another manifest")
	require.NoError(t, w.Write(aBatch(0, 1)))
	require.ErrorContains(t, w.Close(), "the key \"1000\" stands in row 0 and again in row 2")

	dir = t.TempDir()
	write(t, dir, aManifest(), WriterOptions{}, 2, 2)
	_, err = Create(dir, aManifest(), WriterOptions{})
	require.ErrorContains(t, err, "holds a finished capture")

	w, err = Create(t.TempDir(), aManifest(), WriterOptions{})
	require.NoError(t, err)
	require.ErrorContains(t, w.Close(), "nothing was captured")
	for want, spoil := range map[string]func(*Batch){
		"a batch of 3 keys has 2 losses":                  func(b *Batch) { b.Loss = b.Loss[:2] },
		`the offsets of "tok" are not 4 numbers`:          func(b *Batch) { b.Offsets["tok"] = nil },
		`"a/out" holds 0 numbers`:                         func(b *Batch) { delete(b.Inputs, "out") },
		`"g/conv" holds 1 numbers, not 54 for 3 examples`: func(b *Batch) { b.OutputGradients["conv"] = Values{F64: []float64{1}} },
		`"i/table" holds 0 numbers`:                       func(b *Batch) { b.Indices = nil },
		`"a/conv" holds half numbers`:                     func(b *Batch) { b.Inputs["conv"] = Values{Half: make([]uint16, 180)} },
		"is too large":                                    func(b *Batch) { b.Indices["table"][0] = 1 << 40 },
	} {
		b := aBatch(0, 3)
		spoil(&b)
		require.ErrorContains(t, w.Write(b), want)
		var e *dataset.Error
		require.ErrorAs(t, w.Write(b), &e)
	}
}

// TestDtypes writes numbers that each type holds and others that are rounded.
func TestDtypes(t *testing.T) {
	exact := []float64{1, -2.5, 0, math.Copysign(0, -1), 384, 0x1p-14}
	for dtype, third := range map[string]float64{"F64": 1. / 3, "F32": float64(float32(1. / 3)), "BF16": 0x1.56p-2, "F16": 0x1.554p-2} {
		m := NewManifest("train", NewLinear("x", 7, 1, false))
		m.Dtype = dtype
		dir := t.TempDir()
		w, err := Create(dir, m, WriterOptions{})
		require.NoError(t, err)
		require.NoError(t, w.Write(Batch{
			IDs: []int64{1}, Loss: []float64{0},
			Inputs:          map[string]Values{"x": {F64: append(slices.Clone(exact), 1./3)}},
			OutputGradients: map[string]Values{"x": {F32: []float32{1}}},
		}))
		require.NoError(t, w.Close())
		eachBlock(t, opened(t, dir), 1, nil, func(b *Block) {
			var wide []float64
			got, err := Inputs(b, "x", false, &wide)
			require.NoError(t, err)
			require.Equal(t, append(slices.Clone(exact), third), got.Data, dtype)
			require.True(t, math.Signbit(got.Data[3]))
			var narrow []float32
			half, err := Inputs(b, "x", false, &narrow)
			require.NoError(t, err)
			require.Equal(t, float32(third), half.Data[6], dtype)
		})
	}
}

// TestGradsAreStoredAsTheyCome: level grads holds what level rows would form.
func TestGradsAreStoredAsTheyCome(t *testing.T) {
	rows, grads := t.TempDir(), t.TempDir()
	write(t, rows, aManifest(), WriterOptions{}, 9, 9)
	m := aManifest()
	m.Level = Grads
	w, err := Create(grads, m, WriterOptions{ShardBytes: 5000})
	require.NoError(t, err)
	formed := map[string][]float64{}
	eachBlock(t, opened(t, rows), 4, nil, func(b *Block) {
		batch := Batch{IDs: b.IDs, Loss: b.Loss, Gradients: map[string]Values{}}
		for _, x := range m.Modules {
			g, err := ExampleGradients(1, b, x.Name, new([]float64))
			require.NoError(t, err)
			batch.Gradients[x.Name] = Values{F64: g.Data}
			formed[x.Name] = append(formed[x.Name], g.Data...)
		}
		require.NoError(t, w.Write(batch))
	})
	require.NoError(t, w.Close())
	c := opened(t, grads)
	require.Zero(t, c.RowCount("tok"))
	require.EqualValues(t, 9, c.Tokens())
	eachBlock(t, c, 9, nil, func(b *Block) {
		for _, x := range m.Modules {
			g, err := ExampleGradients(1, b, x.Name, new([]float64))
			require.NoError(t, err)
			require.Equal(t, formed[x.Name], g.Data)
			_, err = Inputs(b, x.InputGroup, false, new([]float64))
			require.ErrorContains(t, err, "holds no inputs")
		}
	})
}
