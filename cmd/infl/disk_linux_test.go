package main

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// smallDisk mounts a file system of the given size; where that is not allowed,
// it returns a folder with the environment of a limit on file sizes.
func smallDisk(t *testing.T, size int) (dir string, env []string) {
	dir = t.TempDir()
	if syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprint("size=", size)) != nil {
		return dir, []string{fmt.Sprint("INFL_TEST_FSIZE=", size)}
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir, nil
}
