//go:build unix && !linux

package main

import (
	"fmt"
	"testing"
)

// smallDisk returns a folder with the environment of a limit on file sizes.
func smallDisk(t *testing.T, size int) (dir string, env []string) {
	return t.TempDir(), []string{fmt.Sprint("INFL_TEST_FSIZE=", size)}
}
