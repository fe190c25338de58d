package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary itself the infl of the scripts and of the
// tests that start processes.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"additive": additive,
		"infl": func() {
			limitFileSize()
			main()
		},
	})
}

// TestScripts runs the command scripts. Each finds the demo's model.txt,
// train.csv and query.csv in its folder, and a bagged model with its row masks.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireUniqueNames:  true,
		RequireExplicitExec: false,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fails":     fails,
			"lines":     lines,
			"sums":      sums,
			"scores":    scores,
			"within":    within,
			"unrun":     unrun,
			"edit":      edit,
			"mangle":    mangle,
			"capture":   captureFolder,
			"relevel":   relevel,
			"vectors":   vectors,
			"classes":   classes,
			"sequences": sequences,
			"stores":    stores,
			"steps":     steps,
		},
		Setup: func(e *testscript.Env) error {
			for _, name := range demoFiles {
				b, err := readDemo(name)
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), b, 0o666); err != nil {
					return err
				}
			}
			return os.CopyFS(e.WorkDir, os.DirFS(filepath.Join("testdata", "bagged")))
		},
	})
}

var demoFiles = []string{"model.txt", "train.csv", "query.csv"}

// readDemo returns a file of the demo.
func readDemo(name string) ([]byte, error) {
	f, err := os.Open(filepath.Join("..", "..", "internal", "app", "demodata", name+".gz"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
