package bench

import (
	"unsafe"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// Sizes of rows, and how many there are.
var (
	rowCounts  = []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65}
	rowLengths = []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 128, 129, 300, 1000}
	evenLength = []int{8, 16, 24, 32, 40, 64, 72, 128, 136, 1000} // where a kernel wants whole groups of 8
)

// vectorRivals are products of matrices with one vector or a few, and what comes from
// two vectors.
func vectorRivals() []rival {
	return []rival{
		dotsRival[float32]("Dots/float32/1", 1), dotsRival[float64]("Dots/float64/1", 1),
		dotsRival[float32]("Dots/float32/2", 2), dotsRival[float32]("Dots/float32/3", 3), dotsRival[float32]("Dots/float32/8", 8),
		dotsRival[float64]("Dots/float64/2", 2), dotsRival[float64]("Dots/float64/3", 3),
		rowDotsRival[float32]("RowDots/float32"), rowDotsRival[float64]("RowDots/float64"),
		{"DotRows", grid(rowCounts, evenLength), func(s shape, _ int) contest {
			a, x, out := numbers[float64](s.m, s.n), numbers[float64](1, s.n), make([]float64, s.m)
			return contest{
				func(int) { kernel.DotRows(a.Data, s.n, x.Data, out) },
				func(int) { gonum.Implementation{}.Dgemv(blas.NoTrans, s.m, s.n, 1, a.Data, s.n, x.Data, 1, 0, out, 1) },
			}
		}},
		{"AddRowMultiples", grid(rowCounts, rowLengths), func(s shape, _ int) contest {
			a, c, y := numbers[float64](s.m, s.n), numbers[float64](1, s.m), make([]float64, s.n)
			return contest{
				func(int) { kernel.AddRowMultiples(a.Data, s.n, c.Data, y) },
				func(int) { gonum.Implementation{}.Dgemv(blas.Trans, s.m, s.n, 1, a.Data, s.n, c.Data, 1, 1, y, 1) },
			}
		}},
		{"Rotate", ladder(1024), func(s shape, _ int) contest {
			x, y := numbers[float64](1, s.m), numbers[float64](1, s.m)
			return contest{
				func(int) { kernel.Rotate(x.Data, y.Data, 0.6, 0.8) },
				func(int) { gonum.Implementation{}.Drot(s.m, x.Data, 1, y.Data, 1, 0.6, 0.8) },
			}
		}},
		{"SymvLower", shapesOf(evenLength), func(s shape, _ int) contest {
			n := s.m
			a, x, y := numbers[float64](n, n), numbers[float64](1, n), make([]float64, n)
			return contest{
				func(int) { kernel.SymvLower(a.Data, n, 0, 0, n, x.Data, y) },
				func(int) { gonum.Implementation{}.Dsymv(blas.Lower, n, 1, a.Data, n, x.Data, 1, 1, y, 1) },
			}
		}},
	}
}

func shapesOf(sizes []int) (shapes []shape) {
	for _, n := range sizes {
		shapes = append(shapes, shape{m: n})
	}
	return shapes
}

// dotsRival multiplies rows with q queries: one is a vector for gonum, more are a
// matrix.
func dotsRival[F kernel.Float](name string, q int) rival {
	return rival{name, grid(rowCounts, rowLengths), func(s shape, _ int) contest {
		workers := parallel.Workers(0)
		train, queries, out := numbers[F](s.m, s.n), numbers[F](q, s.n), kernel.NewMatrix[F](s.m, q)
		c := contest{ours: func(int) { kernel.Dots(workers, train, queries, out) }}
		switch {
		case q > 1:
			c.gonums = func(int) { gonumGemm(blas.NoTrans, blas.Trans, s.m, q, s.n, train.Data, queries.Data, out.Data) }
		case unsafe.Sizeof(F(0)) == 4:
			a, x, y := as[float32](train.Data), as[float32](queries.Data), as[float32](out.Data)
			c.gonums = func(int) { gonum.Implementation{}.Sgemv(blas.NoTrans, s.m, s.n, 1, a, s.n, x, 1, 0, y, 1) }
		default:
			a, x, y := as[float64](train.Data), as[float64](queries.Data), as[float64](out.Data)
			c.gonums = func(int) { gonum.Implementation{}.Dgemv(blas.NoTrans, s.m, s.n, 1, a, s.n, x, 1, 0, y, 1) }
		}
		return c
	}}
}

// rowDotsRival multiplies each row with one of its own: for gonum a dot product each.
func rowDotsRival[F kernel.Float](name string) rival {
	return rival{name, grid(rowCounts, rowLengths), func(s shape, _ int) contest {
		workers := parallel.Workers(0)
		x, y, out := numbers[F](s.m, s.n), numbers[F](s.m, s.n), make([]F, s.m)
		return contest{
			func(int) { kernel.RowDots(workers, x, y, out) },
			func(int) {
				for i := range out {
					out[i] = gonumDot(x.Row(i), y.Row(i))
				}
			},
		}
	}}
}

func gonumDot[F kernel.Float](x, y []F) F {
	if unsafe.Sizeof(F(0)) == 4 {
		return F(gonum.Implementation{}.Sdot(len(x), as[float32](x), 1, as[float32](y), 1))
	}
	return F(gonum.Implementation{}.Ddot(len(x), as[float64](x), 1, as[float64](y), 1))
}
