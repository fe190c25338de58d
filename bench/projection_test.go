package bench

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

const projected = 8192

// BenchmarkProjection projects one long vector. Between the repetitions run its
// competitor, a count-sketch in plain Go, and its limit, a plain read of the vector:
// "×sketch" is how many times faster than the sketch it is, "share" the part of the
// reading rate that it reaches, each of the fastest repetitions.
func BenchmarkProjection(b *testing.B) {
	lengths := []int{1e6, 1e7}
	if cmp.Or(os.Getenv("INFL_BENCH"), "smoke") == "full" {
		lengths = append(lengths, 1e8)
	}
	for _, d := range lengths {
		b.Run(fmt.Sprintf("%.0e", float64(d)), func(b *testing.B) { benchmarkProjection(b, d) })
	}
}

func benchmarkProjection(b *testing.B, d int) {
	workers := parallel.Workers(0)
	x := kernel.NewMatrix[float32](1, d)
	for i := range x.Data {
		x.Data[i] = float32(i%17) - 8
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x.Data))), 4*d)
	out, sum := kernel.NewMatrix[float32](1, projected), kernel.NewHadamard(1, projected).Sum(1)
	fastest := func(best *float64, run func()) {
		begin := time.Now()
		run()
		*best = min(*best, time.Since(begin).Seconds())
	}
	ours, theirs, read := math.Inf(1), math.Inf(1), math.Inf(1)
	b.SetBytes(4 * int64(d))
	for b.Loop() {
		fastest(&ours, func() {
			sum.Add(workers, 0, x)
			sum.Finish(workers, out)
		})
		b.StopTimer()
		fastest(&theirs, func() { countSketch(workers, x.Data) })
		fastest(&read, func() { kernel.ReadRate(workers, bytes) })
		b.StartTimer()
	}
	b.ReportMetric(theirs/ours, "×sketch")
	b.ReportMetric(read/ours, "share")
	b.ReportMetric(ours*1e6, "fastest-µs")
}

// countSketch adds each number with a random sign to a random place, 16 random bits
// a number.
func countSketch(workers int, x []float32) []float32 {
	sketches := make([][projected]float32, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			lo, hi := len(x)*w/workers, len(x)*(w+1)/workers
			addToSketch(x[lo:hi], uint64(lo), &sketches[w])
		})
	}
	wg.Wait()
	for _, s := range sketches[1:] {
		for i, v := range s {
			sketches[0][i] += v
		}
	}
	return sketches[0][:]
}

func addToSketch(x []float32, first uint64, sketch *[projected]float32) {
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

// mixed returns 64 bits of which each depends on all of x.
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
