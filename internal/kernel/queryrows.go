package kernel

// QueryRows are query rows, copied once into the order in which scoring reads them,
// so that any number of train rows can be streamed against them.
//
// They are read-only after their making and may serve any number of goroutines.
type QueryRows[F Float] struct {
	queries, d int
	groups     []queryGroup[F] // of few queries
	packed     *Packed[F]      // of many
}

// NewQueryRows copies query rows; a single one is kept as it is and must not
// change. At most workers goroutines run, all ended on return.
func NewQueryRows[F Float](workers int, queries Matrix[F]) *QueryRows[F] {
	queries.check()
	p := &QueryRows[F]{queries: queries.Rows, d: queries.Cols}
	if queries.Rows <= FewQueries {
		p.groups = groupQueries(queries)
	} else {
		p.packed = PackNT(workers, queries)
	}
	return p
}

// EachBlock computes the scores of train rows with the query rows block by
// block, and calls use for each finished block: scores holds those of train rows
// [row, row + scores.Rows), one column for each query row. So the scores as a whole
// never exist.
//
// Up to [FewQueries] query rows a score is that of [Dots], above that the chain of
// [GemmNT] started from 0: which of them depends on the number of query rows alone.
// Blocks come in no order, and several at a time; worker, below max(1, workers),
// numbers the goroutine, all of which have ended on return. scores belongs to use
// until it returns, and may be changed. How the rows are cut depends on workers and
// shapes; the scores do not.
func (p *QueryRows[F]) EachBlock(workers int, train Matrix[F], use func(worker, row int, scores Matrix[F])) {
	train.check()
	if p.packed != nil {
		p.packed.EachBlock(workers, train, use)
		return
	}
	p.eachFew(workers, train.Rows, train.Cols, use, func(first int, out Matrix[F]) {
		dotRows(train.Block(first, 0, out.Rows, train.Cols), p.groups, out)
	})
}

// eachFew cuts train rows of d numbers into blocks, whose scores fill writes.
func (p *QueryRows[F]) eachFew(workers, rows, d int, use func(worker, row int, scores Matrix[F]), fill func(first int, out Matrix[F])) {
	if d != p.d {
		panic("kernel: train and query rows differ in length")
	}
	if p.queries == 0 {
		return
	}
	private := make([][]F, max(1, workers))
	forRows(workers, rows, max(1, d), func(worker, first, n int) {
		if cap(private[worker]) < n*p.queries {
			private[worker] = make([]F, n*p.queries)
		}
		out := MatrixOf(private[worker][:n*p.queries], n, p.queries)
		if d == 0 {
			clear(out.Data)
		} else {
			fill(first, out)
		}
		use(worker, first, out)
	})
}

// EachHalfBlock is [QueryRows.EachBlock] for stored train rows. Up to [FewQueries]
// query rows a score is that of [HalfDots]; above that it is the chain of [GemmNT]
// over the stored numbers, each widened to float32, multiplied with the scale of
// the row.
func EachHalfBlock[H Half](p *QueryRows[float32], workers int, train HalfMatrix[H], use func(worker, row int, scores Matrix[float32])) {
	train.check()
	if p.packed == nil {
		p.eachFew(workers, train.Rows, train.Cols, use, func(first int, out Matrix[float32]) {
			halfRows(train, first, p.groups, out)
		})
		return
	}
	if train.Cols != p.d {
		panic("kernel: train and query rows differ in length")
	}
	size := p.packed.BlockRows()
	wide := takeScratches[float32](workers, size*p.d)
	defer wide.release()
	products := takeScratches[float32](workers, size*p.queries)
	defer products.release()
	forBlocks(workers, ceilDiv(train.Rows, size), func(worker, b int) {
		first := b * size
		n := min(size, train.Rows-first)
		out := MatrixOf(products[worker].numbers[:n*p.queries], n, p.queries)
		clear(out.Data)
		p.packed.Add(train.widen(wide[worker].numbers, first, n), out)
		train.rescale(first, out)
		use(worker, first, out)
	})
}

// IntoEnds returns what [QueryRows.EachBlock] may use to keep the ends of the scores:
// one state for each worker, to be merged at the end. Row 0 of the matrix that is
// streamed is train row firstRow.
func IntoEnds[F Float](states []*Ends[F], firstRow int64) func(worker, row int, scores Matrix[F]) {
	return func(worker, row int, scores Matrix[F]) {
		first := firstRow + int64(row)
		states[worker].Add(0, scores, func(i int) int64 { return first + int64(i) })
	}
}

// IntoTotals returns what [QueryRows.EachBlock] may use to write the totals over the
// queries of each train row: totals[i] is that of row i of the matrix.
func IntoTotals[F Float](totals []Total) func(worker, row int, scores Matrix[F]) {
	return func(_, row int, scores Matrix[F]) {
		WriteTotals(totals[row:row+scores.Rows], scores)
	}
}
