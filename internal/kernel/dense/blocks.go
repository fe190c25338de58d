package dense

import (
	"context"

	"github.com/infl-dev/infl/internal/parallel"
)

// each calls f once for each block in [0, blocks), from at most workers
// goroutines, and returns after the last call.
func each(workers, blocks int, f func(block int)) {
	if workers <= 1 || blocks <= 1 {
		for b := range blocks {
			f(b)
		}
		return
	}
	_ = parallel.For(context.Background(), workers, blocks, func(_, b int) error {
		f(b)
		return nil
	})
}

// rowsPerBlock is how many rows a worker copies or fills at a time.
const rowsPerBlock = 64

// eachRow calls f for each of n rows, some rows at a time to a worker.
func eachRow(workers, n int, f func(i int)) {
	each(workers, (n+rowsPerBlock-1)/rowsPerBlock, func(b int) {
		for i := b * rowsPerBlock; i < min(n, (b+1)*rowsPerBlock); i++ {
			f(i)
		}
	})
}

// roundUp returns the multiple of m that is not below n.
func roundUp(n, m int) int { return (n + m - 1) / m * m }
