package sink_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/infl-dev/infl/influence/sink"
	"github.com/stretchr/testify/require"
)

// heldRunFlag makes the test binary a process that holds a run.
const heldRunFlag = "-hold-run="

// heldRun holds the run named by the last argument until its stdin ends, and
// reports whether there was such an argument.
func heldRun() bool {
	last := os.Args[len(os.Args)-1]
	if len(last) <= len(heldRunFlag) || last[:len(heldRunFlag)] != heldRunFlag {
		return false
	}
	_, err := sink.OpenRun(last[len(heldRunFlag):], sink.RunOptions{Record: newTask().record})
	fmt.Println(err)
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // Any end of the input will do.
	return true
}

func TestSecondOpenIsRefused(t *testing.T) {
	dir := t.TempDir()
	r, err := sink.OpenRun(dir, sink.RunOptions{Record: newTask().record})
	require.NoError(t, err)
	for _, fresh := range []bool{false, true} {
		_, err = sink.OpenRun(dir, sink.RunOptions{Record: newTask().record, Fresh: fresh})
		requireLocked(t, err, os.Getpid())
	}
	require.NoError(t, r.Close())
	require.NoError(t, r.Close())
	r, err = sink.OpenRun(dir, sink.RunOptions{Record: newTask().record})
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.NoFileExists(t, filepath.Join(dir, "run.lock"))
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	other := exec.Command(self, heldRunFlag+dir)
	stdin, err := other.StdinPipe()
	require.NoError(t, err)
	stdout, err := other.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	said, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "<nil>\n", said)

	_, err = sink.OpenRun(dir, sink.RunOptions{Record: newTask().record})
	requireLocked(t, err, other.Process.Pid)

	// The other process dies without a chance to let go of anything.
	require.NoError(t, other.Process.Kill())
	require.Error(t, other.Wait())
	_ = stdin.Close() // The process is gone; there is nobody to tell.
	r, err := sink.OpenRun(dir, sink.RunOptions{Record: newTask().record})
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

func requireLocked(t *testing.T, err error, pid int) {
	t.Helper()
	var locked *sink.LockedError
	require.ErrorAs(t, err, &locked)
	require.Equal(t, pid, locked.PID)
	require.NotEmpty(t, locked.Host)
	require.WithinDuration(t, time.Now(), locked.Since, time.Hour)
	require.ErrorContains(t, err, fmt.Sprintf("is being written by process %d on ", pid))
}
