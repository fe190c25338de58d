package kernel

// A Packed is the right side of products, copied once into the order in which
// the innermost loops read it. It is read-only after its making and may serve
// any number of products at once; the matrix that it was made of is not kept.
type Packed[F Float] struct {
	kernels *gemmKernels[F]
	n, k    int
	depth   int // steps over k that are packed together
	numbers []F // for each depth, for each strip of columns: depth × strip
}

// PackNN packs B of k × n numbers for products C += A·B.
func PackNN[F Float](workers int, b Matrix[F]) *Packed[F] { return packAll(workers, colsOf(b)) }

// PackNT packs B of n × k numbers, the rows of which are the columns of the
// products C += A·Bᵀ: n queries, for example.
func PackNT[F Float](workers int, b Matrix[F]) *Packed[F] { return packAll(workers, rowsOf(b)) }

func packAll[F Float](workers int, right side[F]) *Packed[F] {
	g := kernelsOf[F]()
	p := g.packed(workers, right, make([]F, roundUp(right.n, g.cols)*right.k))
	return &p
}

// Cols returns the number of columns of a product.
func (p *Packed[F]) Cols() int { return p.n }

// Depth returns k, the number of columns that a left side must have.
func (p *Packed[F]) Depth() int { return p.k }

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
