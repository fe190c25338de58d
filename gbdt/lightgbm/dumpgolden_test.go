package lightgbm

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Golden cases with a dump have the model of their text in it.
func TestGoldenDumps(t *testing.T) {
	for _, folder := range goldenFolders(t, "lgb_reg_concrete", 1) {
		_, text := readGolden(t, folder)
		dumps, err := filepath.Glob(filepath.Join(folder, "model.dump.json*"))
		require.NoError(t, err)
		require.Len(t, dumps, 1)
		dump, err := Open(dumps[0])
		require.NoError(t, err)
		requireSameModel(t, text, dump)
	}
}

func TestOpenReadsPackedDumps(t *testing.T) {
	text := fixture(t, "dump_multiclass.json")
	path := filepath.Join(t.TempDir(), "model")
	for _, content := range [][]byte{[]byte(text), gzipped(t, text), zstandard(t, text)} {
		require.NoError(t, os.WriteFile(path, content, 0o600))
		got, err := Open(path)
		require.NoError(t, err)
		requireSameModel(t, mustParse(t, fixture(t, "dump_multiclass.txt")), got)
	}
}

func TestSniffDumps(t *testing.T) {
	text := fixture(t, "dump_binary.json")
	require.True(t, Sniff([]byte(text)))
	require.True(t, Sniff([]byte(text[:64])), "the head that a caller may have")
	for _, head := range []string{"{\n  \"name\": \"tree\",\n  \"version\"", `{"average_output":false,"feature_importances":{`} {
		require.True(t, Sniff([]byte(head)), "%q", head)
	}
	for _, head := range []string{`{"learner":{"tree_info":[0]}}`, `{"version":[2,0,3]}`, `{"features_info":{},"oblivious_trees":[]}`, `{"name":"wood",`, `[{"name":"tree",`, "{"} {
		require.False(t, Sniff([]byte(head)), "%q", head)
	}
}
