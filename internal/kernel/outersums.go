package kernel

// OuterSums adds to each row of C the sum of the outer products of a group of rows
// of A and B:
//
//	C[g, i·q + j] = C[g, i·q + j] + Σ A[r, i]·B[r, j]   over r in [start[g], start[g+1])
//
// for A of n × p, B of n × q and C of m × p·q numbers and m + 1 ascending starts:
// the gradients of m examples for a layer of p outputs and q inputs, of which each
// has some rows, for example tokens. Each sum is one chain of fused multiply-adds
// over r, as [GemmTN] has it; an empty group leaves its row as it is. C must not
// overlap A or B. At most workers goroutines run.
func OuterSums[F Float](workers int, start []int, a, b, c Matrix[F]) {
	left, right := colsOf(&a), colsOf(&b)
	c.check()
	if left.k != right.k || len(start) != c.Rows+1 || c.Cols != left.n*right.n {
		panic("kernel: matrices do not fit")
	}
	if start[0] < 0 || start[c.Rows] > left.k {
		panic("kernel: a group beyond the last row")
	}
	group := func(workers, g int) {
		first, rows := start[g], start[g+1]-start[g]
		if rows < 0 {
			panic("kernel: groups overlap")
		}
		if rows > 0 && c.Cols > 0 {
			a, b, sum := left.part(0, left.n, first, rows), right.part(0, right.n, first, rows), MatrixOf(c.Row(g), left.n, right.n)
			addGemm(workers, &a, &b, &sum)
		}
	}
	if c.Rows < workers {
		for g := range c.Rows {
			group(workers, g)
		}
		return
	}
	// A worker takes several groups at a time: they may be small.
	size := ceilDiv(c.Rows, 16*max(1, workers))
	forBlocks(workers, ceilDiv(c.Rows, size), func(_, block int) {
		for g := block * size; g < min(c.Rows, (block+1)*size); g++ {
			group(1, g)
		}
	})
}
