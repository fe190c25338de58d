package app

import (
	"fmt"
	"math/rand/v2"
	"unsafe"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
)

// A namedBenchmark makes the input of a kernel, with lengths divided by shrink.
type namedBenchmark struct {
	kernel string
	make   func(shrink int) benchmark
}

// benchmarks are what infl bench measures, a line for each kernel.
var benchmarks = []namedBenchmark{
	{"gemm-float32", func(s int) benchmark { return benchGemm[float32](2050/s, 1030/s, 2010/s) }},
	{"gemm-float64", func(s int) benchmark { return benchGemm[float64](1030/s, 1030/s, 2010/s) }},
	{"gemm-int8", func(s int) benchmark { return benchInt8(2050/s, 1030/s, 2010/s) }},
	{"top-100", func(s int) benchmark { return benchTop(8200/s, 300/s, 1030/s) }},
	{"dots-1", func(s int) benchmark { return benchDots(16_000/s, 1, 2060/s) }},
	{"dots-4", func(s int) benchmark { return benchDots(16_000/s, 4, 2060/s) }},
	{"dots-16", func(s int) benchmark { return benchDots(16_000/s, 16, 2060/s) }},
	{"dots-float16", func(s int) benchmark { return benchHalfDots(32_000/s, 4, 2060/s) }},
	{"dots-int8", func(s int) benchmark { return benchInt8Dots(64_000/s, 4, 2060/s) }},
	{"syrk-float32", func(s int) benchmark { return benchSyrk(8192/s, 1030/s) }},
	{"outer-sums", func(s int) benchmark { return benchOuterSums(100, 64/s, 130, 260) }},
	{"cholesky", func(s int) benchmark { return benchCholesky(1030 / s) }},
	{"eigh", func(s int) benchmark { return benchEigh(510 / s) }},
	{"hadamard", func(s int) benchmark { return benchHadamard(20_000_000/s, 8192) }},
	{"rademacher", func(s int) benchmark { return benchDense(kernel.NewRademacher(1, 4096/s), 128/s, 4100/s) }},
	{"gaussian", func(s int) benchmark { return benchDense(kernel.NewGaussian(1, 4096/s), 128/s, 2050/s) }},
	{"add-rows", func(int) benchmark { return benchRows(4096, 32, kernel.AddRows) }},
	{"exp", func(int) benchmark { return benchExp(100_000) }},
}

// BenchmarkNames returns the names of the kernels that [Bench] knows.
func BenchmarkNames() []string {
	names := make([]string, len(benchmarks))
	for i, b := range benchmarks {
		names[i] = b.kernel
	}
	return names
}

// random returns a matrix of normal numbers.
func random[F kernel.Float](rows, cols int) kernel.Matrix[F] {
	rng, m := rand.New(rand.NewPCG(1, 2)), kernel.NewMatrix[F](rows, cols)
	for i := range m.Data {
		m.Data[i] = F(rng.NormFloat64())
	}
	return m
}

// reading is the limit of a kernel that passes over numbers: a plain read of them.
func reading[T float32 | float64 | kernel.Float16 | int8](x []T) func(workers int) float64 {
	size := len(x) * int(unsafe.Sizeof(x[0]))
	data := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), size)
	return func(workers int) float64 { return kernel.ReadRate(workers, data) }
}

func benchGemm[F kernel.Float](m, n, k int) benchmark {
	a, b, c := random[F](m, k), random[F](n, k), kernel.NewMatrix[F](m, n)
	return benchmark{
		shape: fmt.Sprintf("%dx%dx%d", m, n, k), work: 2 * float64(m) * float64(n) * float64(k), unit: "Gflop/s",
		run: func(workers int) { kernel.GemmNT(workers, a, b, c) }, limit: kernel.FMAPeak[F],
	}
}

func benchSyrk(n, d int) benchmark {
	x, c := random[float32](n, d), kernel.NewMatrix[float64](d, d)
	return benchmark{
		shape: fmt.Sprintf("%dx%d", n, d), work: float64(n) * float64(d) * float64(d), unit: "Gflop/s",
		run: func(workers int) { kernel.Syrk(workers, x, c) }, limit: kernel.FMAPeak[float32],
	}
}

