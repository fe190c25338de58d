package lightgbm

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Any text either fails with a place or gives a valid forest.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob("testdata/*_v?.txt")
	require.NoError(f, err)
	require.Len(f, paths, 3)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte("tree\nversion=v4\n"))
	f.Fuzz(soundOrRefused)
}

// The same of JSON dumps.
func FuzzDump(f *testing.F) {
	f.Add([]byte(nested))
	f.Add([]byte(`{"name": "tree", "tree_info": []}`))
	f.Fuzz(soundOrRefused)
}

func soundOrRefused(t *testing.T, text []byte) {
	t.Helper()
	forest, err := Parse(bytes.NewReader(text), "model.txt")
	if err != nil {
		require.Nil(t, forest)
		var located *ParseError
		require.ErrorAs(t, err, &located)
		require.NotContains(t, err.Error(), "\n")
		return
	}
	require.NoError(t, forest.Validate())
	require.NotEmpty(t, forest.Trees)
	for i := range forest.Trees {
		require.False(t, math.IsNaN(forest.Trees[i].Shrinkage))
	}
}
