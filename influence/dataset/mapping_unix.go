//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package dataset

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps a file for reading.
func mapFile(f *os.File, size int) ([]byte, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err == nil {
		_ = unix.Madvise(b, unix.MADV_SEQUENTIAL) // only advice
	}
	return b, err
}

func unmapFile(b []byte) error { return unix.Munmap(b) }

// needSoon has the system read bytes from … to−1 of a mapped file ahead.
func needSoon(mapped []byte, from, to int64) {
	page := int64(os.Getpagesize())
	_ = unix.Madvise(mapped[from/page*page:to], unix.MADV_WILLNEED) // only advice
}
