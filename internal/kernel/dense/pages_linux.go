package dense

import (
	"syscall"
	"unsafe"
)

// hugeFrom is the number of bytes from which memory is mapped in huge pages.
const hugeFrom = 4 << 20

// pages returns n zeros and what gives them back. A pass over many rows of a
// large matrix touches a page per row, more than the processor remembers: huge
// pages make the reduction to tridiagonal form up to twice as fast. They come
// from a mapping of their own, outside of the heap; where that is refused, the
// heap serves.
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
