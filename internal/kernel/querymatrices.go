package kernel

// QueryMatrices are query matrices W_j of p × r numbers, copied once into the order in
// which scoring reads them, so that any number of sums of outer products can be streamed
// against them: the gradients of a linear map, which are not formed.
//
// Once made they are read-only and may serve any number of goroutines.
type QueryMatrices[F Float] struct {
	queries, p, r int
	slabs         []matrixSlab[F]
}

// A matrixSlab is the rows of some neighbouring query matrices, one below the other.
type matrixSlab[F Float] struct {
	first, count, p int
	rows            *Packed[F]
}

// NewQueryMatrices returns no query matrices yet, of p × r numbers each.
func NewQueryMatrices[F Float](p, r int) *QueryMatrices[F] {
	if p < 1 || r < 1 {
		panic("kernel: query matrices without numbers")
	}
	return &QueryMatrices[F]{p: p, r: r}
}

// Len returns the number of query matrices.
func (m *QueryMatrices[F]) Len() int { return m.queries }

// Append copies further query matrices, row after row of p·r numbers without gaps between
// them. At most workers goroutines run, all ended on return.
func (m *QueryMatrices[F]) Append(workers int, w Matrix[F]) {
	w.check()
	if w.Cols != m.p*m.r || w.Rows > 1 && w.Stride != w.Cols {
		panic("kernel: query matrices do not fit")
	}
	width := max(1, slabCols/m.p)
	for lo := 0; lo < w.Rows; lo += width {
		n := min(width, w.Rows-lo)
		rows := MatrixOf(w.Block(lo, 0, n, w.Cols).Data, n*m.p, m.r)
		m.slabs = append(m.slabs, matrixSlab[F]{m.queries + lo, n, m.p, PackNT(workers, rows)})
	}
	m.queries += w.Rows
}

// EachBlock computes the scores of train examples with the queries block by block, and
// calls use for each finished block. Example i is the sum of outer products of rows
// start[i] … start[i+1]−1 of g (rows × p) and a (rows × r), and
//
//	scores[i, j] = Σ_t g_tᵀ·W_j·a_t
//
// is the sum over rows t, in order, of dot products of g_t and W_j·a_t, as [Dots] has
// them, where each number of W_j·a_t is the chain of [GemmNT] from 0. Everything else is
// as [LowRankRows.EachBlock] has it.
//
// Cost: 2·rows·queries·p·(r + 1) operations, where forming the examples and multiplying
// them takes 2·p·r·(rows + examples·queries).
func (m *QueryMatrices[F]) EachBlock(workers int, start []int, g, a Matrix[F], use func(worker, first int, scores Matrix[F])) {
	if g.Cols != m.p || a.Cols != m.r {
		panic("kernel: examples do not fit the query matrices")
	}
	eachExamples(workers, m.queries, m.slabs, start, g, a, use)
}

// add implements exampleSlab.
func (s matrixSlab[F]) add(start []int, g, a Matrix[F], scratch []F, out Matrix[F]) {
	cols, example := s.count*s.p, 0
	for lo, end := start[0], start[len(start)-1]; lo < end; lo += slabRows {
		n := min(slabRows, end-lo)
		x, dots := MatrixOf(scratch[:n*cols], n, cols), scratch[n*cols:][:n*s.count]
		clear(x.Data)
		s.rows.Add(a.Block(lo, 0, n, a.Cols), x)
		for j := range s.count {
			dotPairs(n, s.p, &x.Data[j*s.p], cols, &g.Data[lo*g.Stride], g.Stride, &dots[j], s.count)
		}
		for t := range n {
			for start[example+1] <= lo+t {
				example++
			}
			sum := out.Row(example)[s.first:]
			for j, v := range dots[t*s.count:][:s.count] {
				sum[j] += v
			}
		}
	}
}

// scratchNumbers implements exampleSlab.
func (s matrixSlab[F]) scratchNumbers() int { return slabRows * s.count * (s.p + 1) }
