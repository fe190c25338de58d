package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// onEachInt8Path is onEachPath, with and without instructions for bytes.
func onEachInt8Path[T any](t *testing.T, f func(t *testing.T) []T) {
	forEachByteSupport(func() { onEachPath(t, f) })
}

// int8Score is the definition of a score, for rows as they are stored.
func int8Score(train Int8Matrix, i int, queries Int8Matrix, j int) float32 {
	var score float32
	for b := range train.blocks() {
		var sum int32
		for l := b * Int8Block; l < min((b+1)*Int8Block, train.Cols); l++ {
			sum += int32(train.Data[i*train.Stride+l]) * int32(queries.Data[j*queries.Stride+l])
		}
		score = fma32(float32(train.scales(i)[b]*queries.scales(j)[b]), float32(sum), score)
	}
	return score
}

func TestInt8Dots(t *testing.T) {
	for _, d := range []int{0, 1, 63, 64, 65, 255, 256, 257, 511, 640, 1000} {
		for _, q := range []int{1, 2, 3, 4, 5, 9, 16, 17, 27} {
			for _, n := range []int{0, 1, 3, 4, 7, 8, 29} {
				t.Run(fmt.Sprintf("%dx%dx%d", n, q, d), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(uint64(d), uint64(10*n+q)))
					train, queries := Quantize(1, heavyRows(rng, n, d)), Quantize(1, heavyRows(rng, q, d))
					x := guard(train.Data, 1, 77)
					train.Data = x.slice()
					onEachInt8Path(t, func(t *testing.T) []float32 {
						out, guarded := guardedMatrix(rng, n, q, 1, 1, normal[float32])
						Int8Dots(2, train, queries, out)
						x.unchanged(t, "train")
						guarded.unharmed(t, "out")
						for i := range n {
							for j := range q {
								requireSameBits(t, []float32{int8Score(train, i, queries, j)}, []float32{out.At(i, j)}, path.String())
							}
						}
						return nil
					})
				})
			}
		}
	}
}

// TestInt8DotsHoldTheLargestSums multiplies rows of the largest magnitudes only.
func TestInt8DotsHoldTheLargestSums(t *testing.T) {
	const n, d = 24, 1024
	m := NewMatrix[float32](n, d)
	for i := range m.Data {
		m.Data[i] = float32(1 - 2*(i/d%2))
	}
	stored, out := Quantize(1, m), NewMatrix[float32](n, n)
	onEachInt8Path(t, func(t *testing.T) []float32 {
		Int8Dots(1, stored, stored, out)
		for i := range n {
			for j := range n {
				require.InDelta(t, float64(d*(1-2*((i+j)%2))), float64(out.At(i, j)), 1e-3)
			}
		}
		return out.Data
	})
}

// TestQuantizeKeepsItsBound holds the stated error of elements.
func TestQuantizeKeepsItsBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, d := range []int{1, 100, 256, 700} {
		m := heavyRows(rng, 20, d)
		for i := range m.Rows {
			scale := float32(math.Ldexp(1, rng.IntN(200)-100))
			for j := range d {
				m.Row(i)[j] *= scale
			}
		}
		q := Quantize(2, m)
		for i := range m.Rows {
			for b, scale := range q.scales(i) {
				part := m.Row(i)[b*Int8Block : min((b+1)*Int8Block, d)]
				most := float64(largest(part))
				require.InEpsilon(t, most/127, float64(scale), 1e-7)
				for l, x := range part {
					got := float64(scale) * float64(q.Data[i*q.Stride+b*Int8Block+l])
					require.InDelta(t, x, got, (0.5+0x1p-16)*most/127)
				}
			}
		}
	}
}

func TestQuantizeSpecialValues(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	q := Quantize(1, MatrixOf([]float32{0, 0, 1, nan, inf, 2, -127, 63.5}, 4, 2))
	require.Zero(t, q.Scale[0])
	require.True(t, q.Scale[1] != q.Scale[1] && q.Scale[2] != q.Scale[2])
	require.Equal(t, []int8{-127, 64}, q.Data[3*q.Stride:][:2]) // ties to even
	out := NewMatrix[float32](4, 1)
	Int8Dots(1, q, Quantize(1, MatrixOf([]float32{1, 1}, 1, 2)), out)
	require.Zero(t, out.Data[0])
	require.True(t, out.Data[1] != out.Data[1] && out.Data[2] != out.Data[2])
}

// TestInt8RanksAsFloat32Does quantizes the queries too, and holds the stated error.
func TestInt8RanksAsFloat32Does(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	const n, d, q = 1000, 1024, 16
	train, queries := heavyRows(rng, n, d), heavyRows(rng, q, d)
	want, got := NewMatrix[float32](n, q), NewMatrix[float32](n, q)
	Dots(2, train, queries, want)
	Int8Dots(2, Quantize(2, train), Quantize(2, queries), got)
	for j := range q {
		require.GreaterOrEqual(t, spearman(column(want, j), column(got, j)), 0.999)
	}
	for i := range 50 {
		var bound float64
		for b := 0; b < d; b += Int8Block {
			x, y := train.Row(i)[b:b+Int8Block], queries.Row(0)[b:b+Int8Block]
			e, f := float64(largest(x))/254, float64(largest(y))/254
			bound += Int8Block * e * f
			for l := range x {
				bound += e*math.Abs(float64(y[l])) + f*math.Abs(float64(x[l]))
			}
		}
		require.InDelta(t, want.At(i, 0), got.At(i, 0), 1.001*bound)
	}
}
