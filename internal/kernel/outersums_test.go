package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func testOuterSums[F Float](t *testing.T) {
	for _, starts := range [][]int{{0}, {0, 0}, {0, 9}, {2, 3, 3, 10, 40}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 40}} {
		for _, p := range []int{0, 1, 5, 17} {
			for _, q := range []int{1, 8, 35} {
				rng := rand.New(rand.NewPCG(uint64(p), uint64(q)))
				const n = 41
				ga, a := strided(rng, n, p, 2, 1, extreme[F])
				gb, b := strided(rng, n, q, 1, 3, normal[F])
				gc, c := strided(rng, len(starts)-1, p*q, 3, 1, normal[F])
				want := append([]F(nil), gc.kept...)
				for g := range c.Rows {
					for i := range p {
						for j := range q {
							at := &want[g*c.Stride+i*q+j]
							for r := starts[g]; r < starts[g+1]; r++ {
								*at = fma(a.At(r, i), b.At(r, j), *at)
							}
						}
					}
				}
				onEachPath(t, func(t *testing.T) []F {
					for _, workers := range []int{1, 3} {
						copy(gc.slice(), gc.kept)
						OuterSums(workers, starts, a, b, c)
						ga.unchanged(t, "A")
						gb.unchanged(t, "B")
						gc.unharmed(t, "C")
						requireSameBits(t, want, gc.slice(), fmt.Sprintf("%d groups, %d × %d", c.Rows, p, q))
					}
					return gc.slice()
				})
			}
		}
	}
}

func TestOuterSums(t *testing.T) {
	t.Run("float32", testOuterSums[float32])
	t.Run("float64", testOuterSums[float64])
}

func TestOuterSumsRefuseWhatDoesNotFit(t *testing.T) {
	m := NewMatrix[float64]
	require.Panics(t, func() { OuterSums(1, []int{0, 2}, m(2, 3), m(2, 4), m(1, 11)) })
	require.Panics(t, func() { OuterSums(1, []int{0, 2}, m(2, 3), m(3, 4), m(1, 12)) })
	require.Panics(t, func() { OuterSums(1, []int{0, 3}, m(2, 3), m(2, 4), m(1, 12)) })
	require.Panics(t, func() { OuterSums(1, []int{2, 1}, m(2, 3), m(2, 4), m(1, 12)) })
	require.Panics(t, func() { OuterSums(1, []int{0}, m(2, 3), m(2, 4), m(1, 12)) })
}
