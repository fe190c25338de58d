package durable

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// finish writes text over a file that held "old"; broken, when set, is what the
// function that writes returns after the text.
func finish(t *testing.T, broken error) (path string, err error) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o666))
	f, err := os.Create(path + TempSuffix)
	require.NoError(t, err)
	err = Finish(f, path, func(w io.Writer) error {
		_, err := io.WriteString(w, "new")
		return errors.Join(err, broken)
	})
	assert.ErrorIs(t, f.Close(), os.ErrClosed)
	assert.NoFileExists(t, path+TempSuffix)
	return path, err
}

func TestFinish(t *testing.T) {
	path, err := finish(t, nil)
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "new", string(text))
}

func TestFinishLeavesTheOlderFile(t *testing.T) {
	path, err := finish(t, io.ErrUnexpectedEOF)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "old", string(text))
}

func TestRemoveIfThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder", "file")
	require.NoError(t, RemoveIfThere(path))
	require.NoError(t, os.MkdirAll(path, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(path, "inside"), nil, 0o666))
	require.Error(t, RemoveIfThere(path), "a folder that is not empty")
}
