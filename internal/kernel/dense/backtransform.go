package dense

import "github.com/infl-dev/infl/internal/kernel"

const (
	// reflectorRows is how many reflections are applied at a time.
	reflectorRows = 64
	// slabRows is how many eigenvectors a worker takes through all reflections.
	slabRows = 256
)

// backTransform turns some eigenvectors of the tridiagonal matrix, the rows of z, into
// those of the matrix that was reduced. Reflections [lo, hi) together are
//
//	H(lo)·…·H(hi−1) = I − Vᵀ·T·V
//
// with the vectors as rows of V and T upper triangular, so a block of rows
// becomes z − (z·Vᵀ)·(Tᵀ·V). scratch, of the size of the matrix, is used up, and so is the
// reduction.
func (t *reduction) backTransform(workers int, z, scratch kernel.Matrix[float64]) {
	n := t.n
	count := n - 1
	blocks := (count + reflectorRows - 1) / reflectorRows
	if count <= 0 {
		return
	}
	block := func(m kernel.Matrix[float64], b int) kernel.Matrix[float64] {
		lo := b * reflectorRows
		return m.Block(lo, lo+1, min(reflectorRows, count-lo), n-lo-1)
	}
	each(workers, blocks, func(b int) {
		v := block(t.a, b)
		for i := 1; i < v.Rows; i++ {
			clear(v.Row(i)[:i])
		}
		blockReflector(v, t.tau[b*reflectorRows:], false, block(scratch, b))
	})
	slabs := (z.Rows + slabRows - 1) / slabRows
	each(workers, slabs, func(s int) {
		slab := z.Block(s*slabRows, 0, min(slabRows, z.Rows-s*slabRows), n)
		products := make([]float64, slab.Rows*reflectorRows)
		for b := blocks - 1; b >= 0; b-- {
			v := block(t.a, b)
			part := slab.Block(0, n-v.Cols, slab.Rows, v.Cols)
			x := kernel.MatrixOf(products[:slab.Rows*v.Rows], slab.Rows, v.Rows)
			clear(x.Data)
			kernel.GemmNT(1, part, v, x)
			kernel.GemmNN(1, x, block(scratch, b), part)
		}
	})
}

// blockReflector writes −Tᵀ·V to out, or −T·V where forward is set, for the block
// I − Vᵀ·T·V of reflections by the rows of V. Column i of T is −τ[i]·T·(V·vᵢ) above
// its diagonal τ[i] (Schreiber and Van Loan, 1989).
func blockReflector(v kernel.Matrix[float64], tau []float64, forward bool, out kernel.Matrix[float64]) {
	k := v.Rows
	gram, factor := kernel.NewMatrix[float64](k, k), kernel.NewMatrix[float64](k, k) // factor is −Tᵀ
	kernel.GemmNT(1, v, v, gram)
	for i := range k {
		known, row := gram.Row(i)[:i], factor.Row(i)
		for c := range known {
			known[c] *= -tau[i]
		}
		kernel.AddRowMultiples(factor.Data, k, known, row[:i])
		row[i] = -tau[i]
	}
	for i := range k {
		clear(out.Row(i))
	}
	if forward {
		kernel.GemmTN(1, factor, v, out)
	} else {
		kernel.GemmNN(1, factor, v, out)
	}
}
