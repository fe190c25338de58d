package app

import (
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

const (
	benchRepetitions = 5
	benchTime        = 300 * time.Millisecond
)

// Bench measures the kernels of the given names, or all of them, and prints the rate
// of each beside its limit on this machine. A rate is that of the fastest repetition,
// a limit the largest of probes between the repetitions.
func Bench(ctx context.Context, c *Common, names []string) error {
	var chosen []namedBenchmark
	for _, name := range names {
		i := slices.IndexFunc(benchmarks, func(b namedBenchmark) bool { return b.kernel == name })
		if i < 0 {
			return UnknownWord("kernel", name, BenchmarkNames())
		}
		chosen = append(chosen, benchmarks[i])
	}
	if len(names) == 0 {
		chosen = benchmarks
	}
	p := c.progress(len(chosen))
	defer p.Close()
	t := &Table{Fields: []string{"kernel", "shape", "threads", "path", "rate", "unit", "limit", "share"}}
	for _, k := range chosen {
		p.Phase(k.kernel, "", 0)
		b := k.make(benchShrink())
		workers := parallel.Workers(c.Workers)
		if b.serial {
			workers = 1
		}
		rate, limit, err := b.measure(ctx, workers)
		if err != nil {
			return err
		}
		t.Add(k.kernel, b.shape, workers, CPU(), digits(rate/1e9), b.unit, digits(limit/1e9), digits(rate/limit))
	}
	return c.Output.Print(c.Streams, t)
}

// CPU returns the form in which the kernels run: generic, avx2 or avx512.
func CPU() string { return kernel.CPU().String() }

// A benchmark is a kernel with an input.
type benchmark struct {
	shape  string
	work   float64 // in units of 1e-9, of a run
	unit   string  // "Gflop/s" or "GB/s"
	serial bool    // runs on one goroutine
	run    func(workers int)
	limit  func(workers int) float64 // work per second, measured
}

// measure returns work per second, of the kernel and of what limits it.
func (b benchmark) measure(ctx context.Context, workers int) (rate, limit float64, err error) {
	b.run(workers) // makes memory and caches warm
	fastest := time.Duration(math.MaxInt64)
	for i, begin := 0, time.Now(); i < benchRepetitions || time.Since(begin) < benchTime; i++ {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		limit = max(limit, b.limit(workers))
		start := time.Now()
		b.run(workers)
		fastest = min(fastest, time.Since(start))
	}
	return b.work / max(fastest.Seconds(), 1e-9), max(limit, b.limit(workers)), nil
}

// benchShrink is what lengths are divided by: without vector kernels the same shapes
// would take minutes.
func benchShrink() int {
	if kernel.CPU() == kernel.Generic {
		return 8
	}
	return 1
}

// digits rounds a measurement to three digits.
func digits(x float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	if err != nil {
		return x
	}
	return rounded
}
