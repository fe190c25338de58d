package kernel

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func testPacked[F Float](t *testing.T) {
	shapes := [][3]int{{0, 31, 9}, {1, 1, 1}, {13, 0, 9}, {14, 130, 0}, {61, 31, 9}, {500, 130, 9}, {40, 33, 800}}
	for _, shape := range shapes {
		m, n, k := shape[0], shape[1], shape[2]
		rng := rand.New(rand.NewPCG(uint64(m), uint64(n)))
		ga, a := strided(rng, m, k, 3, 1, normal[F])
		gb, b := strided(rng, n, k, 1, 3, normal[F])
		_, turned := strided(rng, k, n, 0, 0, normal[F])
		for i := range n {
			for l := range k {
				turned.Data[l*n+i] = b.At(i, l)
			}
		}
		want, start := NewMatrix[F](m, n), MatrixOf(normal[F](rng, m*n), m, n)
		GemmNT(1, a, b, want)
		onEachPath(t, func(t *testing.T) []F {
			for _, workers := range []int{1, 3} {
				for what, p := range map[string]*Packed[F]{"NT": PackNT(workers, b), "NN": PackNN(workers, turned)} {
					require.Equal(t, n, p.Cols())
					require.Equal(t, k, p.Depth())
					got := NewMatrix[F](m, n)
					var rows atomic.Int64
					p.EachBlock(workers, a, func(worker, row int, c Matrix[F]) {
						require.Less(t, worker, workers)
						rows.Add(int64(c.Rows))
						for i := range c.Rows {
							copy(got.Row(row+i), c.Row(i))
							clear(c.Row(i))
						}
					})
					require.EqualValues(t, m, rows.Load(), "every row once")
					requireSameBits(t, want.Data, got.Data, fmt.Sprintf("%s %d × %d × %d", what, m, n, k))

					// Added to what was there, as the product itself does.
					sum, direct := append([]F(nil), start.Data...), append([]F(nil), start.Data...)
					p.Add(a, MatrixOf(sum, m, n))
					GemmNT(1, a, b, MatrixOf(direct, m, n))
					requireSameBits(t, direct, sum, what)
				}
				ga.unchanged(t, "A")
				gb.unchanged(t, "B")
			}
			return want.Data
		})
	}
}

func TestPacked(t *testing.T) {
	t.Run("float32", testPacked[float32])
	t.Run("float64", testPacked[float64])
}

func TestPackedRefusesWhatDoesNotFit(t *testing.T) {
	p := PackNT(1, NewMatrix[float32](3, 2))
	require.Panics(t, func() { p.Add(NewMatrix[float32](5, 3), NewMatrix[float32](5, 3)) })
	require.Panics(t, func() { p.Add(NewMatrix[float32](5, 2), NewMatrix[float32](5, 2)) })
	require.Panics(t, func() { p.EachBlock(1, NewMatrix[float32](5, 3), nil) })
}
