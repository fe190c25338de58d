package kernel

import (
	"sync"
	"sync/atomic"
)

// forBlocks calls f once for each block in [0, blocks), from at most workers
// goroutines, which take blocks in ascending order; worker numbers them, so
// that f can own scratch memory. It returns after the last call. A panic in f
// is raised again in the caller.
func forBlocks(workers, blocks int, f func(worker, block int)) {
	workers = min(workers, blocks)
	if workers <= 1 {
		for b := range blocks {
			f(0, b)
		}
		return
	}
	var next atomic.Int64
	var panicked atomic.Value
	run := func(w int) {
		defer func() {
			if p := recover(); p != nil {
				panicked.CompareAndSwap(nil, &p)
				next.Store(int64(blocks))
			}
		}()
		for {
			b := int(next.Add(1)) - 1
			if b >= blocks {
				return
			}
			f(w, b)
		}
	}
	var wg sync.WaitGroup
	for w := 1; w < workers; w++ {
		wg.Go(func() { run(w) })
	}
	run(0)
	wg.Wait()
	if p, ok := panicked.Load().(*any); ok {
		panic(*p)
	}
}
