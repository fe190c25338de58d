package kernel

// GemmNN adds a product of matrices:
//
//	C += A·B     C[i, j] = C[i, j] + Σ A[i, l]·B[l, j]
//
// for A of m × k, B of k × n and C of m × n numbers. Each entry of C is one
// chain of fused multiply-adds over l in ascending order that starts from what C
// held:
//
//	c = fma(A[i, l], B[l, j], c)
//
// so its bits depend on nothing but its row of A, its column of B and itself:
// not on blocks, workers, strides or the CPU. NaN and ±Inf follow from the chain;
// k = 0 leaves C as it is.
//
// C must not overlap A or B. Sizes that do not fit are a panic. At most workers
// goroutines run, all ended on return. Cost: 2·m·n·k operations; scratch memory
// is bounded by 64 MiB and 2 MiB per worker.
func GemmNN[F Float](workers int, a, b, c Matrix[F]) {
	gemm(workers, rowsOf(a), colsOf(b), c)
}

// GemmNT adds A·Bᵀ to C, for A of m × k, B of n × k and C of m × n numbers:
//
//	C[i, j] = C[i, j] + Σ A[i, l]·B[j, l]
//
// Everything else is as [GemmNN] has it.
func GemmNT[F Float](workers int, a, b, c Matrix[F]) {
	gemm(workers, rowsOf(a), rowsOf(b), c)
}

// GemmTN adds Aᵀ·B to C, for A of k × m, B of k × n and C of m × n numbers:
//
//	C[i, j] = C[i, j] + Σ A[l, i]·B[l, j]
//
// Everything else is as [GemmNN] has it.
func GemmTN[F Float](workers int, a, b, c Matrix[F]) {
	gemm(workers, colsOf(a), colsOf(b), c)
}

// A side is a factor as a product sees it: n vectors of k numbers, of which
// number l of vector i is data[i·across + l·along]. The left side has a vector
// for each row of C, the right side one for each column. One of across and
// along is 1.
type side[F Float] struct {
	data          []F
	n, k          int
	across, along int
}

// rowsOf takes the rows of a matrix as vectors.
func rowsOf[F Float](m Matrix[F]) side[F] {
	m.check()
	return side[F]{m.Data, m.Rows, m.Cols, m.Stride, 1}
}

// colsOf takes the columns of a matrix as vectors.
func colsOf[F Float](m Matrix[F]) side[F] {
	m.check()
	return side[F]{m.Data, m.Cols, m.Rows, 1, m.Stride}
}

// gemm adds to C[i, j] the product of vector i of the left side and vector j of
// the right side.
func gemm[F Float](workers int, left, right side[F], c Matrix[F]) {
	c.check()
	if left.k != right.k || c.Rows != left.n || c.Cols != right.n {
		panic("kernel: matrices do not fit")
	}
	if left.n == 0 || right.n == 0 || left.k == 0 {
		return
	}
	forBlocks(workers, left.n, func(_, i int) {
		for j := range right.n {
			s := c.Data[i*c.Stride+j]
			for l := range left.k {
				s = fma(left.data[i*left.across+l*left.along], right.data[j*right.across+l*right.along], s)
			}
			c.Data[i*c.Stride+j] = s
		}
	})
}
