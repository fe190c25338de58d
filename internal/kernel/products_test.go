package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func testAddProducts[F Float](t *testing.T) {
	for _, n := range ladder(70) {
		for shift := range 3 {
			rng := rand.New(rand.NewPCG(uint64(n), uint64(shift)))
			sum := guard(extreme[F](rng, n), shift, 7)
			x, y := guard(extreme[F](rng, n), 1, 7), guard(extreme[F](rng, n), 0, 7)
			onEachPath(t, func(t *testing.T) []F {
				copy(sum.slice(), sum.kept)
				addProducts(sum.slice(), x.slice(), y.slice())
				sum.unharmed(t, fmt.Sprint(n))
				x.unchanged(t, "x")
				y.unchanged(t, "y")
				return append([]F(nil), sum.slice()...)
			})
		}
	}
}

func TestAddProducts(t *testing.T) {
	t.Run("float32", testAddProducts[float32])
	t.Run("float64", testAddProducts[float64])
}
