package kernel

import (
	binary "math/bits"
	"sync"
	"unsafe"
)

// A scratch is memory that calls pass on to each other; its contents are
// whatever the last one left.
type scratch[F Float] struct{ numbers []F }

// scratch32 and scratch64 hold scratches by the power of two of their size. The
// garbage collector empties them.
var scratch32, scratch64 [64]sync.Pool

func scratchPool[F Float](class int) *sync.Pool {
	if unsafe.Sizeof(F(0)) == 4 {
		return &scratch32[class]
	}
	return &scratch64[class]
}

// takeScratch returns at least n numbers, and slack behind them.
func takeScratch[F Float](n int) *scratch[F] {
	class := binary.Len(uint(max(n, 1) - 1))
	if s, ok := scratchPool[F](class).Get().(*scratch[F]); ok {
		return s
	}
	return &scratch[F]{hugeSlice[F](1<<class + slack)}
}

// release gives the memory back.
func (s *scratch[F]) release() {
	scratchPool[F](binary.Len(uint(len(s.numbers)-slack) - 1)).Put(s)
}

// scratches are one per worker.
type scratches[F Float] []*scratch[F]

func takeScratches[F Float](workers, n int) scratches[F] {
	all := make(scratches[F], max(1, workers))
	for w := range all {
		all[w] = takeScratch[F](n)
	}
	return all
}

func (all scratches[F]) release() {
	for _, s := range all {
		s.release()
	}
}
