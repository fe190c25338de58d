package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// guardedMatrix copies rows of width cols, drawn at random, into a guarded slice
// with gap canaries between the rows.
func guardedMatrix[F Float](rng *rand.Rand, rows, cols, gap, shift int, draw func(*rand.Rand, int) []F) (Matrix[F], *guarded[F]) {
	const canary = -12345.678
	stride := cols + gap
	data := make([]F, max(0, rows*stride-gap))
	for i := range data {
		data[i] = canary
	}
	for i := range rows {
		copy(data[i*stride:], draw(rng, cols))
	}
	g := guard(data, shift, canary)
	return Matrix[F]{Data: g.slice(), Rows: rows, Cols: cols, Stride: stride}, g
}

func testDots[F Float](t *testing.T) {
	draws := map[string]func(*rand.Rand, int) []F{"normal": normal[F], "extreme": extreme[F]}
	for name, draw := range draws {
		for _, d := range ladder(64) {
			for _, q := range []int{0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 24} {
				for _, n := range []int{0, 1, 2, 3, 4, 6, 13, 41} {
					t.Run(fmt.Sprintf("%s/%dx%dx%d", name, n, q, d), func(t *testing.T) {
						seed := uint64(d*1000 + q*10 + n)
						onEachPath(t, func(t *testing.T) []F {
							rng := rand.New(rand.NewPCG(seed, 0))
							train, gt := guardedMatrix(rng, n, d, int(seed%3), 1, draw)
							queries, gq := guardedMatrix(rng, q, d, int(seed%4), 3, draw)
							out, gOut := guardedMatrix(rng, n, q, int(seed%2), 5, normal[F])
							Dots(2, train, queries, out)
							gt.unchanged(t, "train")
							gq.unchanged(t, "queries")
							gOut.unharmed(t, "out")
							var all []F
							for i := range n {
								all = append(all, out.Row(i)...)
							}
							return all
						})
					})
				}
			}
		}
	}
}

func TestDots(t *testing.T) {
	t.Run("float32", testDots[float32])
	t.Run("float64", testDots[float64])
}

// TestDotIsWhatItSays compares the twin with the sum that it rounds: the error of
// a chain of d/lanes fused steps and log2(lanes) additions is below
// (d/lanes + 4)·ε/2·Σ|x·y|.
func TestDotIsWhatItSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, d := range ladder(2048) {
		x, y := normal[float32](rng, d), normal[float32](rng, d)
		var sum, size float64
		for i := range x {
			sum += float64(x[i]) * float64(y[i])
			size += math.Abs(float64(x[i]) * float64(y[i]))
		}
		require.InDelta(t, sum, float64(dotGeneric(x, y)), (float64(d)/16+5)*0x1p-24*size, "d = %d", d)
	}
}

// TestDotLanes pins the order of a dot product: 2^24 + 1 is lost in float32, so
// each arrangement below tells one order from another.
func TestDotLanes(t *testing.T) {
	const big = 1 << 24
	one := make([]float32, 33)
	for i := range one {
		one[i] = 1
	}
	x := make([]float32, 33)
	x[0], x[16], x[32] = big, 1, 1 // one lane: each 1 is lost
	require.Equal(t, float32(big), dotGeneric(x, one))
	clear(x)
	x[0], x[1], x[9] = big, 1, 1 // lanes 1 and 9 meet before lane 0
	require.Equal(t, float32(big+2), dotGeneric(x, one))
	clear(x)
	x[0], x[8], x[1] = big, 1, 1 // lane 8 meets lane 0 first
	require.Equal(t, float32(big), dotGeneric(x, one))
}

func testRowDots[F Float](t *testing.T) {
	for _, d := range ladder(64) {
		onEachPath(t, func(t *testing.T) []F {
			rng := rand.New(rand.NewPCG(uint64(d), 0))
			x, gx := guardedMatrix(rng, 9, d, 1, 1, extreme[F])
			y, gy := guardedMatrix(rng, 9, d, 2, 2, normal[F])
			out := guard(normal[F](rng, 9), 1, -12345.678)
			RowDots(2, x, y, out.slice())
			gx.unchanged(t, "x")
			gy.unchanged(t, "y")
			out.unharmed(t, "out")
			for i := range 9 {
				requireSameBits(t, []F{dotGeneric(x.Row(i), y.Row(i))}, out.slice()[i:i+1], "out")
			}
			return out.slice()
		})
	}
}

func TestRowDots(t *testing.T) {
	t.Run("float32", testRowDots[float32])
	t.Run("float64", testRowDots[float64])
}

func TestDotsForAnyNumberOfWorkers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const n, d, q = 1001, 1030, 7
	train, queries := MatrixOf(normal[float32](rng, n*d), n, d), MatrixOf(normal[float32](rng, q*d), q, d)
	want := NewMatrix[float32](n, q)
	Dots(1, train, queries, want)
	for _, workers := range []int{0, 2, 3, 8} {
		got := NewMatrix[float32](n, q)
		Dots(workers, train, queries, got)
		requireSameBits(t, want.Data, got.Data, fmt.Sprint(workers, " workers"))
	}
}

func TestDotsRefuseSizesThatDoNotFit(t *testing.T) {
	m := func(rows, cols int) Matrix[float32] { return NewMatrix[float32](rows, cols) }
	require.Panics(t, func() { Dots(1, m(2, 3), m(4, 2), m(2, 4)) })
	require.Panics(t, func() { Dots(1, m(2, 3), m(4, 3), m(3, 4)) })
	require.Panics(t, func() { Dots(1, m(2, 3), m(4, 3), m(2, 3)) })
	require.Panics(t, func() { RowDots(1, m(2, 3), m(2, 3), make([]float32, 1)) })
}

func BenchmarkDots(b *testing.B) {
	const n, d = 8192, 4096
	rng := rand.New(rand.NewPCG(1, 1))
	train := NewMatrix[float32](n, d)
	for i := range train.Data {
		train.Data[i] = rng.Float32()
	}
	for _, q := range []int{1, 4, 8, 16, 24} {
		b.Run(fmt.Sprint("q=", q), func(b *testing.B) {
			queries, out := MatrixOf(normal[float32](rng, q*d), q, d), NewMatrix[float32](n, q)
			b.SetBytes(4 * n * d)
			for b.Loop() {
				Dots(runtime.GOMAXPROCS(0), train, queries, out)
			}
		})
	}
}
