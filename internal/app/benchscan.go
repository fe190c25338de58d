package app

import (
	"fmt"

	"github.com/infl-dev/infl/internal/kernel"
)

// scanShape names a scan of n train rows of d numbers with q query rows.
func scanShape(n, q, d int) string { return fmt.Sprintf("%dx%dx%d", n, q, d) }

// benchDots reads float32 rows once for a few queries: bound by reading for few,
// by arithmetic for many.
func benchDots(n, q, d int) benchmark {
	train, queries, out := random[float32](n, d), random[float32](q, d), kernel.NewMatrix[float32](n, q)
	read := reading(train.Data)
	return benchmark{
		shape: scanShape(n, q, d), work: 4 * float64(n) * float64(d), unit: "GB/s",
		run: func(workers int) { kernel.Dots(workers, train, queries, out) },
		limit: func(workers int) float64 {
			return min(read(workers), kernel.FMAPeak[float32](workers)*2/float64(q))
		},
	}
}

// benchHalfDots reads float16 rows once.
func benchHalfDots(n, q, d int) benchmark {
	stored := kernel.NarrowRows(1, random[float32](n, d))
	queries, out := random[float32](q, d), kernel.NewMatrix[float32](n, q)
	return benchmark{
		shape: scanShape(n, q, d), work: 2 * float64(n) * float64(d), unit: "GB/s",
		run: func(workers int) { kernel.HalfDots(workers, stored, queries, out) }, limit: reading(stored.Data),
	}
}

// benchInt8Dots reads int8 rows once.
func benchInt8Dots(n, q, d int) benchmark {
	stored, queries := kernel.Quantize(1, random[float32](n, d)), kernel.Quantize(1, random[float32](q, d))
	out := kernel.NewMatrix[float32](n, q)
	return benchmark{
		shape: scanShape(n, q, d), work: float64(n) * float64(d), unit: "GB/s",
		run: func(workers int) { kernel.Int8Dots(workers, stored, queries, out) }, limit: reading(stored.Data),
	}
}

// benchTop scores with many queries and keeps the 100 best of each.
func benchTop(n, q, d int) benchmark {
	train, queries := random[float32](n, d), kernel.NewQueryRows(1, random[float32](q, d))
	return benchmark{
		shape: scanShape(n, q, d), work: 2 * float64(n) * float64(q) * float64(d), unit: "Gflop/s", limit: kernel.FMAPeak[float32],
		run: func(workers int) {
			states := make([]*kernel.Ends[float32], max(1, workers))
			for w := range states {
				states[w] = kernel.NewEnds[float32](q, kernel.NewBest(100, kernel.AnyScore), kernel.NewBest(0, kernel.AnyScore))
			}
			queries.EachBlock(workers, train, kernel.IntoEnds(states, 0))
			for _, s := range states[1:] {
				states[0].Merge(s)
			}
		},
	}
}

// benchInt8 multiplies int8 rows with many queries; the limit is that of float32.
func benchInt8(n, q, d int) benchmark {
	stored := kernel.Quantize(1, random[float32](n, d))
	queries := kernel.NewInt8QueryRows(kernel.Quantize(1, random[float32](q, d)))
	return benchmark{
		shape: scanShape(n, q, d), work: 2 * float64(n) * float64(q) * float64(d), unit: "Gflop/s", limit: kernel.FMAPeak[float32],
		run: func(workers int) {
			queries.EachBlock(workers, stored, func(int, int, kernel.Matrix[float32]) {})
		},
	}
}
