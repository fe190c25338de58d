package sink

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/infl-dev/infl/internal/durable"
)

// lockName is the file that a running process holds locked. The kernel lets
// go of the lock on any death of the process, so no lock is ever stale.
const lockName = "run.lock"

// A LockedError says that another process, or another part of this one, works
// on the run.
type LockedError struct {
	Path  string // the run folder
	Host  string // empty where the owner could not be read
	PID   int
	Since time.Time
}

func (e *LockedError) Error() string {
	if e.Host == "" {
		return e.Path + " is being written by another process"
	}
	return fmt.Sprintf("%s is being written by process %d on %s since %s", e.Path, e.PID, e.Host, e.Since.Format(time.RFC3339))
}

type lockOwner struct {
	Host  string    `json:"host"`
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// lock is a held lock.
type lock struct {
	path string
	f    *os.File
}

// errHeld is what tryLock returns where somebody else holds the lock.
var errHeld = errors.New("the lock is held")

// acquire takes the lock of a run folder at once, or returns a *LockedError.
func acquire(dir string) (*lock, error) {
	path := filepath.Join(dir, lockName)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		if err := tryLock(f); err != nil {
			if errors.Is(err, errHeld) {
				return nil, errors.Join(owner(dir, f), f.Close())
			}
			return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
		}
		// The previous holder may have removed the file while we waited.
		if !sameFile(f, path) {
			if err := f.Close(); err != nil {
				return nil, err
			}
			continue
		}
		l := &lock{path, f}
		if err := l.sign(); err != nil {
			return nil, errors.Join(err, l.release())
		}
		return l, nil
	}
}

func sameFile(f *os.File, path string) bool {
	held, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(path)
	return err == nil && os.SameFile(held, named)
}

// sign writes who holds the lock.
func (l *lock) sign() error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	text, err := json.Marshal(lockOwner{host, os.Getpid(), time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := l.f.Truncate(0); err != nil {
		return err
	}
	_, err = l.f.WriteAt(append(text, '\n'), 0)
	return err
}

// owner reads who holds the lock. The text only serves the message: where it
// cannot be read, the message does without it.
func owner(dir string, f io.ReaderAt) *LockedError {
	var o lockOwner
	buf := make([]byte, 4096)
	n, err := f.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) || json.Unmarshal(buf[:n], &o) != nil {
		return &LockedError{Path: dir}
	}
	return &LockedError{dir, o.Host, o.PID, o.Since}
}

// release removes the file and lets go of the lock.
func (l *lock) release() error {
	if removeBeforeUnlock {
		return errors.Join(durable.RemoveIfThere(l.path), l.f.Close())
	}
	err := l.f.Close()
	// Somebody else may have opened the file by now, and then it stays.
	_ = os.Remove(l.path)
	return err
}
