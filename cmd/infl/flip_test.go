package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/gbdt/lightgbm"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// damage calls check with copies of a text that have one bit flipped, or that
// end early, at every stride-th byte.
func damage(text []byte, stride int, check func(what string, at int, damaged []byte)) {
	for at := 0; at < len(text); at += stride {
		flipped := bytes.Clone(text)
		flipped[at] ^= 1 << (at / stride % 8)
		check("flipped", at, flipped)
		if at%8 == 0 {
			check("cut", at, text[:at])
		}
	}
}

// stride returns the default where not everything is to be damaged.
func stride(normal int) int {
	if os.Getenv("INFL_FULL") == "1" {
		return max(1, normal/10)
	}
	return normal
}

// TestDamagedModels damages model files all over. Each must be refused in one
// line, found to be another model, or give the predictions that it gave.
func TestDamagedModels(t *testing.T) {
	defer goleak.VerifyNone(t)
	small := ladder{rows: 300, trees: 3, rungs: 3, queries: 3}.write(t)
	demo := t.TempDir()
	for _, name := range demoFiles {
		b, err := readDemo(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(demo, name), b, 0o666))
	}
	verdicts := make(map[int]int)
	for _, c := range []struct {
		dir, key, label string
		stride          int
	}{{small, "id", "y", stride(3)}, {demo, "id", "label", stride(3989)}} {
		columns := gbdt.Columns{Label: c.label, Key: c.key}
		train := filepath.Join(c.dir, "train.csv")
		want, size, err := trainMargins(filepath.Join(c.dir, "model.txt"), train, columns)
		require.NoError(t, err)
		text, err := os.ReadFile(filepath.Join(c.dir, "model.txt"))
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "damaged.txt")
		damage(text, c.stride, func(what string, at int, damaged []byte) {
			require.NoError(t, os.WriteFile(path, damaged, 0o666))
			code, stdout, stderr := call("verify", path, "--train", train, "--label", c.label, "--key", c.key)
			verdicts[code]++
			if code != 0 {
				require.Contains(t, []int{1, 2}, code)
				require.Empty(t, errorLine(stderr), "%s at byte %d", what, at)
				return
			}
			if !strings.Contains(stdout, `"what":"exact: `) {
				return // Approximate and weak claim nothing.
			}
			got, _, err := trainMargins(path, train, columns)
			require.NoError(t, err, "%s at byte %d", what, at)
			for i := range want {
				require.InDelta(t, want[i], got[i], size*gbdt.LeafTolerance, "%s at byte %d: row %d", what, at, i)
			}
		})
	}
	require.NotZero(t, verdicts[0])
	require.NotZero(t, verdicts[1])
	require.NotZero(t, verdicts[2])
}

// trainMargins returns what a model predicts for its train rows, and the sum of
// the largest leaves of its trees.
func trainMargins(model, train string, c gbdt.Columns) (margins []float64, size float64, err error) {
	ctx := context.Background()
	f, err := lightgbm.Open(model)
	if err != nil {
		return nil, 0, err
	}
	table, err := dataset.Open(train, dataset.Options{})
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, table.Close()) }()
	m, err := gbdt.Prepare(ctx, f, table, gbdt.PrepareOptions{Columns: c})
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	q, err := m.Queries(ctx, table, c)
	if err != nil {
		return nil, 0, err
	}
	for i := range q.Rows() {
		margins = append(margins, q.Margin(i)[0])
	}
	for i := range f.Trees {
		largest := 0.0
		for _, v := range f.Trees[i].LeafValue {
			largest = math.Max(largest, math.Abs(v))
		}
		size += largest
	}
	return margins, size, nil
}

// TestDamagedTables damages tables of each kind all over. Each must be
// refused in one line or get a verdict.
func TestDamagedTables(t *testing.T) {
	defer goleak.VerifyNone(t)
	l := ladder{rows: 60, trees: 2, rungs: 2, queries: 3}
	dir := l.write(t)
	model := filepath.Join(dir, "model.txt")
	unnamed := filepath.Join(dir, "unnamed.txt") // a model whose columns go by position
	text, err := os.ReadFile(model)
	require.NoError(t, err)
	text = bytes.Replace(text, []byte("feature_names=x"), []byte("feature_names=Column_0"), 1)
	require.NoError(t, os.WriteFile(unnamed, bytes.Replace(text, []byte("\nx="), []byte("\nColumn_0="), 1), 0o666))
	csv, err := os.ReadFile(filepath.Join(dir, "train.csv"))
	require.NoError(t, err)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err = z.Write(csv)
	require.NoError(t, errors.Join(err, z.Close()))
	var objects bytes.Buffer
	for line := range strings.Lines(string(csv[len("id,x,y\n"):])) {
		f := strings.Split(strings.TrimSpace(line), ",")
		objects.WriteString(`{"id": "` + f[0] + `", "x": ` + f[1] + `, "y": ` + f[2] + "}\n")
	}
	for name, text := range map[string][]byte{
		"t.csv": csv, "t.csv.gz": zipped.Bytes(), "t.jsonl": objects.Bytes(),
		"t.parquet": l.parquet(t), "t.arrow": l.arrow(t), "t.npy": l.npy(t),
	} {
		path := filepath.Join(t.TempDir(), name)
		verify := []string{"verify", model, "--train", path, "--label", "y", "--key", "id"}
		if name == "t.npy" {
			verify = []string{"verify", unnamed, "--train", path, "--label", "Column_1"}
		}
		require.NoError(t, os.WriteFile(path, text, 0o666))
		code, stdout, stderr := call(verify...)
		require.Zero(t, code, stderr)
		require.Contains(t, stdout, "exact", name)
		verdicts := make(map[int]int)
		damage(text, stride(7), func(what string, at int, damaged []byte) {
			require.NoError(t, os.WriteFile(path, damaged, 0o666))
			code, _, stderr := call(verify...)
			verdicts[code]++
			if code != 0 {
				require.Contains(t, []int{1, 2}, code)
				require.Empty(t, errorLine(stderr), "%s %s at byte %d", name, what, at)
			}
		})
		require.NotZero(t, verdicts[2], "%v", verdicts)
	}
}
