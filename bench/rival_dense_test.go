package bench

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
)

// denseRivals are factorisations, which overwrite their matrix, and what else is
// solved with one. Both sides may use scratch memory of their own.
func denseRivals() []rival {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	square := func(a []float64, n int) kernel.Matrix[float64] {
		return kernel.Matrix[float64]{Rows: n, Cols: n, Stride: n, Data: a}
	}
	general := func(a []float64, n int) blas64.General { return blas64.General{Rows: n, Cols: n, Stride: n, Data: a} }
	lower := func(a []float64, n int) blas64.Symmetric {
		return blas64.Symmetric{N: n, Stride: n, Data: a, Uplo: blas.Lower}
	}
	triangle := func(a []float64, n int) blas64.Triangular {
		return blas64.Triangular{N: n, Stride: n, Data: a, Uplo: blas.Lower, Diag: blas.NonUnit}
	}
	eigen := func(job lapack.EVJob) func(a []float64, n int) {
		return func(a []float64, n int) {
			work := make([]float64, 1)
			lapack64.Syev(job, lower(a, n), make([]float64, n), work, -1)
			work = make([]float64, int(work[0]))
			lapack64.Syev(job, lower(a, n), make([]float64, n), work, len(work))
		}
	}
	return []rival{
		denseRival("Eigh", 1024,
			func(a []float64, n int) { must(dense.Eigh(0, square(a, n), make([]float64, n))) },
			eigen(lapack.EVCompute)),
		denseRival("EighValues", 513,
			func(a []float64, n int) { must(dense.EighValues(0, square(a, n), make([]float64, n))) },
			eigen(lapack.EVNone)),
		denseRival("Cholesky", 1024,
			func(a []float64, n int) { must(dense.Cholesky(0, square(a, n))) },
			func(a []float64, n int) { lapack64.Potrf(lower(a, n)) }),
		denseRival("PivotedCholesky", 513,
			func(a []float64, n int) {
				_, _, err := dense.PivotedCholesky(0, square(a, n), -1)
				must(err)
			},
			func(a []float64, n int) { lapack64.Pstrf(lower(a, n), make([]int, n), -1, make([]float64, 2*n)) }),
		denseRival("SolveLeft", 1024,
			func(a []float64, n int) {
				must(dense.SolveLeft(0, dense.Triangular{Matrix: square(a, n)}, square(slices.Clone(a), n)))
			},
			func(a []float64, n int) {
				blas64.Trsm(blas.Left, blas.NoTrans, 1, triangle(a, n), general(slices.Clone(a), n))
			}),
		denseRival("SolveRight", 1024,
			func(a []float64, n int) {
				must(dense.SolveRight(0, dense.Triangular{Matrix: square(a, n)}, square(slices.Clone(a), n)))
			},
			func(a []float64, n int) {
				blas64.Trsm(blas.Right, blas.NoTrans, 1, triangle(a, n), general(slices.Clone(a), n))
			}),
		denseRival("SingularValues", 513,
			func(a []float64, n int) { must(dense.SingularValues(0, square(a, n), make([]float64, n))) },
			func(a []float64, n int) {
				none := blas64.General{Stride: 1}
				work := make([]float64, 1)
				lapack64.Gesvd(lapack.SVDNone, lapack.SVDNone, general(a, n), none, none, make([]float64, n), work, -1)
				work = make([]float64, int(work[0]))
				lapack64.Gesvd(lapack.SVDNone, lapack.SVDNone, general(a, n), none, none, make([]float64, n), work, len(work))
			}),
	}
}

// denseRival works in place on a copy of an n × n matrix in each call.
func denseRival(name string, most int, ours, gonums func(a []float64, n int)) rival {
	return rival{name, ladder(most), func(s shape, calls int) contest {
		a, copies := definite(s.m), make([][]float64, calls)
		for i := range copies {
			copies[i] = slices.Clone(a)
		}
		return contest{
			func(call int) { ours(copies[call], s.m) },
			func(call int) { gonums(copies[call], s.m) },
		}
	}}
}

// definite returns a symmetric positive definite matrix.
func definite(n int) []float64 {
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
