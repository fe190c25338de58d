package kernel

import binary "math/bits"

// SumRows is the number of rows that a sum over rows adds in the precision of
// its numbers; above that it is a tree in float64.
const SumRows = 4096

// Syrk adds the sum of the outer products of the rows of X to C:
//
//	C += Xᵀ·X     C[i, j] = C[i, j] + Σ X[r, i]·X[r, j]
//
// for X of n × d and C of d × d numbers. Inside a block of [SumRows] rows, counted
// from the first of X, the sum is one chain of fused multiply-adds in the
// precision of X that starts from 0; the sums of blocks are added to 0 in float64,
// and to each other on a binary tree: neighbours 2b and 2b+1 on each level, an odd
// last one passes up. The root is added to C. So a row range that begins at a
// multiple of SumRows·2^l and has that many rows is a subtree: calls of such
// ranges, each onto zeros, can be merged on the same tree.
//
// C must be symmetric: only its lower half is read, and mirrored into the upper
// one. X and C must not overlap. NaN and ±Inf follow from the chains. No rows
// leave C as it is.
//
// Cost: n·d² operations, the products of the lower half once. Scratch memory is
// (1 + log₂(n / SumRows))·min(d, 512)·d float64, and 16 MiB, and 2 MiB for each of
// the workers, up to twice that.
func Syrk[F Float](workers int, x Matrix[F], c Matrix[float64]) {
	x.check()
	c.check()
	if c.Rows != x.Cols || c.Cols != x.Cols {
		panic("kernel: matrices do not fit")
	}
	if x.Rows == 0 || x.Cols == 0 {
		return
	}
	switch products := x.Rows * x.Cols * x.Cols; {
	case products <= tinyProduct:
		addSquares(&x, &c.Data[0])
		return
	case products <= smallProduct && x.Rows <= SumRows:
		syrkSmall(&x, &c)
		return
	}
	g := kernelsOf[F]()
	cols := evenPart(x.Cols, syrkCols, g.cols)
	s := syrk[F]{gemmKernels: g, workers: workers, x: colsOf(&x), c: c, wide: gemm64[path].widen}
	s.slab = takeScratch[F](cols * min(x.Rows, SumRows))
	defer s.slab.release()
	s.left = takeScratches[F](workers, g.leftNumbers())
	defer s.left.release()
	s.sums = takeScratches[F](workers, g.blockRows*cols)
	defer s.sums.release()
	s.levels = takeScratches[float64](binary.Len(uint(ceilDiv(x.Rows, SumRows))), cols*x.Cols)
	defer s.levels.release()
	for j := 0; j < x.Cols; j += cols {
		s.addColumns(j, min(cols, x.Cols-j))
	}
	mirror(workers, c)
}

// addSquares is Syrk of one column.
func addSquares[F Float](x *Matrix[F], c *float64) {
	var sum F
	for r := range x.Rows {
		v := x.Data[r*x.Stride]
		sum = fma(v, v, sum)
	}
	*c += 0 + float64(sum)
}

// syrkSmall is Syrk of one block of rows, which is too small for packing.
func syrkSmall[F Float](x *Matrix[F], c *Matrix[float64]) {
	d := x.Cols
	if d <= syrkTiny {
		var sum [syrkTiny * syrkTiny]F
		stripInPlace(d, d, x.Rows, &x.Data[0], 1, x.Stride, &x.Data[0], x.Stride, &sum[0], d)
		addMirrored(sum[:], c)
		return
	}
	g, sum := kernelsOf[F](), takeScratch[F](d*d)
	clear(sum.numbers[:d*d])
	for j := 0; j < d; j += g.cols {
		g.strip(d-j, min(g.cols, d-j), x.Rows, x.Data[j:], 1, x.Stride, x.Data[j:], x.Stride, sum.numbers[j*d+j:], d)
	}
	addMirrored(sum.numbers, c)
	sum.release()
}

// syrkTiny is the number of columns up to which their sums are kept on the stack.
const syrkTiny = 4

