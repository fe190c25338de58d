package capture

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/infl-dev/infl/internal/durable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Sizes of the model of these tests: a table of words, three linear maps over tokens
// of which two share their input, and a convolution.
const (
	words, width, hidden = 7, 3, 4
	channels, side       = 2, 5
)

// aManifest tells of that model.
func aManifest() Manifest {
	of := func(m Module) Module { m.RowSet = "tok"; return m }
	table := Module{Name: "table", Kind: Embedding, InputGroup: "table", RowSet: "tok", In: words, Out: width, WeightLayout: "in_out", Params: []string{}}
	q, k := of(NewLinear("q", width, hidden, true)), of(NewLinear("k", width, hidden, false))
	k.InputGroup = "q"
	conv := Module{
		Name: "conv", Kind: Conv2D, Bias: true, InputGroup: "conv", RowSet: "conv", In: channels * 6, Out: 2, WeightLayout: "out_in", Params: []string{},
		Conv: &Conv{
			Kernel: [2]int64{3, 2}, Stride: [2]int64{2, 3}, Padding: [2]int64{1, 2}, Dilation: [2]int64{1, 2}, Groups: 1,
			InShape: [3]int64{channels, side, side + 1}, OutShape: [2]int64{3, 3}, PatchOrder: "c,kh,kw",
		},
	}
	m := NewManifest("train", table, q, k, of(NewLinear("out", hidden, words, true)), conv)
	m.RowSets["tok"] = Ragged
	m.Dtype = "F64"
	return m
}

// aBatch draws examples first … first+n−1 of that model: the same numbers in whatever
// batches they come. Some examples have no token.
func aBatch(first, n int64) Batch {
	b := Batch{
		Offsets: map[string][]int64{"tok": {0}}, Indices: map[string][]int64{"table": {}},
		Inputs: map[string]Values{}, OutputGradients: map[string]Values{},
	}
	for i := first; i < first+n; i++ {
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		tokens := rng.Int64N(4)
		b.IDs, b.Loss, b.Tokens = append(b.IDs, 1000-i), append(b.Loss, rng.Float64()), append(b.Tokens, tokens)
		b.Offsets["tok"] = append(b.Offsets["tok"], b.Offsets["tok"][len(b.Offsets["tok"])-1]+tokens)
		for range tokens {
			b.Indices["table"] = append(b.Indices["table"], rng.Int64N(words))
		}
		draw := func(to map[string]Values, name string, numbers int64) {
			v := to[name]
			for range numbers {
				v.F64 = append(v.F64, rng.NormFloat64())
			}
			to[name] = v
		}
		draw(b.Inputs, "q", tokens*width)
		draw(b.Inputs, "out", tokens*hidden)
		draw(b.Inputs, "conv", channels*side*(side+1))
		draw(b.OutputGradients, "table", tokens*width)
		draw(b.OutputGradients, "q", tokens*hidden)
		draw(b.OutputGradients, "k", tokens*hidden)
		draw(b.OutputGradients, "out", tokens*words)
		draw(b.OutputGradients, "conv", 2*9)
	}
	return b
}

// write writes n examples in batches of a size.
func write(t testing.TB, dir string, m Manifest, o WriterOptions, n, batch int64) {
	t.Helper()
	w, err := Create(dir, m, o)
	require.NoError(t, err)
	for at := w.Finished(); at < n; at += batch {
		require.NoError(t, w.Write(aBatch(at, min(batch, n-at))))
	}
	require.NoError(t, w.Close())
}

// bits are the bits of all that a capture gives in blocks of some examples, by what
// they are of.
func bits(t *testing.T, c *Capture, examples int) map[string][]uint64 {
	t.Helper()
	out := map[string][]uint64{}
	add := func(of string, x ...float64) {
		for _, v := range x {
			out[of] = append(out[of], math.Float64bits(v))
		}
	}
	eachBlock(t, c, examples, nil, func(b *Block) {
		for i := range b.Examples {
			add("example", float64(b.IDs[i]), b.Loss[i], float64(b.Tokens[i]))
		}
		for _, x := range c.Manifest().Modules {
			for _, v := range b.Indices(x.InputGroup) {
				add("i "+x.Name, float64(v))
			}
			var buffer []float64
			if x.Kind != Embedding {
				m, err := Inputs(b, x.InputGroup, x.Bias, &buffer)
				require.NoError(t, err)
				add("a "+x.Name, m.Data...)
			}
			m, err := OutputGradients(b, x.Name, &buffer)
			require.NoError(t, err)
			add("g "+x.Name, m.Data...)
			m, err = ExampleGradients(2, b, x.Name, &buffer)
			require.NoError(t, err)
			add("G "+x.Name, m.Data...)
		}
	})
	return out
}

func opened(t testing.TB, dir string) *Capture {
	t.Helper()
	c, err := Open(dir, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// shardFiles returns the content of the shards of a folder by name.
func shardFiles(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, name := range names {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		require.False(t, strings.HasSuffix(name, durable.TempSuffix))
		out[filepath.Base(name)] = string(b)
	}
	return out
}
