package bench

import (
	"fmt"
	"testing"
	"time"
	"unsafe"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// scanShapes are numbers of train rows and features by the value of INFL_BENCH.
var scanShapes = map[string][][2]int{
	"smoke": {{1010, 1030}, {3000, 257}},
	"full":  {{130_000, 4100}, {500_000, 1030}, {2_000_000, 257}},
}

// ofRoofline runs a scan of train rows with q queries, with a plain read and a
// probe of the peak before each, and reports its share of what those two allow.
func ofRoofline(b *testing.B, train kernel.Matrix[float32], q int, run func()) {
	run()
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&train.Data[0])), 4*len(train.Data))
	peak, read, best := 0.0, 0.0, time.Duration(1<<62)
	for b.Loop() {
		b.StopTimer()
		peak = max(peak, kernel.FMAPeak[float32](parallel.Workers(0)))
		read = max(read, kernel.ReadRate(parallel.Workers(0), bytes))
		b.StartTimer()
		begin := time.Now()
		run()
		best = min(best, time.Since(begin))
	}
	limit := max(float64(len(bytes))/read, 2*float64(q)*float64(len(train.Data))/peak)
	b.ReportMetric(float64(len(bytes))/best.Seconds()/1e9, "GB/s-of-float32")
	b.ReportMetric(limit/best.Seconds(), "of-roofline")
}

// BenchmarkFewQueries scores all rows with a few queries, from rows of each kind.
func BenchmarkFewQueries(b *testing.B) {
	workers := parallel.Workers(0)
	for _, shape := range scanShapes[sizeName(b)] {
		n, d := shape[0], shape[1]
		train := numbers[float32](n, d)
		for _, q := range []int{1, 4, 8, 16, 24} {
			queries, out := numbers[float32](q, d), kernel.NewMatrix[float32](n, q)
			scan := func(name string, run func()) {
				b.Run(fmt.Sprintf("%s/%dx%dx%d", name, n, q, d), func(b *testing.B) { ofRoofline(b, train, q, run) })
			}
			scan("float32", func() { kernel.Dots(workers, train, queries, out) })
			half := kernel.NarrowRows(workers, train)
			scan("float16", func() { kernel.HalfDots(workers, half, queries, out) })
			stored, small := kernel.Quantize(workers, train), kernel.Quantize(workers, queries)
			scan("int8", func() { kernel.Int8Dots(workers, stored, small, out) })
		}
	}
}

// BenchmarkTop scores with many queries, for nobody, for the top 100 of each, and
// for totals over them.
func BenchmarkTop(b *testing.B) {
	const q = 1000
	workers := parallel.Workers(0)
	for _, shape := range scanShapes[sizeName(b)] {
		n, d := shape[0], shape[1]
		train, queries := numbers[float32](n, d), kernel.NewQueryRows(workers, numbers[float32](q, d))
		operations := 2 * float64(n) * q * float64(d)
		block := func(name string, use func() func(worker, row int, scores kernel.Matrix[float32])) {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", name, n, q, d), func(b *testing.B) {
				ofPeak[float32](b, operations, func() { queries.EachBlock(workers, train, use()) })
			})
		}
		block("none", func() func(int, int, kernel.Matrix[float32]) { return func(int, int, kernel.Matrix[float32]) {} })
		block("top100", func() func(int, int, kernel.Matrix[float32]) {
			states := make([]*kernel.Ends[float32], workers)
			for w := range states {
				states[w] = kernel.NewEnds[float32](q, kernel.NewBest(100, kernel.AnyScore), kernel.NewBest(0, kernel.AnyScore))
			}
			return kernel.IntoEnds(states, 0)
		})
		totals := make([]kernel.Total, n)
		block("totals", func() func(int, int, kernel.Matrix[float32]) { return kernel.IntoTotals[float32](totals) })
		stored, small := kernel.Quantize(workers, train), kernel.NewInt8QueryRows(kernel.Quantize(workers, numbers[float32](q, d)))
		b.Run(fmt.Sprintf("int8/%dx%dx%d", n, q, d), func(b *testing.B) {
			ofPeak[float32](b, operations, func() {
				small.EachBlock(workers, stored, func(int, int, kernel.Matrix[float32]) {})
			})
		})
	}
}
