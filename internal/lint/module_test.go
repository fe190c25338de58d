package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/infl-dev/infl"
	root   = "../.."
)

// A listed is what go list says of a package.
type listed struct {
	ImportPath  string
	Standard    bool
	Imports     []string
	Deps        []string
	TestImports []string
}

// room returns the path of a package of the module within the module.
func room(path string) (string, bool) {
	return strings.CutPrefix(path, module+"/")
}

// list returns the packages of the module and all that they depend on, by
// import path.
func list(t *testing.T) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps,TestImports", "./...")
	cmd.Dir = root
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	require.NoError(t, cmd.Run(), "%s", &talk)
	packages := map[string]listed{}
	for d := json.NewDecoder(&out); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		packages[p.ImportPath] = p
	}
	require.NotEmpty(t, packages)
	return packages
}

// A file is a file of the repository; its path has slashes and starts at the
// root.
type file struct {
	path string
	text []byte
}

// files returns the repository's files whose names end in one of the endings;
// all of them where there is none. Hidden folders other than .ci are not part
// of it, nor are what .gitignore names and the .git file of a worktree.
func files(t *testing.T, endings ...string) []file {
	t.Helper()
	var out []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(path, filepath.FromSlash(root)+string(filepath.Separator)))
		if d.IsDir() {
			if strings.HasPrefix(rel, ".") && rel != ".ci" && path != filepath.FromSlash(root) || rel == "infl-demo" || rel == "dist" {
				return filepath.SkipDir
			}
			return nil
		}
		wanted := len(endings) == 0
		for _, e := range endings {
			wanted = wanted || strings.HasSuffix(rel, e)
		}
		if !wanted || !d.Type().IsRegular() || rel == "infl" || rel == "infl.exe" || rel == ".git" {
			return nil
		}
		text, err := os.ReadFile(path)
		out = append(out, file{rel, text})
		return err
	})
	require.NoError(t, err)
	require.NotEmpty(t, out)
	return out
}

// under reports whether a path lies in a folder or below it.
func under(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// inTests reports whether a file is only part of tests.
func (f file) inTests() bool { return strings.HasSuffix(f.path, "_test.go") }
