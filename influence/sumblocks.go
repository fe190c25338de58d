package influence

import (
	"context"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// sumBlocks returns a sum over all vectors of a matrix of rows × cols numbers, in
// float64: a chain in each block of 4,096 vectors, and the blocks on a binary tree. add
// adds some consecutive vectors, of which the first is named, one after the other.
func sumBlocks(ctx context.Context, v Vectors, workers, rows, cols int, add func(first int64, g, into kernel.Matrix[float64])) (kernel.Matrix[float64], error) {
	const block = parallel.BlockRows
	n := v.Rows()
	type sum = kernel.Matrix[float64]
	if n == 0 {
		return kernel.NewMatrix[float64](rows, cols), nil
	}
	tree := parallel.NewTree(int((n+block-1)/block), func(a, b sum) sum {
		for i, v := range b.Data {
			a.Data[i] += v
		}
		return a
	})
	into := kernel.NewMatrix[float64](rows, cols)
	var buffer []float64
	for b, err := range v.Blocks(ctx, 0, n) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return sum{}, err
		}
		g := matrixOf(workers, b, v.Dtype(), &buffer)
		for at := 0; at < g.Rows; {
			first := b.First + int64(at)
			count := int(min(int64(g.Rows-at), block-first%block))
			add(first, g.Block(at, 0, count, g.Cols), into)
			at += count
			if end := first + int64(count); end%block == 0 || end == n {
				if err := tree.Add(int(first/block), into); err != nil {
					return sum{}, err
				}
				into = kernel.NewMatrix[float64](rows, cols)
			}
		}
	}
	return tree.Root()
}
