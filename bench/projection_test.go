package bench

import (
	"cmp"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

const projected = 8192

// eachLength runs f with vectors of a million numbers and more.
func eachLength(b *testing.B, f func(b *testing.B, x []float32)) {
	lengths := []int{1e6, 1e7}
	if cmp.Or(os.Getenv("INFL_BENCH"), "smoke") == "full" {
		lengths = append(lengths, 1e8)
	}
	for _, d := range lengths {
		b.Run(fmt.Sprintf("%.0e", float64(d)), func(b *testing.B) {
			x := make([]float32, d)
			for i := range x {
				x[i] = float32(i%17) - 8
			}
			b.SetBytes(4 * int64(d))
			f(b, x)
		})
	}
}

func BenchmarkProjection(b *testing.B) {
	eachLength(b, func(b *testing.B, x []float32) {
		out, sum := kernel.NewMatrix[float32](1, projected), kernel.NewHadamard(1, projected).Sum(1)
		for b.Loop() {
			sum.Add(parallel.Workers(0), 0, kernel.MatrixOf(x, 1, len(x)))
			sum.Finish(parallel.Workers(0), out)
		}
	})
}

// The competitor of BenchmarkProjection: a count-sketch in plain Go, which adds
// each number with a random sign to a random place, 16 random bits a number.
func BenchmarkCountSketch(b *testing.B) {
	eachLength(b, func(b *testing.B, x []float32) {
		workers := parallel.Workers(0)
		sketches := make([][projected]float32, workers)
		for b.Loop() {
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					lo, hi := len(x)*w/workers, len(x)*(w+1)/workers
					countSketch(x[lo:hi], uint64(lo), &sketches[w])
				})
			}
			wg.Wait()
			for _, s := range sketches[1:] {
				for i, v := range s {
					sketches[0][i] += v
				}
			}
		}
	})
}

func countSketch(x []float32, first uint64, sketch *[projected]float32) {
	*sketch = [projected]float32{}
	for len(x) >= 4 {
		random := mixed(first)
		for k := range 4 {
			place, value := random>>(16*k), x[k]
			if place&(1<<15) != 0 {
				value = -value
			}
			sketch[place%projected] += value
		}
		x, first = x[4:], first+4
	}
}

// mixed returns 64 bits that look random in each other bit of x.
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
