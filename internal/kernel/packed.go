package kernel

// A Packed is the right side of products, copied once into the order in which
// the innermost loops read it, so that many left sides can be streamed against
// it: blocks of train rows against all queries.
//
// It is read-only after its making and may serve any number of goroutines. It
// owns its numbers, n rounded up to a multiple of 32 at most, times k; the matrix
// that it was made of is not kept.
type Packed[F Float] struct {
	kernels *gemmKernels[F]
	n, k    int
	depth   int // steps over k that are packed together
	numbers []F // for each depth, for each strip of columns: depth × strip
}

// PackNN packs B of k × n numbers for products C += A·B.
func PackNN[F Float](workers int, b Matrix[F]) *Packed[F] { return packAll(workers, colsOf(&b)) }

// PackNT packs B of n × k numbers, the rows of which are the columns of the
// products C += A·Bᵀ: n queries, for example.
func PackNT[F Float](workers int, b Matrix[F]) *Packed[F] { return packAll(workers, rowsOf(&b)) }

func packAll[F Float](workers int, right side[F]) *Packed[F] {
	g := kernelsOf[F]()
	p := g.packed(workers, right, make([]F, roundUp(right.n, g.cols)*right.k))
	return &p
}

// Cols returns the number of columns of a product.
func (p *Packed[F]) Cols() int { return p.n }

// Depth returns k, the number of columns that a left side must have.
func (p *Packed[F]) Depth() int { return p.k }

// Add adds a product to C on the calling goroutine:
//
//	C[i, j] = C[i, j] + Σ A[i, l]·B[l, j]
//
// for A of m × k and C of m × n numbers. Each entry is the chain of [GemmNN],
// started from what C held: the bits are those of one call for all rows of A.
// C must not overlap A.
func (p *Packed[F]) Add(a, c Matrix[F]) {
	c.check()
	left := rowsOf(&a)
	if left.k != p.k || c.Rows != left.n || c.Cols != p.n {
		panic("kernel: matrices do not fit")
	}
	private := takeScratch[F](p.kernels.leftNumbers())
	defer private.release()
	p.add(private.numbers, left, c)
}

// EachBlock computes C = A·B block by block of the rows of A, on at most workers
// goroutines, and calls use for each finished block: c holds the products of rows
// [row, row + c.Rows) of A, started from 0, one column for each column of B. So C
// as a whole never exists.
//
// Blocks come in no order, and several at a time; worker, below max(1, workers),
// numbers the goroutine. c belongs to use until it returns, and may be changed.
// How the rows are cut depends on workers and shapes; the numbers do not.
func (p *Packed[F]) EachBlock(workers int, a Matrix[F], use func(worker, row int, c Matrix[F])) {
	p.eachBlock(workers, rowsOf(&a), use)
}

// EachBlockTN is EachBlock of C = Aᵀ·B, for A of k × m numbers: row i of C is that of
// column i of A.
func (p *Packed[F]) EachBlockTN(workers int, a Matrix[F], use func(worker, row int, c Matrix[F])) {
	p.eachBlock(workers, colsOf(&a), use)
}

func (p *Packed[F]) eachBlock(workers int, left side[F], use func(worker, row int, c Matrix[F])) {
	if left.k != p.k {
		panic("kernel: matrices do not fit")
	}
	spans := cut(left.n, p.kernels.rows, p.BlockRows(), workers)
	workers = max(1, min(workers, len(spans)))
	private := takeScratches[F](workers, p.kernels.leftNumbers())
	defer private.release()
	products := takeScratches[F](workers, p.BlockRows()*p.n)
	defer products.release()
	forBlocks(workers, len(spans), func(w, b int) {
		at := spans[b]
		c := Matrix[F]{Data: products[w].numbers[:at.count*p.n], Rows: at.count, Cols: p.n, Stride: p.n}
		clear(c.Data)
		p.add(private[w].numbers, left.part(at.first, at.count, 0, p.k), c)
		use(w, at.first, c)
	})
}

// blockNumbers is how many numbers of C a block has, about: it is read and
// written again for each depth, out of a second level cache.
const blockNumbers = 1 << 18

// BlockRows returns how many rows of A make a block whose products stay in a
// cache while they are summed and used.
func (p *Packed[F]) BlockRows() int {
	g := p.kernels
	rows := blockNumbers / max(1, p.n) / g.rows * g.rows
	return min(max(rows, 4*g.rows), g.blockRows/g.rows*g.rows)
}

// packStrips is how many strips one worker packs at a time.
const packStrips = 4

// packed packs a right side into numbers, which must hold its vectors, in whole
// strips.
func (g *gemmKernels[F]) packed(workers int, right side[F], numbers []F) Packed[F] {
	p := Packed[F]{kernels: g, n: right.n, k: right.k, depth: g.depthOf(right.k), numbers: numbers}
	if p.n == 0 || p.k == 0 {
		return p
	}
	width := packStrips * g.cols
	across := ceilDiv(p.n, width)
	forBlocks(workers, across*ceilDiv(p.k, p.depth), func(_, b int) {
		j, l := b%across*width, b/across*p.depth
		k := min(p.depth, p.k-l)
		g.pack(p.part(l)[j*k:], g.cols, right.part(j, min(width, p.n-j), l, k))
	})
	return p
}

// part returns the packed strips of the depth that begins at l.
func (p *Packed[F]) part(l int) []F { return p.numbers[roundUp(p.n, p.kernels.cols)*l:] }

// add adds left·B to c. It packs the left side into private, which holds
// leftNumbers.
func (p *Packed[F]) add(private []F, left side[F], c Matrix[F]) {
	p.addLower(private, left, c, p.n)
}

// addLower is add without the tiles above a diagonal: those that lie right of
// column above + i for all their rows i.
func (p *Packed[F]) addLower(private []F, left side[F], c Matrix[F], above int) {
	g := p.kernels
	for l := 0; l < p.k; l += p.depth {
		k := min(p.depth, p.k-l)
		for i := 0; i < left.n; i += g.blockRows {
			rows := min(g.blockRows, left.n-i)
			g.pack(private, g.rows, left.part(i, rows, l, k))
			g.addBlock(private, p.part(l), k, c.Block(i, 0, rows, p.n), above+i)
		}
	}
}

// addBlock adds the product of packed sides over k steps to c, without tiles
// that lie right of column above + i for all their rows i.
func (g *gemmKernels[F]) addBlock(left, right []F, k int, c Matrix[F], above int) {
	for j := 0; j < c.Cols; j += g.cols {
		b, cols := right[j*k:], min(g.cols, c.Cols-j)
		for i := max(0, j-above) / g.rows * g.rows; i < c.Rows; i += g.rows {
			a, at := left[i*k:], c.Data[i*c.Stride+j:]
			if rows := min(g.rows, c.Rows-i); rows < g.rows || cols < g.cols {
				g.strip(rows, cols, k, a, 1, g.rows, b, g.cols, at, c.Stride)
			} else {
				g.tile(k, a, b, at, c.Stride)
			}
		}
	}
}
