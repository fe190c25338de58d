package kernel

import "unsafe"

// hugePage is the size of a huge page where there are such.
const hugePage = 2 << 20

// hugeSlice returns n zeros, in huge pages where they are many and the system has
// such: stored train rows are read at the speed of memory, and a page of 4 KiB for
// every few rows costs up to a third of it. The memory is the garbage collector's,
// as any other.
func hugeSlice[T any](n int) []T {
	x := make([]T, n)
	size := n * int(unsafe.Sizeof(*new(T)))
	if size < 2*hugePage {
		return x
	}
	begin := uintptr(unsafe.Pointer(&x[0]))
	before := int(-begin & (hugePage - 1))
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), size)
	adviseHuge(bytes[before : before+(size-before)&^(hugePage-1)])
	return x
}
