package kernel

import "unsafe"

//go:generate go -C _gen run . -family gemm -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel

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
// goroutines run, all ended on return. Cost: 2·m·n·k operations; scratch memory of
// at most 2²² numbers, and 2 MiB per worker. A single column, or a single row of
// few columns, waits for each step of its chain: a dot product with several lanes
// is faster there.
func GemmNN[F Float](workers int, a, b, c Matrix[F]) {
	var left, right side[F]
	left.rows(&a)
	right.cols(&b)
	gemm(workers, &left, &right, &c)
}

// GemmNT adds A·Bᵀ to C, for A of m × k, B of n × k and C of m × n numbers:
//
//	C[i, j] = C[i, j] + Σ A[i, l]·B[j, l]
//
// Everything else is as [GemmNN] has it.
func GemmNT[F Float](workers int, a, b, c Matrix[F]) {
	var left, right side[F]
	left.rows(&a)
	right.rows(&b)
	gemm(workers, &left, &right, &c)
}

// GemmTN adds Aᵀ·B to C, for A of k × m, B of k × n and C of m × n numbers:
//
//	C[i, j] = C[i, j] + Σ A[l, i]·B[l, j]
//
// Everything else is as [GemmNN] has it.
func GemmTN[F Float](workers int, a, b, c Matrix[F]) {
	var left, right side[F]
	left.cols(&a)
	right.cols(&b)
	gemm(workers, &left, &right, &c)
}

const (
	// tinyProduct is the number of multiply-adds below which a loop is faster
	// than a call.
	tinyProduct = 2
	// fewProducts64 is that number for float64 where a call takes but one column.
	fewProducts64 = 8
	// smallProduct is the number of multiply-adds below which packing does not
	// pay.
	smallProduct = 1 << 20
	// smallPanel is the number of numbers below which a right side whose numbers
	// of one step are not neighbours is better left so.
	smallPanel = 16
)

// gemm adds to C[i, j] the product of vector i of the left side and vector j of
// the right side.
func gemm[F Float](workers int, left, right *side[F], c *Matrix[F]) {
	c.check()
	if left.k != right.k || c.Rows != left.n || c.Cols != right.n {
		panic("kernel: matrices do not fit")
	}
	addGemm(workers, left, right, c)
}

// addGemm is gemm of what fits.
func addGemm[F Float](workers int, left, right *side[F], c *Matrix[F]) {
	products := left.n * right.n * left.k
	switch {
	case products <= fewProducts64 && unsafe.Sizeof(F(0)) == 8 && right.along == 1:
		addFew((*side[float64])(unsafe.Pointer(left)), (*side[float64])(unsafe.Pointer(right)), (*Matrix[float64])(unsafe.Pointer(c)))
	case products <= tinyProduct:
		addProduct(left, right, c)
	case products <= smallProduct:
		kernelsOf[F]().addUnpacked(left, right, c)
	default:
		if !substituted(*left, *right, *c) {
			kernelsOf[F]().addPacked(workers, *left, *right, *c, slabNumbers)
		}
	}
}

// addUnpacked adds a product that is too small for packing. Only a right side
// whose numbers of one step are not neighbours is copied.
func (g *gemmKernels[F]) addUnpacked(left, right *side[F], c *Matrix[F]) {
	switch {
	case right.across == 1:
		g.addStrips(left, right.n, right.data, right.along, c)
	case right.n*right.k <= smallPanel || right.n == 1:
		for j := range right.n {
			g.strip(left.n, 1, left.k, left.data, left.across, left.along, right.data[j*right.across:], right.along, c.Data[j:], c.Stride)
		}
	default:
		ldb := roundUp(right.n, g.lanes)
		panel := takeScratch[F](right.k * ldb)
		g.transposeStrip(panel.numbers, ldb, *right)
		g.addStrips(left, right.n, panel.numbers, ldb, c)
		panel.release()
	}
}

// addStrips adds a product with n columns of which a row is ldb behind the last.
func (g *gemmKernels[F]) addStrips(left *side[F], n int, b []F, ldb int, c *Matrix[F]) {
	for j := 0; j < n; j += g.cols {
		g.strip(left.n, min(g.cols, n-j), left.k, left.data, left.across, left.along, b[j:], ldb, c.Data[j:], c.Stride)
	}
}

// slabNumbers is how many numbers of the right side are packed together, at
// most: they are read again for every block of rows, so they should stay in a
// third level cache.
const slabNumbers = 3 << 20

// addPacked adds a product slab by slab of the right side, of at most most
// numbers: all workers pack a slab, then they take blocks of rows of C.
func (g *gemmKernels[F]) addPacked(workers int, left, right side[F], c Matrix[F], most int) {
	depth := g.depthOf(right.k)
	cols := evenPart(right.n, most/depth, g.cols)
	slab := takeScratch[F](roundUp(cols, g.cols) * depth)
	defer slab.release()
	blocks := cut(left.n, g.rows, g.blockRows, workers)
	private := takeScratches[F](min(workers, len(blocks)), g.leftNumbers())
	defer private.release()
	for j := 0; j < right.n; j += cols {
		n := min(cols, right.n-j)
		for l := 0; l < right.k; l += depth {
			k := min(depth, right.k-l)
			p := g.packed(workers, right.part(j, n, l, k), slab.numbers)
			forBlocks(workers, len(blocks), func(w, b int) {
				first, count := blocks[b].first, blocks[b].count
				p.add(private[w].numbers, left.part(first, count, l, k), c.Block(first, j, count, n))
			})
		}
	}
}
