package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// laneDot is the dot product as DotRows defines it.
func laneDot(a, x []float64) float64 {
	l := make([]float64, 8)
	for j := range x {
		l[j%8] = math.FMA(a[j], x[j], l[j%8])
	}
	return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]))
}

func TestSymvLower(t *testing.T) {
	draws := map[string]func(*rand.Rand, int) []float64{"normal": normal[float64], "extreme": extreme[float64]}
	for name, draw := range draws {
		for _, n := range []int{8, 16, 24, 64, 72, 136} {
			for _, from := range []int{0, 8, n - 8} {
				for shift := range 3 {
					t.Run(fmt.Sprintf("%s/%d/%d/%d", name, n, from, shift), func(t *testing.T) {
						rng := rand.New(rand.NewPCG(uint64(n), uint64(from)))
						stride := n + shift
						lo := max(from, n/16*8)
						a, x0, y0 := draw(rng, (n-1)*stride+n), draw(rng, n), draw(rng, n)
						want := append([]float64(nil), y0...)
						for i := lo; i < n; i++ {
							want[i] += laneDot(a[i*stride+from:][:i/8*8+8-from], x0[from:i/8*8+8])
							for j := from; j < i/8*8; j++ {
								want[j] = math.FMA(a[i*stride+j], x0[i], want[j])
							}
						}
						onEachPath(t, func(t *testing.T) []float64 {
							m, x, y := guard(a, shift, -3.5), guard(x0, shift, -3.5), guard(y0, shift, -3.5)
							SymvLower(m.slice(), stride, from, lo, n, x.slice(), y.slice())
							m.unchanged(t, "a")
							x.unchanged(t, "x")
							y.unharmed(t, "y")
							requireSameBits(t, want, y.slice(), "y")
							return y.slice()
						})
					})
				}
			}
		}
	}
}

// TestSymvLowerIsTheWholeProduct splits the rows and compares with the sum over
// the symmetric matrix.
func TestSymvLowerIsTheWholeProduct(t *testing.T) {
	const n, from = 64, 8
	rng := rand.New(rand.NewPCG(1, 2))
	a, x, y := normal[float64](rng, n*n), normal[float64](rng, n), make([]float64, n)
	for i := range n {
		for j := range i {
			a[j*n+i] = a[i*n+j]
		}
	}
	SymvLower(a, n, from, from, 32, x, y)
	SymvLower(a, n, from, 32, n, x, y)
	for i := from; i < n; i++ {
		want := 0.0
		for j := from; j < n; j++ {
			want += a[i*n+j] * x[j]
		}
		require.InDelta(t, want, y[i], 1e-13)
	}
	require.Equal(t, make([]float64, from), y[:from])
}

func TestSymvLowerRefuses(t *testing.T) {
	a := make([]float64, 64)
	require.Panics(t, func() { SymvLower(a, 8, 0, 0, 7, a, a) })
	require.Panics(t, func() { SymvLower(a, 8, 8, 0, 8, a, a) })
	require.Panics(t, func() { SymvLower(a[:63], 8, 0, 0, 8, a, a) })
	require.Panics(t, func() { SymvLower(a, 8, 0, 0, 8, a[:7], a) })
	require.NotPanics(t, func() { SymvLower(nil, 8, 0, 0, 0, nil, nil) })
}

func BenchmarkSymvLower(b *testing.B) {
	for _, n := range []int{512, 2048, 4096} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			a, x, y := normal[float64](rng, n*n), normal[float64](rng, n), make([]float64, n)
			b.SetBytes(int64(4 * n * n))
			for b.Loop() {
				SymvLower(a, n, 0, 0, n, x, y)
			}
		})
	}
}
