//go:build unix

package main

import (
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

// limitFileSize makes writes beyond INFL_TEST_FSIZE bytes of a file fail in
// this process, as they would on a full disk.
func limitFileSize() {
	n, err := strconv.ParseUint(os.Getenv("INFL_TEST_FSIZE"), 10, 63)
	if err != nil {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
		panic(err)
	}
}
