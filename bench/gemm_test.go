package bench

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// numbers returns a matrix of numbers between -1/2 and 1/2.
func numbers[F kernel.Float](rows, cols int) kernel.Matrix[F] {
	rng := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	m := kernel.NewMatrix[F](rows, cols)
	for i := range m.Data {
		m.Data[i] = F(rng.Float64() - 0.5)
	}
	return m
}

// ofPeak runs an operation of so many floating-point operations with a probe of
// the peak before each, and reports its rate and its share of the best probe.
func ofPeak[F kernel.Float](b *testing.B, operations float64, run func()) {
	run()
	peak, best := 0.0, time.Duration(1<<62)
	for b.Loop() {
		b.StopTimer()
		peak = max(peak, kernel.FMAPeak[F](parallel.Workers(0)))
		b.StartTimer()
		begin := time.Now()
		run()
		best = min(best, time.Since(begin))
	}
	rate := operations / best.Seconds()
	b.ReportMetric(rate/1e9, "GF/s")
	b.ReportMetric(rate/peak, "of-peak")
}

// gemmShapes are m, n and k by the value of INFL_BENCH.
var gemmShapes = map[string][][3]int{
	"smoke": {{410, 409, 411}, {820, 103, 819}},
	"full":  {{4100, 4090, 4110}, {8200, 1030, 8190}, {1030, 1000, 1050}, {20_000, 300, 70}},
}

func BenchmarkGemm(b *testing.B) {
	for _, shape := range gemmShapes[sizeName(b)] {
		benchmarkGemm[float32](b, "float32", shape)
		benchmarkGemm[float64](b, "float64", shape)
	}
}

func benchmarkGemm[F kernel.Float](b *testing.B, name string, shape [3]int) {
	m, n, k := shape[0], shape[1], shape[2]
	b.Run(fmt.Sprintf("%s/%dx%dx%d", name, m, n, k), func(b *testing.B) {
		x, y, c := numbers[F](m, k), numbers[F](n, k), kernel.NewMatrix[F](m, n)
		ofPeak[F](b, 2*float64(m)*float64(n)*float64(k), func() { kernel.GemmNT(parallel.Workers(0), x, y, c) })
	})
}

// BenchmarkEachBlock multiplies as scores are: train rows stream against packed
// queries, and each block of products is looked at once.
func BenchmarkEachBlock(b *testing.B) {
	for _, shape := range gemmShapes[sizeName(b)] {
		m, n, k := shape[0], shape[1], shape[2]
		b.Run(fmt.Sprintf("%dx%dx%d", m, n, k), func(b *testing.B) {
			train, query := numbers[float32](m, k), kernel.PackNT(parallel.Workers(0), numbers[float32](n, k))
			ofPeak[float32](b, 2*float64(m)*float64(n)*float64(k), func() {
				query.EachBlock(parallel.Workers(0), train, func(int, int, kernel.Matrix[float32]) {})
			})
		})
	}
}

func BenchmarkSyrk(b *testing.B) {
	shapes := map[string][][2]int{"smoke": {{5000, 300}}, "full": {{16_384, 4096}, {16_400, 1030}, {70_000, 500}}}
	for _, shape := range shapes[sizeName(b)] {
		n, d := shape[0], shape[1]
		b.Run(fmt.Sprintf("float32/%dx%d", n, d), func(b *testing.B) {
			x, c := numbers[float32](n, d), kernel.NewMatrix[float64](d, d)
			ofPeak[float32](b, float64(n)*float64(d)*float64(d), func() { kernel.Syrk(parallel.Workers(0), x, c) })
		})
		b.Run(fmt.Sprintf("float64/%dx%d", n/2, d), func(b *testing.B) {
			x, c := numbers[float64](n/2, d), kernel.NewMatrix[float64](d, d)
			ofPeak[float64](b, float64(n/2)*float64(d)*float64(d), func() { kernel.Syrk(parallel.Workers(0), x, c) })
		})
	}
}

// BenchmarkOuterSums sums the gradients of a layer of 70 × 50 numbers over 32
// tokens for each of 500 examples.
func BenchmarkOuterSums(b *testing.B) {
	const examples, tokens, outputs, inputs = 500, 32, 70, 50
	start := make([]int, examples+1)
	for i := range start {
		start[i] = i * tokens
	}
	x, y, c := numbers[float32](examples*tokens, outputs), numbers[float32](examples*tokens, inputs), kernel.NewMatrix[float32](examples, outputs*inputs)
	ofPeak[float32](b, 2*examples*tokens*outputs*inputs, func() { kernel.OuterSums(parallel.Workers(0), start, x, y, c) })
}
