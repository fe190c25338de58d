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
	first, count int
	left, right  *Packed[F] // of the u and of the v
}

const (
	lowRankCols = 1024 // of a slab, about: products of a block of rows stay in a cache
	lowRankRows = 112  // of a block, a multiple of the rows of tiles
)

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
	width := max(1, lowRankCols/rank)
	if width > 16 {
		width &^= 15
	}
	for first := 0; first < p.queries; first += width {
		s := lowRankSlab[F]{first: first, count: min(width, p.queries-first)}
		s.left = PackNT(workers, byComponent(u, rank, s))
		s.right = PackNT(workers, byComponent(v, rank, s))
		p.slabs = append(p.slabs, s)
	}
	return p
}

// byComponent returns the components of the queries of a slab, the first ones of all
// queries first.
func byComponent[F Float](m Matrix[F], rank int, s lowRankSlab[F]) Matrix[F] {
	out := NewMatrix[F](rank*s.count, m.Cols)
	for l := range rank {
		for j := range s.count {
			copy(out.Row(l*s.count+j), m.Row((s.first+j)*rank+l))
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
	g.check()
	a.check()
	examples := len(start) - 1
	if g.Rows != a.Rows || examples < 0 || start[0] < 0 || start[examples] > g.Rows {
		panic("kernel: examples do not fit their rows")
	}
	if p.queries == 0 {
		return
	}
	blocks := groupExamples(start)
	workers = max(1, min(workers, len(blocks)))
	scores := make([][]F, workers)
	products := takeScratches[F](workers, 2*lowRankRows*p.slabs[0].count*p.rank)
	defer products.release()
	forBlocks(workers, len(blocks), func(worker, b int) {
		at := blocks[b]
		if n := at.count * p.queries; cap(scores[worker]) < n {
			scores[worker] = make([]F, n)
		}
		out := MatrixOf(scores[worker][:at.count*p.queries], at.count, p.queries)
		clear(out.Data)
		for i := range p.slabs {
			p.slabs[i].add(p.rank, start[at.first:at.first+at.count+1], g, a, products[worker].numbers, out)
		}
		use(worker, at.first, out)
	})
}

// groupExamples returns spans of examples, each of as many as fit a block of rows, and
// one at least.
func groupExamples(start []int) []span {
	var spans []span
	for first := 0; first < len(start)-1; {
		end := first + 1
		for end < len(start)-1 && start[end+1]-start[first] <= lowRankRows && end-first < lowRankRows {
			end++
		}
		spans = append(spans, span{first, end - first})
		first = end
	}
	return spans
}

// add adds the scores of the examples with the slab's queries to their columns of out.
func (s *lowRankSlab[F]) add(rank int, start []int, g, a Matrix[F], scratch []F, out Matrix[F]) {
	cols, example := rank*s.count, 0
	for lo, end := start[0], start[len(start)-1]; lo < end; lo += lowRankRows {
		n := min(lowRankRows, end-lo)
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