// addMirrored adds the lower half of a sum to C, and mirrors that.
func addMirrored[F Float](sum []F, c *Matrix[float64]) {
	for i := range c.Rows {
		row, from := c.Data[i*c.Stride:], sum[i*c.Rows:]
		for j := range i + 1 {
			// The sum counts as added to 0, which matters where it is -0.
			total := row[j] + (0 + float64(from[j]))
			row[j], c.Data[j*c.Stride+i] = total, total
		}
	}
}

// syrkCols is how many columns of C are summed at the same time.
const syrkCols = 512

// A syrk is a call of Syrk. It goes over columns of C, over blocks of rows of X,
// and over rows of C, of which a worker takes some.
type syrk[F Float] struct {
	*gemmKernels[F]
	workers    int
	x          side[F]
	c          Matrix[float64]
	wide       func(src, dst []float64)
	slab       *scratch[F]        // columns of a block of X, packed
	left, sums scratches[F]       // per worker
	levels     scratches[float64] // partial sums: at level l of 2^l blocks
}

// addColumns adds columns [first, first+n) of C, from their diagonal down.
func (s *syrk[F]) addColumns(first, n int) {
	spans := cut(s.x.n-first, s.rows, s.blockRows, s.workers)
	blocks := ceilDiv(s.x.k, SumRows)
	for b := range blocks {
		row := b * SumRows
		rows := min(SumRows, s.x.k-row)
		packed := s.packed(s.workers, s.x.part(first, n, row, rows), s.slab.numbers)
		forBlocks(s.workers, len(spans), func(w, i int) {
			at := spans[i]
			sum := Matrix[F]{Data: s.sums[w].numbers[:at.count*n], Rows: at.count, Cols: n, Stride: n}
			clear(sum.Data)
			left := s.x.part(first+at.first, at.count, row, rows)
			packed.addLower(s.left[w].numbers, left, sum, at.first)
			s.fold(b, at, sum)
			if b == blocks-1 {
				s.finish(blocks, at, first, n)
			}
		})
	}
}

// level returns the partial sums at a level for row i of n columns.
func (s *syrk[F]) level(l, i, n int) []float64 { return s.levels[l].numbers[i*n:][:n] }

// fold adds the sum of block b to the tree, as a binary counter adds one.
func (s *syrk[F]) fold(b int, at span, sum Matrix[F]) {
	for i := range at.count {
		row := at.first + i
		n := min(sum.Cols, row+1)
		low := s.level(0, row, sum.Cols)[:n]
		if b&1 == 0 {
			clear(low)
		}
		s.widen(sum.Row(i)[:n], low)
		for l := 1; b>>(l-1)&1 == 1; l++ {
			next := s.level(l, row, sum.Cols)[:n]
			if b>>l&1 == 0 {
				copy(next, low)
				break
			}
			s.wide(low, next)
			low = next
		}
	}
}

// finish adds what waits on the levels to each other and to C.
func (s *syrk[F]) finish(blocks int, at span, first, cols int) {
	for row := at.first; row < at.first+at.count; row++ {
		n := min(cols, row+1)
		lowest := binary.TrailingZeros(uint(blocks))
		sum := s.level(lowest, row, cols)[:n]
		for l := lowest + 1; l < len(s.levels); l++ {
			if blocks>>l&1 == 1 {
				next := s.level(l, row, cols)[:n]
				s.wide(sum, next)
				sum = next
			}
		}
		s.wide(sum, s.c.Row(first + row)[first:][:n])
	}
}

// mirror copies the lower half of c into the upper one.
func mirror(workers int, c Matrix[float64]) {
	const size = 32
	side := ceilDiv(c.Rows, size)
	forBlocks(workers, side, func(_, b int) {
		for j := 0; j <= b*size; j += size {
			for i := b * size; i < min(c.Rows, (b+1)*size); i++ {
				row := c.Data[i*c.Stride:]
				for k := j; k < min(i, j+size); k++ {
					c.Data[k*c.Stride+i] = row[k]
				}
			}
		}
	})
}
