package ekfac

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
)

// eigenbases decomposes all factors, the largest first.
func (f *fit) eigenbases(ctx context.Context) error {
	list := factorsOf(f.head.Modules)
	slices.SortStableFunc(list, func(a, b factor) int { return cmp.Compare(b.size, a.size) })
	f.stage("eigenbases", "factors", int64(len(list)))
	for i := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.decompose(&list[i]); err != nil {
			return err
		}
		f.progress(1)
	}
	return nil
}

// decompose finds the eigenbasis of a factor.
func (f *fit) decompose(x *factor) error {
	sum, err := f.to.matrix(x.covariance, x.key)
	if err != nil {
		return err
	}
	count := float64(max(1, x.module.Rows))
	vectors := kernel.NewMatrix[float64](x.size, x.size)
	for i, v := range sum.Data {
		vectors.Data[i] = v / count
	}
	values := make([]float64, x.size)
	if err := dense.Eigh(f.workers, vectors, values); err != nil {
		return fmt.Errorf("module %q: the %s has no eigenvalues: %w", x.module.Name, x.covariance, err)
	}
	transpose(vectors)
	if err := f.to.put(x.values, x.key, kernel.MatrixOf(values, x.size, 1)); err != nil {
		return err
	}
	return f.to.put(x.vectors, x.key, vectors)
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
