package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// eachPoles runs f on poles d and numbers w, of many lengths, misaligned and with
// extreme values; x is a pole and an offset from it.
func eachPoles(t *testing.T, f func(t *testing.T, d, w []float64, origin, offset float64, shift int)) {
	draws := map[string]func(*rand.Rand, int) []float64{"normal": normal[float64], "extreme": extreme[float64]}
	for name, draw := range draws {
		for _, n := range ladder(70) {
			for shift := range 3 {
				t.Run(fmt.Sprintf("%s/%d/%d", name, n, shift), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(uint64(n), 4))
					d, x := draw(rng, n), draw(rng, 2)
					if n > 0 {
						x[0] = d[n/2]
					}
					f(t, d, draw(rng, n), x[0], x[1], shift)
				})
			}
		}
	}
}

func TestPoleSums(t *testing.T) {
	eachPoles(t, func(t *testing.T, d0, w0 []float64, origin, offset float64, shift int) {
		var sums, slopes [8]float64
		for i := range d0 {
			r := 1 / ((d0[i] - origin) - offset)
			q := float64(w0[i] * r)
			sums[i%8] += q
			slopes[i%8] = math.FMA(q, r, slopes[i%8])
		}
		want := []float64{sumLanes(&sums), sumLanes(&slopes)}
		onEachPath(t, func(t *testing.T) []float64 {
			d, w := guard(d0, shift, -3.5), guard(w0, shift, -3.5)
			sum, slope := PoleSums(d.slice(), w.slice(), origin, offset)
			d.unchanged(t, "d")
			w.unchanged(t, "w")
			requireSameBits(t, want, []float64{sum, slope}, "sums")
			return []float64{sum, slope}
		})
	})
}

func TestPoleRatios(t *testing.T) {
	eachPoles(t, func(t *testing.T, d0, p0 []float64, origin, offset float64, shift int) {
		pole := origin
		want := make([]float64, len(p0))
		for i, p := range p0 {
			want[i] = (origin - d0[i]) + offset
			if d0[i] != pole {
				want[i] /= pole - d0[i]
			}
			want[i] *= p
		}
		onEachPath(t, func(t *testing.T) []float64 {
			d, p := guard(d0, shift, -3.5), guard(p0, shift, -3.5)
			PoleRatios(p.slice(), d.slice(), origin, offset, pole)
			d.unchanged(t, "d")
			p.unharmed(t, "p")
			requireSameBits(t, want, p.slice(), "p")
			return p.slice()
		})
	})
}

func TestPoleQuotients(t *testing.T) {
	eachPoles(t, func(t *testing.T, d0, u0 []float64, origin, offset float64, shift int) {
		want := make([]float64, len(u0))
		var squares [8]float64
		for i := range want {
			want[i] = u0[i] / ((d0[i] - origin) - offset)
			squares[i%8] = math.FMA(want[i], want[i], squares[i%8])
		}
		want = append(want, sumLanes(&squares))
		onEachPath(t, func(t *testing.T) []float64 {
			d, u, out := guard(d0, shift, -3.5), guard(u0, shift, -3.5), guard(u0, shift, -3.5)
			square := PoleQuotients(out.slice(), u.slice(), d.slice(), origin, offset)
			d.unchanged(t, "d")
			u.unchanged(t, "u")
			out.unharmed(t, "out")
			got := append([]float64(nil), append(out.slice(), square)...)
			requireSameBits(t, want, got, "out")
			return got
		})
	})
}

func BenchmarkPoleSums(b *testing.B) {
	const n = 1024
	d, w := make([]float64, n), make([]float64, n)
	b.SetBytes(16 * n)
	for b.Loop() {
		PoleSums(d, w, 1, 0.5)
	}
}
