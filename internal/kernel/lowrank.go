package kernel

// LowRankRows are query matrices of rank k,
//
//	W_j = Σ_l u_jl·v_jlᵀ     l < k
//
// copied once into the order in which scoring reads them, so that any number of sums of
// outer products can be streamed against them: the gradients of a linear map, which are
// not formed.
//
// They are read-only after their making and may serve any number of goroutines.
type LowRankRows[F Float] struct {
	queries, rank int
	slabs         []lowRankSlab[F]
}

// A lowRankSlab is some neighbouring queries. Component l of the j-th of them is column
// l·count + j, so that the products of a component with all of them are neighbours.
type lowRankSlab[F Float] struct {
	first, count, rank int
	left, right        *Packed[F] // of the u and of the v
}

// NewLowRankRows copies the components of query matrices: component l of query j is row
// j·rank + l of u (queries·rank × p) and of v (queries·rank × r). At most workers
// goroutines run, all ended on return.
func NewLowRankRows[F Float](workers, rank int, u, v Matrix[F]) *LowRankRows[F] {
	u.check()
	v.check()
	if rank < 1 || u.Rows != v.Rows || u.Rows%rank != 0 {
		panic("kernel: components do not fit their rank")
	}
	p := &LowRankRows[F]{queries: u.Rows / rank, rank: rank}
	width := max(1, slabCols/rank)
	if width > 16 {
		width &^= 15
	}
	for first := 0; first < p.queries; first += width {
		s := lowRankSlab[F]{first: first, count: min(width, p.queries-first), rank: rank}
		s.left = PackNT(workers, byComponent(u, s))
		s.right = PackNT(workers, byComponent(v, s))
		p.slabs = append(p.slabs, s)
	}
	return p
}

// byComponent returns the components of the queries of a slab, the first ones of all
// queries first.
func byComponent[F Float](m Matrix[F], s lowRankSlab[F]) Matrix[F] {
	out := NewMatrix[F](s.rank*s.count, m.Cols)
	for l := range s.rank {
		for j := range s.count {
			copy(out.Row(l*s.count+j), m.Row((s.first+j)*s.rank+l))
		}
	}
	return out
}

// EachBlock computes the scores of train examples with the queries block by block, and
// calls use for each finished block. Example i is the sum of outer products of rows
// start[i] … start[i+1]−1 of g (rows × p) and a (rows × r), and
//
//	scores[i, j] = Σ_t Σ_l ⟨u_jl, g_t⟩·⟨v_jl, a_t⟩
//
// is one chain of fused multiply-adds over rows t, and components l within a row, from 0,
// of products which are each the chain of [GemmNT] from 0. An example without rows has
// zeros. scores holds those of examples [first, first + scores.Rows); everything else is as
// [QueryRows.EachBlock] has it.
//
// Cost: 2·rows·queries·rank·(p + r + 1) operations.
func (p *LowRankRows[F]) EachBlock(workers int, start []int, g, a Matrix[F], use func(worker, first int, scores Matrix[F])) {
	eachExamples(workers, p.queries, p.slabs, start, g, a, use)
}

// add implements exampleSlab.
func (s lowRankSlab[F]) add(start []int, g, a Matrix[F], scratch []F, out Matrix[F]) {
	cols, example := s.rank*s.count, 0
	for lo, end := start[0], start[len(start)-1]; lo < end; lo += slabRows {
		n := min(slabRows, end-lo)
		x, y := MatrixOf(scratch[:n*cols], n, cols), MatrixOf(scratch[n*cols:2*n*cols], n, cols)
		clear(scratch[:2*n*cols])
		s.left.Add(g.Block(lo, 0, n, g.Cols), x)
		s.right.Add(a.Block(lo, 0, n, a.Cols), y)
		for t := range n {
			for start[example+1] <= lo+t {
				example++
			}
			sum, left, right := out.Row(example)[s.first:][:s.count], x.Row(t), y.Row(t)
			for l := 0; l < cols; l += s.count {
				addProducts(sum, left[l:l+s.count], right[l:l+s.count])
			}
		}
	}
}

// scratchNumbers implements exampleSlab.
func (s lowRankSlab[F]) scratchNumbers() int { return 2 * slabRows * s.rank * s.count }
