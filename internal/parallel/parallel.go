// Package parallel splits work deterministically: a loop over fixed blocks and
// sums on a fixed binary tree. What it computes depends on the blocks only,
// never on the number of workers or on which of them was faster.
package parallel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// BlockRows is the number of rows in a block of a sum over rows. Blocks are
// cut from row 0 of the whole input.
const BlockRows = 4096

// Workers returns n where it is positive, else the number of CPUs that Go may
// use.
func Workers(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// For calls fn(worker, block) once for each block in [0, blocks), from at most
// workers goroutines; worker < workers numbers the goroutine, so that fn can
// own scratch memory per worker. Blocks are taken from one atomic counter, in
// ascending order.
//
// For returns after all its goroutines have ended. It returns the error of the
// lowest failing block among those that ran, or ctx's error; no new block
// starts after an error. A panic in fn is raised again in the caller.
//
// An iteration costs some tens of nanoseconds, so a block should be worth 50 µs.
func For(ctx context.Context, workers, blocks int, fn func(worker, block int) error) error {
	workers = min(Workers(workers), blocks)
	if workers <= 1 {
		for b := range blocks {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fn(0, b); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	l := loop{blocks: int64(blocks), errBlock: int64(blocks)}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() { l.run(ctx, w, fn) })
	}
	wg.Wait()
	if l.panicked != nil {
		panic(l.panicked)
	}
	if l.err != nil {
		return l.err
	}
	return ctx.Err()
}

type loop struct {
	next, blocks int64
	stop         atomic.Bool

	mu       sync.Mutex
	err      error
	errBlock int64
	panicked any
}

func (l *loop) run(ctx context.Context, worker int, fn func(worker, block int) error) {
	defer func() {
		if p := recover(); p != nil {
			l.stop.Store(true)
			l.mu.Lock()
			l.panicked = p
			l.mu.Unlock()
		}
	}()
	for !l.stop.Load() && ctx.Err() == nil {
		b := atomic.AddInt64(&l.next, 1) - 1
		if b >= l.blocks {
			return
		}
		if err := fn(worker, int(b)); err != nil {
			l.stop.Store(true)
			l.mu.Lock()
			if b < l.errBlock {
				l.err, l.errBlock = err, b
			}
			l.mu.Unlock()
		}
	}
}
