package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// syrkByLoops is the definition, level by level.
func syrkByLoops[F Float](x Matrix[F], c Matrix[float64]) {
	for i := range x.Cols {
		for j := range i + 1 {
			var level []float64
			for first := 0; first < x.Rows; first += SumRows {
				var sum F
				for r := first; r < min(x.Rows, first+SumRows); r++ {
					sum = fma(x.At(r, i), x.At(r, j), sum)
				}
				level = append(level, 0+float64(sum))
			}
			for len(level) > 1 {
				var up []float64
				for b := 0; b < len(level); b += 2 {
					if b+1 < len(level) {
						up = append(up, level[b]+level[b+1])
					} else {
						up = append(up, level[b])
					}
				}
				level = up
			}
			if len(level) == 1 {
				c.Data[i*c.Stride+j] += level[0]
			}
			c.Data[j*c.Stride+i] = c.Data[i*c.Stride+j]
		}
	}
}

func testSyrk[F Float](t *testing.T) {
	shapes := [][2]int{{0, 7}, {1, 1}, {5, 2}, {9, 8}, {40, 9}, {3, 33}, {70, 65}, {2, 200}, {800, 40}, {800, 0}, {800, 15}, {SumRows, 7}, {SumRows + 1, 33}, {3*SumRows - 7, 15}, {6*SumRows + 9, 7}, {7*SumRows + 1, 3}}
	for _, shape := range shapes {
		rows, d := shape[0], shape[1]
		for _, draw := range []func(*rand.Rand, int) []F{normal[F], extreme[F]} {
			rng := rand.New(rand.NewPCG(uint64(rows), uint64(d)))
			gx, x := strided(rng, rows, d, 3, 1, draw)
			_, half := strided(rng, d, d, 0, 0, normal[float64])
			gc := guard(normal[float64](rng, max(0, d*(d+2)-2)), 1, gapCanary)
			c := Matrix[float64]{gc.slice(), d, d, d + 2}
			want := append([]float64(nil), gc.kept...)
			for i := range d {
				for j := range d {
					want[i*c.Stride+j] = half.At(max(i, j), min(i, j))
				}
			}
			start := append([]float64(nil), want...)
			syrkByLoops(x, Matrix[float64]{want, d, d, d + 2})
			onEachPath(t, func(t *testing.T) []float64 {
				for _, workers := range []int{1, 3} {
					copy(gc.slice(), start)
					Syrk(workers, x, c)
					gx.unchanged(t, "X")
					gc.unharmed(t, "C")
					requireSameBits(t, want, gc.slice(), fmt.Sprintf("%d rows of %d", rows, d))
				}
				return gc.slice()
			})
		}
	}
}

func TestSyrk(t *testing.T) {
	t.Run("float32", testSyrk[float32])
	t.Run("float64", testSyrk[float64])
}

// TestSyrkOfWideRows crosses columns that are summed at different times.
func TestSyrkOfWideRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	x := MatrixOf(normal[float32](rng, 20*(syrkCols+300)), 20, syrkCols+300)
	want := NewMatrix[float64](x.Cols, x.Cols)
	syrkByLoops(x, want)
	onEachPath(t, func(t *testing.T) []float64 {
		c := NewMatrix[float64](x.Cols, x.Cols)
		Syrk(3, x, c)
		requireSameBits(t, want.Data, c.Data, "C")
		return c.Data
	})
}

// TestSyrkMergesOnTheTree sums aligned ranges of rows apart.
func TestSyrkMergesOnTheTree(t *testing.T) {
	const d = 5
	rng := rand.New(rand.NewPCG(1, 1))
	x := MatrixOf(normal[float32](rng, 7*SumRows*d), 7*SumRows, d)
	part := func(first, blocks int) []float64 {
		c := NewMatrix[float64](d, d)
		Syrk(2, x.Block(first*SumRows, 0, blocks*SumRows, d), c)
		return c.Data
	}
	whole, left, middle, right := part(0, 7), part(0, 4), part(4, 2), part(6, 1)
	for i, v := range whole {
		require.Equal(t, v, left[i]+(middle[i]+right[i]))
	}
}

func TestSyrkRefusesWhatDoesNotFit(t *testing.T) {
	require.Panics(t, func() { Syrk(1, NewMatrix[float32](3, 2), NewMatrix[float64](2, 3)) })
}
