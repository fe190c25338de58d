package kernel

import "syscall"

// adviseHuge asks for huge pages. Where the system has none, nothing is lost.
func adviseHuge(x []byte) { _ = syscall.Madvise(x, syscall.MADV_HUGEPAGE) }
