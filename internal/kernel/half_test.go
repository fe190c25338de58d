package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
)

// nearestOf rounds by its definition: it looks for the neighbours of x among all
// positive numbers of 16 bits, in order of their bits.
func nearestOf[H Half](positive []float64, x float32) H {
	sign := H(0)
	if math.Signbit(float64(x)) {
		sign = 1 << 15
	}
	v := math.Abs(float64(x))
	last := len(positive) - 1 // infinity, which stands for the next power of two
	i := min(sort.SearchFloat64s(positive, v), last)
	if i == 0 || positive[i] == v {
		return sign | H(i)
	}
	above := positive[i]
	if i == last {
		above = 2*positive[last-1] - positive[last-2]
		if v > above {
			return sign | H(last)
		}
	}
	below := positive[i-1]
	if v-below < above-v || v-below == above-v && i%2 == 1 {
		return sign | H(i-1)
	}
	return sign | H(i)
}

func testNarrow[H Half](t *testing.T) {
	var positive []float64
	for b := 0; b == 0 || !math.IsInf(positive[b-1], 1); b++ {
		positive = append(positive, float64(widenHalfGeneric(H(b))))
	}
	rng := rand.New(rand.NewPCG(1, 2))
	x := extreme[float32](rng, 3000)
	for range 3000 {
		x = append(x, math.Float32frombits(rng.Uint32()))
	}
	// All numbers, what lies half way between neighbours, and what is next to that.
	for i := range len(positive) - 2 {
		middle := float32((positive[i] + positive[i+1]) / 2)
		x = append(x, float32(positive[i]), middle, math.Nextafter32(middle, 0), -math.Nextafter32(middle, 1e38))
	}
	for _, n := range append(ladder(32), len(x)) {
		onEachPath(t, func(t *testing.T) []H {
			src := guard(x[len(x)-n:], 1, -12345.678)
			dst := guard(make([]H, n), 3, 0xBEEF)
			Narrow(dst.slice(), src.slice(), 1)
			src.unchanged(t, "src")
			dst.unharmed(t, "dst")
			for i, v := range src.slice() {
				if v != v {
					require.True(t, math.IsNaN(float64(widenHalfGeneric(dst.slice()[i]))), "NaN")
				} else {
					require.Equal(t, nearestOf[H](positive, v), dst.slice()[i], "%s: %g", path, v)
				}
			}
			return dst.slice()
		})
	}
}

func TestNarrow(t *testing.T) {
	t.Run("float16", testNarrow[Float16])
	t.Run("bfloat16", testNarrow[BFloat16])
}

// TestWidenKnows pins numbers of the two formats that their standards name.
func TestWidenKnows(t *testing.T) {
	for bits, want := range map[Float16]float32{
		0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: 0x1p-14, 0x0001: 0x1p-24, 0x03ff: 1023 * 0x1p-24, 0x3555: 0.33325195, 0x7c00: float32(math.Inf(1)),
	} {
		require.Equal(t, want, widenHalfGeneric(bits))
	}
	for bits, want := range map[BFloat16]float32{0x3f80: 1, 0xc000: -2, 0x7f7f: 0x1.fep127, 0x0080: 0x1p-126, 0x4049: 3.140625, 0xff80: float32(math.Inf(-1))} {
		require.Equal(t, want, widenHalfGeneric(bits))
	}
}

func testWiden[H Half](t *testing.T) {
	src := make([]H, 1<<16)
	for i := range src {
		src[i] = H(i)
	}
	for _, n := range append(ladder(32), len(src)) {
		bitsOnEachPath(t, func(t *testing.T) []float32 {
			in, dst := guard(src[:n], 1, 0xBEEF), guard(make([]float32, n), 1, -12345.678)
			Widen(dst.slice(), in.slice())
			in.unchanged(t, "src")
			dst.unharmed(t, "dst")
			return dst.slice()
		})
	}
}

// bitsOnEachPath is onEachPath with the bits of NaN too.
func bitsOnEachPath(t *testing.T, f func(t *testing.T) []float32) {
	onEachPath(t, func(t *testing.T) []uint32 {
		x := f(t)
		b := make([]uint32, len(x))
		for i := range x {
			b[i] = math.Float32bits(x[i])
		}
		return b
	})
}

func TestWiden(t *testing.T) {
	t.Run("float16", testWiden[Float16])
	t.Run("bfloat16", testWiden[BFloat16])
}

