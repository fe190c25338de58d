package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

const leafCount = 7

// rowsCase is an input of the row kernels with guarded slices.
type rowsCase struct {
	from, to     *guarded[uint32]
	a, v, s, sum *guarded[float64]
}

func newRowsCase(rng *rand.Rand, n, width, shift int, draw func(*rand.Rand, int) []float64) rowsCase {
	leaves := func() []uint32 {
		l := make([]uint32, n)
		for i := range l {
			l[i] = uint32(rng.IntN(leafCount))
		}
		return l
	}
	const canary = -12345.678
	return rowsCase{
		from: guard(leaves(), shift, 1<<30), to: guard(leaves(), shift, 1<<30),
		a: guard(draw(rng, n), shift, canary), v: guard(draw(rng, leafCount*width), shift, canary),
		s: guard(draw(rng, n*width), shift, canary), sum: guard(draw(rng, leafCount*width), shift, canary),
	}
}

// eachRowsCase runs f over the ladder of widths, misaligned and with extreme
// values.
func eachRowsCase(t *testing.T, f func(t *testing.T, rng *rand.Rand, n, width, shift int, draw func(*rand.Rand, int) []float64)) {
	draws := map[string]func(*rand.Rand, int) []float64{"normal": normal[float64], "extreme": extreme[float64]}
	for name, draw := range draws {
		for _, width := range ladder(64) {
			for _, n := range []int{0, 1, 5, 33} {
				for _, shift := range []int{0, 1, 3} {
					t.Run(fmt.Sprintf("%s/%dx%d/%d", name, n, width, shift), func(t *testing.T) {
						f(t, rand.New(rand.NewPCG(uint64(n), uint64(width))), n, width, shift, draw)
					})
				}
			}
		}
	}
}

func TestAddRows(t *testing.T) {
	eachRowsCase(t, func(t *testing.T, rng *rand.Rand, n, width, shift int, draw func(*rand.Rand, int) []float64) {
		seed := rng.Uint64()
		onEachPath(t, func(t *testing.T) []float64 {
			c := newRowsCase(rand.New(rand.NewPCG(seed, 0)), n, width, shift, draw)
			AddRows(c.from.slice(), c.a.slice(), c.v.slice(), c.s.slice(), width)
			c.from.unchanged(t, "leaf")
			c.a.unchanged(t, "a")
			c.v.unchanged(t, "v")
			c.s.unharmed(t, "s")
			// The definition, entry by entry.
			for i := range n {
				for j := range width {
					prod := c.a.kept[i] * c.v.kept[int(c.from.kept[i])*width+j]
					requireSameBits(t, []float64{c.s.kept[i*width+j] + prod}, c.s.slice()[i*width+j:][:1], "s")
				}
			}
			return c.s.slice()
		})
	})
}

func TestPullRows(t *testing.T) {
	eachRowsCase(t, func(t *testing.T, rng *rand.Rand, n, width, shift int, draw func(*rand.Rand, int) []float64) {
		seed := rng.Uint64()
		onEachPath(t, func(t *testing.T) []float64 {
			c := newRowsCase(rand.New(rand.NewPCG(seed, 0)), n, width, shift, draw)
			PullRows(c.from.slice(), c.to.slice(), c.a.slice(), c.v.slice(), c.s.slice(), c.sum.slice(), width)
			c.from.unchanged(t, "from")
			c.to.unchanged(t, "to")
			c.a.unchanged(t, "a")
			c.v.unchanged(t, "v")
			c.s.unharmed(t, "s")
			c.sum.unharmed(t, "sum")
			total := append([]float64(nil), c.sum.kept...)
			for i := range n {
				for j := range width {
					prod := c.a.kept[i] * c.v.kept[int(c.from.kept[i])*width+j]
					left := c.s.kept[i*width+j] - prod
					requireSameBits(t, []float64{left}, c.s.slice()[i*width+j:][:1], "s")
					total[int(c.to.kept[i])*width+j] += left
				}
			}
			requireSameBits(t, total, c.sum.slice(), "sum")
			return append(append([]float64(nil), c.s.slice()...), c.sum.slice()...)
		})
	})
}

func TestPullRowsShared(t *testing.T) {
	eachRowsCase(t, func(t *testing.T, rng *rand.Rand, n, width, shift int, draw func(*rand.Rand, int) []float64) {
		seed := rng.Uint64()
		onEachPath(t, func(t *testing.T) []float64 {
			rng := rand.New(rand.NewPCG(seed, 0))
			c := newRowsCase(rng, n, width, shift, draw)
			p, all := guard(draw(rng, n), shift, -1.5), guard(draw(rng, n*width), shift, -1.5)
			PullRowsShared(c.from.slice(), c.to.slice(), c.a.slice(), c.v.slice(), p.slice(), all.slice(), c.s.slice(), c.sum.slice(), width)
			p.unchanged(t, "p")
			all.unchanged(t, "total")
			c.s.unharmed(t, "s")
			c.sum.unharmed(t, "sum")
			total := append([]float64(nil), c.sum.kept...)
			for i := range n {
				for j := range width {
					own := c.a.kept[i] * c.v.kept[int(c.from.kept[i])*width+j]
					shared := p.kept[i] * all.kept[i*width+j]
					left := c.s.kept[i*width+j] - (own - shared)
					requireSameBits(t, []float64{left}, c.s.slice()[i*width+j:][:1], "s")
					total[int(c.to.kept[i])*width+j] += left
				}
			}
			requireSameBits(t, total, c.sum.slice(), "sum")
			return append(append([]float64(nil), c.s.slice()...), c.sum.slice()...)
		})
	})
}

func TestRowsRefuseLeavesOutOfRange(t *testing.T) {
	one, two := []float64{1, 1, 1, 1}, []uint32{2}
	require.Panics(t, func() { AddRows(two, one[:1], one, make([]float64, 4), 4) })
	require.Panics(t, func() { PullRows([]uint32{0}, two, one[:1], one, make([]float64, 4), make([]float64, 4), 4) })
}

func BenchmarkPullRows(b *testing.B) {
	const n, width = 4096, 32
	rng := rand.New(rand.NewPCG(1, 1))
	c := newRowsCase(rng, n, width, 0, normal[float64])
	b.SetBytes(2 * 8 * n * width)
	for b.Loop() {
		PullRows(c.from.slice(), c.to.slice(), c.a.slice(), c.v.slice(), c.s.slice(), c.sum.slice(), width)
	}
}

func BenchmarkAddRows(b *testing.B) {
	const n, width = 4096, 32
	rng := rand.New(rand.NewPCG(1, 1))
	c := newRowsCase(rng, n, width, 0, normal[float64])
	b.SetBytes(2 * 8 * n * width)
	for b.Loop() {
		AddRows(c.from.slice(), c.a.slice(), c.v.slice(), c.s.slice(), width)
	}
}
