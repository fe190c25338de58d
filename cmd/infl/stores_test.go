package main

import (
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// stores DIR copies the stores of other tools that package store is tested with.
func stores(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stores DIR")
	}
	ts.Check(os.CopyFS(ts.MkAbs(args[0]), os.DirFS(filepath.Join(storeFixtures, "testdata"))))
}

// storeFixtures is absolute: scripts run in a folder of their own.
var storeFixtures = func() string {
	path, err := filepath.Abs(filepath.Join("..", "..", "influence", "store"))
	if err != nil {
		panic(err)
	}
	return path
}()