// TestNarrowRowsKeepsItsBound holds the stated error of rows of any size, among
// them heavy tails, denormal numbers and the end of the range.
func TestNarrowRowsKeepsItsBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const n, d = 60, 37
	m := NewMatrix[float32](n, d)
	for i := range n {
		size := rng.IntN(250) - 140
		for j, row := 0, m.Row(i); j < d; j++ {
			row[j] = float32(math.Ldexp(studentT(rng), size))
			if math.IsInf(float64(row[j]), 0) {
				row[j] = math.MaxFloat32
			}
		}
	}
	clear(m.Row(0))
	onEachPath(t, func(t *testing.T) []Float16 {
		h := NarrowRows(2, m)
		for i := range n {
			most := largest(m.Row(i))
			for j, x := range m.Row(i) {
				got := float64(h.Scale[i]) * float64(widenHalfGeneric(h.Data[i*d+j]))
				bound := 0x1p-11*math.Abs(float64(x)) + 0x1p-39*float64(most)
				if most < 0x1p-126 {
					bound += 0x1p-151
				}
				require.InDelta(t, x, got, bound, "row %d with largest %g", i, most)
			}
		}
		require.Equal(t, float32(1), h.Scale[0])
		return h.Data
	})
}

// studentT draws from t with 3 degrees of freedom.
func studentT(rng *rand.Rand) float64 {
	var square float64
	for range 3 {
		x := rng.NormFloat64()
		square += x * x
	}
	return rng.NormFloat64() / math.Sqrt(square/3)
}

func TestNarrowRowsPassesSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	h := NarrowRows(1, MatrixOf([]float32{3, -inf, inf, nan, 0}, 1, 5))
	require.Equal(t, float32(0x1p-13), h.Scale[0])
	require.Equal(t, []Float16{0x7600, 0xfc00, 0x7c00}, h.Data[:3])
	require.True(t, widenHalfGeneric(h.Data[3]) != widenHalfGeneric(h.Data[3]))
	require.Zero(t, h.Data[4])
}

func testHalfDots[H Half](t *testing.T) {
	draws := map[string]func(*rand.Rand, int) []float32{"normal": normal[float32], "extreme": extreme[float32]}
	for name, draw := range draws {
		for _, d := range ladder(64)[1:] {
			for _, q := range []int{1, 3, 7, 8, 13, 24} {
				t.Run(fmt.Sprintf("%s/%dx%d", name, q, d), func(t *testing.T) {
					onEachPath(t, func(t *testing.T) []float32 {
						rng := rand.New(rand.NewPCG(uint64(d), uint64(q)))
						const n = 16
						wide, _ := guardedMatrix(rng, n, d, 2, 0, draw)
						stored := HalfMatrix[H]{Rows: n, Cols: d, Stride: wide.Stride, Scale: normal[float32](rng, n)}
						data := make([]H, len(wide.Data))
						Narrow(data, wide.Data, 1)
						guardedData := guard(data, 1, 0xBEEF)
						stored.Data = guardedData.slice()
						queries, _ := guardedMatrix(rng, q, d, 1, 3, draw)
						out, guardedOut := guardedMatrix(rng, n, q, 1, 1, normal[float32])
						HalfDots(2, stored, queries, out)
						guardedData.unchanged(t, "train")
						guardedOut.unharmed(t, "out")
						for i := range n {
							for j := range q {
								row := make([]float32, d)
								Widen(row, stored.Data[i*stored.Stride:][:d])
								requireSameBits(t, []float32{stored.Scale[i] * dotGeneric(row, queries.Row(j))}, []float32{out.At(i, j)}, path.String())
							}
						}
						return nil
					})
				})
			}
		}
	}
}

func TestHalfDots(t *testing.T) {
	t.Run("float16", testHalfDots[Float16])
	t.Run("bfloat16", testHalfDots[BFloat16])
}

// ranks returns the place of each number in their order.
func ranks(x []float32) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if x[a] < x[b] {
			return -1
		}
		return 1
	})
	r := make([]float64, len(x))
	for place, i := range order {
		r[i] = float64(place)
	}
	return r
}

// spearman is the rank correlation of two lists without ties.
func spearman(x, y []float32) float64 {
	a, b := ranks(x), ranks(y)
	var square float64
	for i := range a {
		square += (a[i] - b[i]) * (a[i] - b[i])
	}
	n := float64(len(a))
	return 1 - 6*square/(n*(n*n-1))
}

// heavyRows draws rows from t with 3 degrees of freedom.
func heavyRows(rng *rand.Rand, n, d int) Matrix[float32] {
	m := NewMatrix[float32](n, d)
	for i := range m.Data {
		m.Data[i] = float32(studentT(rng))
	}
	return m
}

func TestFloat16RanksAsFloat32Does(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const n, d, q = 1000, 512, 4
	train, queries := heavyRows(rng, n, d), heavyRows(rng, q, d)
	want, got := NewMatrix[float32](n, q), NewMatrix[float32](n, q)
	Dots(2, train, queries, want)
	HalfDots(2, NarrowRows(2, train), queries, got)
	for j := range q {
		require.GreaterOrEqual(t, spearman(column(want, j), column(got, j)), 0.9999)
	}
}

func column[F Float](m Matrix[F], j int) []F {
	c := make([]F, m.Rows)
	for i := range c {
		c[i] = m.At(i, j)
	}
	return c
}