func benchOuterSums(groups, rows, p, q int) benchmark {
	a, b, c := random[float32](groups*rows, p), random[float32](groups*rows, q), kernel.NewMatrix[float32](groups, p*q)
	start := make([]int, groups+1)
	for g := range start {
		start[g] = g * rows
	}
	return benchmark{
		shape: fmt.Sprintf("%dx%dx%dx%d", groups, rows, p, q), work: 2 * float64(groups*rows) * float64(p*q), unit: "Gflop/s",
		run: func(workers int) { kernel.OuterSums(workers, start, a, b, c) }, limit: kernel.FMAPeak[float32],
	}
}

// definite returns a symmetric positive definite matrix.
func definite(n int) kernel.Matrix[float64] {
	a, x := kernel.NewMatrix[float64](n, n), random[float64](n, n)
	kernel.Syrk(1, x, a)
	for i := range n {
		a.Row(i)[i] += float64(n)
	}
	return a
}

func benchCholesky(n int) benchmark {
	a, l := definite(n), kernel.NewMatrix[float64](n, n)
	return benchmark{
		shape: fmt.Sprintf("%dx%d", n, n), work: float64(n) * float64(n) * float64(n) / 3, unit: "Gflop/s",
		run: func(workers int) {
			copy(l.Data, a.Data)
			_ = dense.Cholesky(workers, l) // the matrix is positive definite
		},
		limit: kernel.FMAPeak[float64],
	}
}

// benchEigh counts the reduction to tridiagonal form, 4/3·n³, and the way back of
// all eigenvectors, 2·n³.
func benchEigh(n int) benchmark {
	a, v, values := definite(n), kernel.NewMatrix[float64](n, n), make([]float64, n)
	return benchmark{
		shape: fmt.Sprintf("%dx%d", n, n), work: float64(n) * float64(n) * float64(n) * 10 / 3, unit: "Gflop/s",
		run: func(workers int) {
			copy(v.Data, a.Data)
			_ = dense.Eigh(workers, v, values) // all numbers are finite
		},
		limit: kernel.FMAPeak[float64],
	}
}

func benchHadamard(d, size int) benchmark {
	x, out := random[float32](1, d), kernel.NewMatrix[float32](1, size)
	sum := kernel.NewHadamard(1, size).Sum(1)
	return benchmark{
		shape: fmt.Sprintf("%dto%d", d, size), work: 4 * float64(d), unit: "GB/s",
		run: func(workers int) {
			sum.Add(workers, 0, x)
			sum.Finish(workers, out)
		},
		limit: reading(x.Data),
	}
}

func benchDense(p kernel.Dense, n, d int) benchmark {
	x, out := random[float32](n, d), kernel.NewMatrix[float32](n, p.Size())
	return benchmark{
		shape: fmt.Sprintf("%dx%dto%d", n, d, p.Size()), work: 2 * float64(n) * float64(d) * float64(p.Size()), unit: "Gflop/s",
		run: func(workers int) { p.Project(workers, x, out) }, limit: kernel.FMAPeak[float32],
	}
}

// benchRows counts the seeds once, though they are read and written.
func benchRows(n, width int, run func(leaf []uint32, a, v, s []float64, width int)) benchmark {
	const leaves = 31
	a, v, s := random[float64](n, 1), random[float64](leaves, width), random[float64](n, width)
	leaf := make([]uint32, n)
	for i := range leaf {
		leaf[i] = uint32(i*7) % leaves
	}
	return benchmark{
		shape: fmt.Sprintf("%dx%d", n, width), work: 8 * float64(n) * float64(width), unit: "GB/s", serial: true,
		run: func(int) { run(leaf, a.Data, v.Data, s.Data, width) }, limit: reading(s.Data),
	}
}

func benchExp(n int) benchmark {
	x, out := random[float64](1, n), make([]float64, n)
	return benchmark{
		shape: fmt.Sprint(n), work: 8 * float64(n), unit: "GB/s", serial: true,
		run: func(int) { kernel.Exps(out, x.Data) }, limit: reading(x.Data),
	}
}
