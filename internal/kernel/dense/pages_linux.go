package dense

import (
	"syscall"
	"unsafe"
)

// hugeFrom is the number of bytes from which memory is mapped in huge pages.
const hugeFrom = 4 << 20

// pages returns n zeros and what gives them back. A pass over the rows of a large
// matrix touches more small pages than the processor remembers, and reading is
// what bounds the reduction to tridiagonal form; so large memory is a mapping of
// its own, in huge pages where the system has them. Where a mapping is refused,
// the heap serves.
func pages(n int) (numbers []float64, free func()) {
	size := 8 * n
	if size < hugeFrom {
		return make([]float64, n), func() {}
	}
	mapped, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]float64, n), func() {}
	}
	_ = syscall.Madvise(mapped, syscall.MADV_HUGEPAGE) // advice only
	return unsafe.Slice((*float64)(unsafe.Pointer(&mapped[0])), n), func() { _ = syscall.Munmap(mapped) }
}
