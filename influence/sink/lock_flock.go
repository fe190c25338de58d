//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package sink

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// removeBeforeUnlock: an open file can be removed, and must be, before the
// next holder comes.
const removeBeforeUnlock = true

// tryLock locks f until it is closed, or returns errHeld.
func tryLock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errHeld
	}
	return err
}
