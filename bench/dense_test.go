package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
)

// denseSizes are the sizes of matrices.
func denseSizes(b *testing.B) []int {
	if sizeName(b) == "full" {
		return []int{512, 1000, 1024, 2048, 3000, 4096}
	}
	return []int{300}
}

// covariance returns the positive definite matrix XᵀX + I/n of features whose
// scale decays.
func covariance(n int) kernel.Matrix[float64] {
	rng := rand.New(rand.NewPCG(1, 1))
	x, a := kernel.NewMatrix[float64](n+n/2, n), kernel.NewMatrix[float64](n, n)
	for i := range x.Rows {
		for j := range n {
			x.Row(i)[j] = rng.NormFloat64() / float64(1+j)
		}
	}
	for i := range n {
		a.Row(i)[i] = 1 / float64(n)
	}
	kernel.GemmTN(2, x, x, a)
	return a
}

// timeDense runs f on fresh copies of a and reports the fastest of them beside
// the mean: others may use the machine.
func timeDense(b *testing.B, a kernel.Matrix[float64], f func(a kernel.Matrix[float64]) error) {
	work := kernel.NewMatrix[float64](a.Rows, a.Cols)
	var times []float64
	for b.Loop() {
		copy(work.Data, a.Data)
		start := time.Now()
		if err := f(work); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start).Seconds())
	}
	b.ReportMetric(slices.Min(times)*1e3, "min-ms")
}

func BenchmarkEigh(b *testing.B) {
	for _, n := range denseSizes(b) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			values := make([]float64, n)
			timeDense(b, covariance(n), func(a kernel.Matrix[float64]) error { return dense.Eigh(0, a, values) })
		})
	}
}

func BenchmarkCholesky(b *testing.B) {
	for _, n := range denseSizes(b) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			timeDense(b, covariance(n), func(a kernel.Matrix[float64]) error { return dense.Cholesky(0, a) })
		})
	}
}
