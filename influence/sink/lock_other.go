//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package sink

import (
	"errors"
	"os"
)

const removeBeforeUnlock = false

// tryLock refuses: without a lock that dies with its process, two processes
// could write one run.
func tryLock(*os.File) error { return errors.ErrUnsupported }
