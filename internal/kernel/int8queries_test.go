package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestInt8QueryRows(t *testing.T) {
	for _, d := range []int{0, 1, 64, 255, 257, 700} {
		for _, q := range []int{0, 1, 24, 25, 32, 33, 70} {
			for _, n := range []int{0, 1, 13, 14, 15, 300} {
				if n*q*d > 2e6 {
					continue
				}
				t.Run(fmt.Sprintf("%dx%dx%d", n, q, d), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(uint64(d), uint64(10*n+q)))
					train, queries := Quantize(1, heavyRows(rng, n, d)), Quantize(1, heavyRows(rng, q, d))
					x := guard(train.Data, 1, 77)
					train.Data = x.slice()
					want := NewMatrix[float32](n, q)
					Int8Dots(1, train, queries, want)
					for _, workers := range []int{1, 3} {
						onEachInt8Path(t, func(t *testing.T) []float32 {
							got := NewMatrix[float32](n, q)
							NewInt8QueryRows(queries).EachBlock(workers, train, func(_, row int, scores Matrix[float32]) {
								for i := range scores.Rows {
									copy(got.Row(row+i), scores.Row(i))
								}
							})
							x.unchanged(t, "train")
							requireSameBits(t, want.Data, got.Data, fmt.Sprint(path, " with ", workers, " workers"))
							return got.Data
						})
					}
				})
			}
		}
	}
}
