package main

import (
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/infl-dev/infl/influence/capture"
)

// captureFolder DIR SPLIT FINGERPRINT VALUE writes a capture of a linear model with
// four examples, of which one has the value as an input. With 0 all output gradients are
// zero.
func captureFolder(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: capture DIR SPLIT FINGERPRINT VALUE")
	}
	m := capture.NewManifest(args[1], capture.NewLinear("head", 2, 3, true))
	m.Loss.Name, m.Model = "cross_entropy", capture.Model{Name: "tiny", Fingerprint: args[2]}
	m.Coverage.Total, m.Coverage.Skipped = 12, []string{"table.weight"}
	w, err := capture.Create(ts.MkAbs(filepath.FromSlash(args[0])), m, capture.WriterOptions{ShardBytes: 90})
	ts.Check(err)
	value, err := strconv.ParseFloat(args[3], 32)
	ts.Check(err)
	gradients := []float32{1, -2, 1, 0, 3, -3, 2, -1, -1, -2, 0, 2}
	if value == 0 {
		clear(gradients)
	}
	ts.Check(w.Write(capture.Batch{
		IDs: []int64{10, 11, 12, 13}, Loss: make([]float64, 4),
		Inputs:          map[string]capture.Values{"head": {F32: []float32{1, 2, 3, 4, 5, float32(value), 7, 8}}},
		OutputGradients: map[string]capture.Values{"head": {F32: gradients}},
	}))
	ts.Check(w.Close())
}

// sequences DIR SPLIT SEED writes a capture of three examples of 2, 0 and 3 tokens in two
// modules, and of a module that sees each example once.
func sequences(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: sequences DIR SPLIT SEED")
	}
	seed, err := strconv.Atoi(args[2])
	ts.Check(err)
	up, down := capture.NewLinear("up", 2, 4, true), capture.NewLinear("down", 4, 2, false)
	up.RowSet, down.RowSet = "tok", "tok"
	m := capture.NewManifest(args[1], up, down, capture.NewLinear("head", 2, 3, true))
	m.RowSets["tok"] = capture.Ragged
	w, err := capture.Create(ts.MkAbs(filepath.FromSlash(args[0])), m, capture.WriterOptions{ShardBytes: 90})
	ts.Check(err)
	numbers := func(n int) capture.Values {
		var v capture.Values
		for range n {
			v.F32 = append(v.F32, float32(seed*seed%17)/4-2)
			seed++
		}
		return v
	}
	ts.Check(w.Write(capture.Batch{
		IDs: []int64{20, 21, 22}, Loss: make([]float64, 3), Offsets: map[string][]int64{"tok": {0, 2, 2, 5}},
		Inputs:          map[string]capture.Values{"up": numbers(10), "down": numbers(20), "head": numbers(6)},
		OutputGradients: map[string]capture.Values{"up": numbers(20), "down": numbers(10), "head": numbers(9)},
	}))
	ts.Check(w.Close())
}
