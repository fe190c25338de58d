package lint

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testCommand is what a reader is told to run first, and what .ci/run runs
// first; it is not run again here.
const testCommand = "go test ./..."

// documents returns README.md and the pages of docs.
func documents(t *testing.T) []file {
	t.Helper()
	var out []file
	for _, f := range files(t, ".md") {
		if f.path == "README.md" || filepath.ToSlash(filepath.Dir(f.path)) == "docs" {
			out = append(out, f)
		}
	}
	require.NotEmpty(t, out)
	return out
}

var consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")

// commands returns the commands of each console block: the lines that begin
// with "$ ", continued where they end with a backslash.
func commands(f file) [][]string {
	var blocks [][]string
	for _, m := range consoleBlock.FindAllStringSubmatch(string(f.text), -1) {
		var block []string
		open := false
		for _, line := range strings.Split(m[1], "\n") {
			command, begins := strings.CutPrefix(line, "$ ")
			switch {
			case begins:
				block = append(block, command)
			case open:
				block[len(block)-1] += "\n" + line
			}
			open = (begins || open) && strings.HasSuffix(line, `\`)
		}
		blocks = append(blocks, block)
	}
	return blocks
}

func TestReadmeBegins(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	blocks := commands(file{"README.md", text})
	require.NotEmpty(t, blocks)
	require.Equal(t, []string{"go run ./cmd/infl demo", testCommand}, blocks[0])
}

// TestConsoleBlocks runs the console blocks of every document, in order, in a
// copy of the repository with infl in the path. It does so where INFL_DOCS is
// 1; otherwise it only wants every block to hold a command.
func TestConsoleBlocks(t *testing.T) {
	run := os.Getenv("INFL_DOCS") == "1"
	bin := t.TempDir()
	if run {
		execute(t, root, bin, "go build -o '"+bin+"/infl' ./cmd/infl")
	}
	for _, f := range documents(t) {
		t.Run(f.path, func(t *testing.T) {
			var all []string
			for _, block := range commands(f) {
				assert.NotEmpty(t, block, "a console block without a command")
				all = append(all, block...)
			}
			if !run || len(all) == 0 {
				return
			}
			folder := copyOf(t)
			for _, command := range all {
				if command != testCommand {
					execute(t, folder, bin, command)
				}
			}
		})
	}
}

func execute(t *testing.T, folder, bin, command string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", command)
	cmd.Dir = folder
	// A command of a document must not run the documents again.
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "INFL_DOCS=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "$ %s\n%s", command, out)
}

// copyOf returns a copy of the repository.
func copyOf(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, f := range files(t) {
		to := filepath.Join(folder, filepath.FromSlash(f.path))
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
		require.NoError(t, os.WriteFile(to, f.text, 0o644))
	}
	return folder
}

var namedPath = regexp.MustCompile("`((?:[a-z_0-9]+/)+[a-z_0-9.{},]*|[a-z_]+\\.go)`")

// TestArchitectureNamesWhatExists wants every path in docs/architecture.md to
// exist.
func TestArchitectureNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	require.NoError(t, err)
	found := namedPath.FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, found)
	for _, m := range found {
		if strings.HasPrefix(m[1], "parts/") {
			continue
		}
		_, err := os.Stat(filepath.Join(root, filepath.FromSlash(m[1])))
		assert.NoError(t, err, "docs/architecture.md names %s", m[1])
	}
}
