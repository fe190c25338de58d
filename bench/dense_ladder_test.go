package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
)

// A rival is a function of ours beside gonum's for the same task. Both work in
// place on a copy of an n × n matrix and may use scratch memory of their own.
type rival struct {
	name         string
	most         int // the largest size that ends in reasonable time
	ours, gonums func(a []float64, n int)
}

func rivals() []rival {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	square := func(a []float64, n int) kernel.Matrix[float64] {
		return kernel.Matrix[float64]{Rows: n, Cols: n, Stride: n, Data: a}
	}
	lower := func(a []float64, n int) blas64.Symmetric {
		return blas64.Symmetric{N: n, Stride: n, Data: a, Uplo: blas.Lower}
	}
	return []rival{
		{
			"Eigh", 1024,
			func(a []float64, n int) { must(dense.Eigh(0, square(a, n), make([]float64, n))) },
			func(a []float64, n int) {
				work := make([]float64, 1)
				lapack64.Syev(lapack.EVCompute, lower(a, n), make([]float64, n), work, -1)
				work = make([]float64, int(work[0]))
				lapack64.Syev(lapack.EVCompute, lower(a, n), make([]float64, n), work, len(work))
			},
		},
		{
			"Cholesky", 1024,
			func(a []float64, n int) { must(dense.Cholesky(0, square(a, n))) },
			func(a []float64, n int) { lapack64.Potrf(lower(a, n)) },
		},
		{
			"PivotedCholesky", 512,
			func(a []float64, n int) {
				_, _, err := dense.PivotedCholesky(0, square(a, n), -1)
				must(err)
			},
			func(a []float64, n int) { lapack64.Pstrf(lower(a, n), make([]int, n), -1, make([]float64, 2*n)) },
		},
		{
			"SolveLeft", 1024,
			func(a []float64, n int) {
				b := kernel.Matrix[float64]{Rows: n, Cols: n, Stride: n, Data: make([]float64, n*n)}
				must(dense.SolveLeft(0, dense.Triangular{Matrix: square(a, n)}, b))
			},
			func(a []float64, n int) {
				b := blas64.General{Rows: n, Cols: n, Stride: n, Data: make([]float64, n*n)}
				t := blas64.Triangular{N: n, Stride: n, Data: a, Uplo: blas.Lower, Diag: blas.NonUnit}
				blas64.Trsm(blas.Left, blas.NoTrans, 1, t, b)
			},
		},
		{
			"SingularValues", 512,
			func(a []float64, n int) { must(dense.SingularValues(0, square(a, n), make([]float64, n))) },
			func(a []float64, n int) {
				g, none := blas64.General{Rows: n, Cols: n, Stride: n, Data: a}, blas64.General{Stride: 1}
				work := make([]float64, 1)
				lapack64.Gesvd(lapack.SVDNone, lapack.SVDNone, g, none, none, make([]float64, n), work, -1)
				work = make([]float64, int(work[0]))
				lapack64.Gesvd(lapack.SVDNone, lapack.SVDNone, g, none, none, make([]float64, n), work, len(work))
			},
		},
	}
}

// ladderRounds is how many times each side of a rivalry is timed, and
// ladderRoundsLarge how many times where that takes minutes.
const ladderRounds, ladderRoundsLarge = 10, 3

// BenchmarkDenseBesideGonum climbs sizes from 1 up. Both sides take turns; the
// medians are reported, and ours over gonum's.
func BenchmarkDenseBesideGonum(b *testing.B) {
	smoke := sizeName(b) == "smoke"
	for _, r := range rivals() {
		for _, n := range []int{1, 2, 3, 4, 6, 8, 12, 16, 24, 31, 32, 33, 48, 64, 65, 96, 128, 200, 256, 512, 1024} {
			if n > r.most || smoke && n > 64 {
				break
			}
			b.Run(fmt.Sprintf("%s/%d", r.name, n), func(b *testing.B) {
				a := ladderMatrix(n)
				rounds := ladderRounds
				if n >= 1024 {
					rounds = ladderRoundsLarge
				}
				var ours, gonums []float64
				for b.Loop() {
					for range rounds {
						ours = append(ours, timeCopies(a, n, r.ours))
						gonums = append(gonums, timeCopies(a, n, r.gonums))
					}
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(median(ours)*1e6, "ours-µs")
				b.ReportMetric(median(gonums)*1e6, "gonum-µs")
				b.ReportMetric(median(ours)/median(gonums), "ratio")
			})
		}
	}
}

// ladderMatrix returns a symmetric positive definite matrix.
func ladderMatrix(n int) []float64 {
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	a := make([]float64, n*n)
	for i := range n {
		for j := range i {
			a[i*n+j] = rng.NormFloat64()
			a[j*n+i] = a[i*n+j]
		}
		a[i*n+i] = 3 * math.Sqrt(float64(n)) * (1 + rng.Float64())
	}
	return a
}

// timeCopies returns the seconds that f takes on a copy of a, as a mean of as many
// calls as fill the clock's resolution many times over.
func timeCopies(a []float64, n int, f func(a []float64, n int)) float64 {
	calls := max(1, 40_000/(n*n*n+100))
	copies := make([][]float64, calls)
	for i := range copies {
		copies[i] = slices.Clone(a)
	}
	start := time.Now()
	for _, c := range copies {
		f(c, n)
	}
	return time.Since(start).Seconds() / float64(calls)
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
