package ekfac

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
	"github.com/infl-dev/infl/internal/parallel"
)

// sharedSize is the size of a factor from which several workers are faster on one than
// each on one of its own.
const sharedSize = 512

// eigenbases decomposes all factors, the largest first: large ones with all workers, one
// after the other, and small ones beside each other.
func (f *fit) eigenbases(ctx context.Context) error {
	list := factorsOf(f.head.Modules)
	f.stage("eigenbases", "factors", int64(len(list)))
	list = slices.DeleteFunc(list, func(x factor) bool {
		return f.to.has(x.values, x.key) && f.to.has(x.vectors, x.key)
	})
	slices.SortStableFunc(list, func(a, b factor) int { return cmp.Compare(b.size, a.size) })
	small := slices.IndexFunc(list, func(x factor) bool { return x.size < sharedSize })
	if small < 0 {
		small = len(list)
	}
	for i := range small {
		if err := ctx.Err(); err != nil {
			return err
		}
		values, vectors, err := f.decompose(&list[i], f.workers)
		if err != nil {
			return err
		}
		if err := f.putBasis(&list[i], values, vectors); err != nil {
			return err
		}
	}
	return parallel.For(ctx, f.workers, len(list)-small, func(_, i int) error {
		x := &list[small+i]
		values, vectors, err := f.decompose(x, 1)
		if err != nil {
			return err
		}
		return f.putBasis(x, values, vectors)
	})
}

func (f *fit) putBasis(x *factor, values, vectors kernel.Matrix[float64]) error {
	if err := f.to.put(x.values, x.key, values); err != nil {
		return err
	}
	f.progress(1)
	return f.to.put(x.vectors, x.key, vectors)
}

// decompose finds the eigenbasis of a factor, block by block of its diagonal. Vectors are
// columns.
func (f *fit) decompose(x *factor, workers int) (values, vectors kernel.Matrix[float64], err error) {
	sum, err := f.to.matrix(x.covariance, x.key)
	if err != nil {
		return values, vectors, err
	}
	values, vectors = kernel.NewMatrix[float64](x.size, 1), kernel.NewMatrix[float64](x.size, x.size)
	count := float64(x.module.Rows)
	for i, v := range sum.Data {
		vectors.Data[i] = v / count
	}
	for _, s := range spans(x.size, f.Blocks) {
		block := vectors.Block(s.lo, s.lo, s.n(), s.n())
		if err := dense.Eigh(workers, block, values.Data[s.lo:s.hi]); err != nil {
			return values, vectors, fmt.Errorf("module %q: %s has no eigenvalues: %w", x.module.Name, x.covariance, err)
		}
		transpose(block)
	}
	return values, vectors, nil
}

// transpose turns rows into columns, in place.
func transpose(m kernel.Matrix[float64]) {
	const size = 32
	for i := 0; i < m.Rows; i += size {
		for j := 0; j <= i; j += size {
			for k := i; k < min(i+size, m.Rows); k++ {
				row := m.Row(k)
				for l := j; l < min(j+size, k); l++ {
					at := l*m.Stride + k
					row[l], m.Data[at] = m.Data[at], row[l]
				}
			}
		}
	}
}
