package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// eachPanel runs f on panels of many sizes, misaligned and with extreme values.
func eachPanel(t *testing.T, f func(t *testing.T, a, x, c []float64, rows, stride, shift int)) {
	draws := map[string]func(*rand.Rand, int) []float64{"normal": normal[float64], "extreme": extreme[float64]}
	for name, draw := range draws {
		for _, length := range append(ladder(33), 40, 56, 72, 128, 200) {
			for _, rows := range []int{0, 1, 2, 3, 4, 5, 8, 9, 17} {
				for shift := range 3 {
					t.Run(fmt.Sprintf("%s/%dx%d/%d", name, rows, length, shift), func(t *testing.T) {
						rng := rand.New(rand.NewPCG(uint64(length), uint64(rows)))
						stride := length + shift
						f(t, draw(rng, max(0, (rows-1)*stride+length)), draw(rng, length), draw(rng, rows), rows, stride, shift)
					})
				}
			}
		}
	}
}

func TestDotRows(t *testing.T) {
	eachPanel(t, func(t *testing.T, a0, x0, c0 []float64, rows, stride, shift int) {
		if len(x0)%8 != 0 {
			require.Panics(t, func() { DotRows(a0, stride, x0, c0) })
			return
		}
		want := make([]float64, rows)
		for r := range want {
			want[r] = laneDot(a0[r*stride:], x0)
		}
		onEachPath(t, func(t *testing.T) []float64 {
			a, x, out := guard(a0, shift, -3.5), guard(x0, shift, -3.5), guard(c0, shift, -3.5)
			DotRows(a.slice(), stride, x.slice(), out.slice())
			a.unchanged(t, "a")
			x.unchanged(t, "x")
			out.unharmed(t, "out")
			requireSameBits(t, want, out.slice(), "out")
			return out.slice()
		})
	})
}

func TestAddRowMultiples(t *testing.T) { testRowMultiples(t, AddRowMultiples, 1, 2) }

func TestSubtractRowMultiples(t *testing.T) { testRowMultiples(t, SubtractRowMultiples, -1, 1) }

func testRowMultiples(t *testing.T, f func(a []float64, stride int, c, y []float64), sign float64, chains int) {
	eachPanel(t, func(t *testing.T, a0, y0, c0 []float64, rows, stride, shift int) {
		want := append([]float64(nil), y0...)
		for j, y := range y0 {
			sums := [2]float64{y, 0}
			for r, c := range c0 {
				sums[r%chains] = math.FMA(sign*c, a0[r*stride+j], sums[r%chains])
			}
			want[j] = sums[0]
			if chains == 2 && rows > 0 { // no rows leave the sign of a zero
				want[j] += sums[1]
			}
		}
		onEachPath(t, func(t *testing.T) []float64 {
			a, c, y := guard(a0, shift, -3.5), guard(c0, shift, -3.5), guard(y0, shift, -3.5)
			f(a.slice(), stride, c.slice(), y.slice())
			a.unchanged(t, "a")
			c.unchanged(t, "c")
			y.unharmed(t, "y")
			requireSameBits(t, want, y.slice(), "y")
			return y.slice()
		})
	})
}

func TestPanelsRefuse(t *testing.T) {
	a := make([]float64, 24)
	require.Panics(t, func() { DotRows(a, 8, a[:8], a[:4]) })
	require.Panics(t, func() { AddRowMultiples(a, 9, a[:3], a[:8]) })
	require.Panics(t, func() { Rotate(a, a[:23], 1, 0) })
}

func TestRotate(t *testing.T) {
	eachPoles(t, func(t *testing.T, x0, y0 []float64, c, s float64, shift int) {
		var wantX, wantY []float64
		for i := range x0 {
			wantX = append(wantX, float64(c*x0[i])+float64(s*y0[i]))
			wantY = append(wantY, float64(c*y0[i])-float64(s*x0[i]))
		}
		want := append(wantX, wantY...)
		onEachPath(t, func(t *testing.T) []float64 {
			x, y := guard(x0, shift, -3.5), guard(y0, shift, -3.5)
			Rotate(x.slice(), y.slice(), c, s)
			x.unharmed(t, "x")
			y.unharmed(t, "y")
			got := append(append([]float64(nil), x.slice()...), y.slice()...)
			requireSameBits(t, want, got, "x, y")
			return got
		})
	})
}

func BenchmarkDotRows(b *testing.B) {
	const rows, length = 32, 1024
	a, x, out := make([]float64, rows*length), make([]float64, length), make([]float64, rows)
	b.SetBytes(8 * rows * length)
	for b.Loop() {
		DotRows(a, length, x, out)
	}
}

func BenchmarkAddRowMultiples(b *testing.B) {
	const rows, length = 32, 1024
	a, c, y := make([]float64, rows*length), make([]float64, rows), make([]float64, length)
	b.SetBytes(8 * rows * length)
	for b.Loop() {
		AddRowMultiples(a, length, c, y)
	}
}
