package sink

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// removeBeforeUnlock: an open file cannot be removed.
const removeBeforeUnlock = false

// tryLock locks f until it is closed, or returns errHeld. The locked byte lies
// far behind the text, since a lock keeps others from reading what it covers.
func tryLock(f *os.File) error {
	at := &windows.Overlapped{OffsetHigh: 1 << 30}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errHeld
	}
	return err
}
