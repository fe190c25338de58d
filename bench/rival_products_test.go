package bench

import (
	"unsafe"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// productRivals are products of matrices with matrices.
func productRivals() (all []rival) {
	for _, form := range []string{"NN", "NT", "TN"} {
		all = append(all, gemmRival[float32]("Gemm"+form+"/float32", form), gemmRival[float64]("Gemm"+form+"/float64", form))
	}
	return append(all, syrkRival[float32]("Syrk/float32"), syrkRival[float64]("Syrk/float64"))
}

// gemmRival multiplies square matrices.
func gemmRival[F kernel.Float](name, form string) rival {
	ours := map[string]func(workers int, a, b, c kernel.Matrix[F]){
		"NN": kernel.GemmNN[F], "NT": kernel.GemmNT[F], "TN": kernel.GemmTN[F],
	}[form]
	transpose := map[byte]blas.Transpose{'N': blas.NoTrans, 'T': blas.Trans}
	ta, tb := transpose[form[0]], transpose[form[1]]
	return rival{name, ladder(1024), func(s shape, _ int) contest {
		n, workers := s.m, parallel.Workers(0)
		a, b, c := numbers[F](n, n), numbers[F](n, n), numbers[F](n, n)
		return contest{
			func(int) { ours(workers, a, b, c) },
			func(int) { gonumGemm(ta, tb, n, n, n, a.Data, b.Data, c.Data) },
		}
	}}
}

// gonumGemm adds op(A)·op(B), of m × n numbers in sums of k, to C.
func gonumGemm[F kernel.Float](ta, tb blas.Transpose, m, n, k int, a, b, c []F) {
	lda, ldb := k, n
	if ta == blas.Trans {
		lda = m
	}
	if tb == blas.Trans {
		ldb = k
	}
	if unsafe.Sizeof(F(0)) == 4 {
		gonum.Implementation{}.Sgemm(ta, tb, m, n, k, 1, as[float32](a), lda, as[float32](b), ldb, 1, as[float32](c), n)
	} else {
		gonum.Implementation{}.Dgemm(ta, tb, m, n, k, 1, as[float64](a), lda, as[float64](b), ldb, 1, as[float64](c), n)
	}
}

// as returns x as a slice of the type that its numbers have.
func as[T, F kernel.Float](x []F) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// syrkRival sums the outer products of n rows of n numbers.
func syrkRival[F kernel.Float](name string) rival {
	return rival{name, ladder(1024), func(s shape, _ int) contest {
		n, workers := s.m, parallel.Workers(0)
		x, c, sums := numbers[F](n, n), kernel.NewMatrix[float64](n, n), make([]F, n*n)
		return contest{
			func(int) { kernel.Syrk(workers, x, c) },
			func(int) {
				if unsafe.Sizeof(F(0)) == 4 {
					gonum.Implementation{}.Ssyrk(blas.Lower, blas.Trans, n, n, 1, as[float32](x.Data), n, 1, as[float32](sums), n)
				} else {
					gonum.Implementation{}.Dsyrk(blas.Lower, blas.Trans, n, n, 1, as[float64](x.Data), n, 1, as[float64](sums), n)
				}
			},
		}
	}}
}
