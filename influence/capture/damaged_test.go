package capture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/dataset"
)

// edit replaces text of a file, once and by text of the same length unless it is the
// manifest.
func edit(t testing.TB, path, from, to string) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(b), from)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(b), from, to, 1)), 0o666))
}

// TestDamagedCapturesAreNamed: whatever is wrong is one line that names file and
// field or tensor.
func TestDamagedCapturesAreNamed(t *testing.T) {
	const shard = "00001.safetensors"
	swap := func(name, from, to string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) { edit(t, filepath.Join(dir, name), from, to) }
	}
	for name, x := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"no manifest":     {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, manifestName))) }, "manifest.json: no such file"},
		"missing shard":   {func(t *testing.T, dir string) { require.NoError(t, os.Remove(filepath.Join(dir, shard))) }, shard + ": no such file"},
		"truncated shard": {func(t *testing.T, dir string) { require.NoError(t, os.Truncate(filepath.Join(dir, shard), 5000)) }, shard + ": the header of the safetensors file is not understood"},
		"empty shard":     {func(t *testing.T, dir string) { require.NoError(t, os.Truncate(filepath.Join(dir, shard), 0)) }, shard + ": is not a safetensors file"},
		"no tensor":       {swap(shard, `"a/out"`, `"a/oat"`), shard + `: has no tensor "a/out"`},
		"no keys":         {swap(shard, `"ids"`, `"idx"`), shard + `: has no tensor "ids"`},
		"no offsets":      {swap(shard, `"offsets/tok"`, `"offsets/tik"`), shard + `: has no tensor "offsets/tok"`},
		"integer loss":    {swap(shard, `"loss":{"dtype":"F64"`, `"loss":{"dtype":"I64"`), shard + `: tensor "loss" is I64, the manifest says F64`},
		"wrong dtype":     {swap(manifestName, `"dtype": "F64"`, `"dtype": "F32"`), `.safetensors: tensor "a/q" is F64, the manifest says F32`},
		"float mask":      {swap(shard, `"ntok":{"dtype":"I64"`, `"mask":{"dtype":"F64"`), shard + `: holds the mask "mask" (F64); masked positions must be left out`},
		"wrong shape":     {swap(manifestName, `"n": 2`, `"n": 3`), `manifest.json: shards[`},
		"format":          {swap(manifestName, "infl-capture", "else"), `manifest.json: format is "else"`},
		"version":         {swap(manifestName, `"version": 1`, `"version": 2`), "manifest.json: version is 2"},
		"level":           {swap(manifestName, `"level": "rows"`, `"level": "all"`), `manifest.json: level is "all", not rows, grads, projected, factors, last_layer`},
		"no dtype":        {swap(manifestName, `"dtype": "F64"`, `"dtype": "F8"`), `manifest.json: dtype is "F8"`},
		"mean":            {swap(manifestName, `"reduction": "sum"`, `"reduction": "mean"`), `manifest.json: loss.reduction is "mean"`},
		"labels":          {swap(manifestName, `"labels": "dataset"`, `"labels": "all"`), `manifest.json: loss.labels is "all"`},
		"rate":            {swap(manifestName, `"checkpoint": {}`, `"checkpoint": {"lr": -1}`), "manifest.json: checkpoint.lr is -1"},
		"no JSON":         {swap(manifestName, `{`, ``), "manifest.json: is not understood"},
		"rows":            {swap(manifestName, `"rows": "ragged"`, `"rows": 0`), "manifest.json: is not understood: row_sets: rows is \"0\""},
		"group":           {swap(manifestName, `"input_group": "conv"`, `"input_group": "cunv"`), `manifest.json: modules[4] "conv": input_group "cunv"`},
		"twice":           {swap(manifestName, `"name": "k"`, `"name": "q"`), `manifest.json: modules[2].name "q" stands twice`},
		"width":           {swap(manifestName, `"in": 4`, `"in": 5`), `manifest.json: modules[3] "out": in is 5, the width of its input_group 4`},
		"huge":            {swap(manifestName, `"in": 4`, `"in": 9223372036854775807`), `manifest.json: modules[3] "out": in is 9223372036854775807`},
		"kind":            {swap(manifestName, `"kind": "linear"`, `"kind": "norm"`), `manifest.json: modules[1] "q": kind is "norm"`},
		"geometry":        {swap(manifestName, `"in_shape": [`, `"in_shape": [2,9,6],"was":[`), `manifest.json: modules[4] "conv": conv.out_shape is [3 3]`},
		"outside":         {swap(manifestName, `"file": "00000`, `"file": "../00000`), `manifest.json: shards[0].file "../00000.safetensors" is not a name`},
		"coverage":        {swap(manifestName, `"total_params": `, `"total_params": -`), "manifest.json: coverage"},
		"offsets fall": {func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, shard), "offsets/tok", 1, ^uint64(0))
		}, shard + ": offsets/tok: value 1 is -1"},
		"key twice": {func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, shard), "ids", 0, 1000) }, `: the key "1000" stands in row 0 and again in row`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, aManifest(), WriterOptions{ShardBytes: 2500}, 6, 6)
			x.spoil(t, dir)
			c, err := Open(dir, Options{})
			require.ErrorContains(t, err, x.want)
			require.Nil(t, c)
			var e *dataset.Error
			require.ErrorAs(t, err, &e)
			require.NotContains(t, err.Error(), "\n")
			problems, err := Verify(t.Context(), dir, Options{})
			require.NoError(t, err)
			require.Len(t, problems, 1)
		})
	}
}

// overwrite replaces a value of eight bytes of a tensor.
func overwrite(t testing.TB, path, tensor string, i int64, bits uint64) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	h, err := dataset.ReadSafetensorsHeader(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	x, there := h.Tensor(tensor)
	require.True(t, there)
	binary.LittleEndian.PutUint64(b[x.Offset+8*i:], bits)
	require.NoError(t, os.WriteFile(path, b, 0o666))
}

// TestVerifyReadsBothChecksums: shards of other writers have a SHA-256, and a shard
// without any is reported.
func TestVerifyReadsBothChecksums(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, aManifest(), WriterOptions{ShardBytes: 2500}, 6, 6)
	shard := opened(t, dir).Manifest().Shards[0]
	path := filepath.Join(dir, shard.File)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	edit(t, filepath.Join(dir, manifestName), fmt.Sprintf(`"xxh3": %q`, shard.XXH3), fmt.Sprintf(`"sha256": "%x"`, sha256.Sum256(b)))
	verified := func() string {
		problems, err := Verify(t.Context(), dir, Options{})
		require.NoError(t, err)
		return strings.Join(problems, "\n")
	}
	require.Empty(t, verified())
	edit(t, path, "infl-capture", "infl-capturf")
	require.Contains(t, verified(), path+" has the SHA-256 ")
	edit(t, filepath.Join(dir, manifestName), fmt.Sprintf(`"sha256": "%x"`, sha256.Sum256(b)), `"crc": ""`)
	require.Contains(t, verified(), "the manifest says (none)")
}

// TestNumbersThatAreNotFiniteAreFlagged by the writer and, where a file says nothing
// of them, by the reader.
func TestNumbersThatAreNotFiniteAreFlagged(t *testing.T) {
	for _, dtype := range []string{"F64", "F32", "BF16", "F16"} {
		m := aManifest()
		m.Dtype = dtype
		batch := aBatch(0, 20)
		batch.OutputGradients["conv"].F64[18*3+17] = math.NaN()
		batch.Inputs["conv"].F64[60*5] = math.Inf(-1)
		batch.Loss[7] = math.NaN()
		tokens := batch.Offsets["tok"]
		batch.OutputGradients["k"].F64[tokens[20]*hidden-1] = math.Inf(1)
		last := int64(19) // example with a token
		for tokens[last] == tokens[20] {
			last--
		}
		want := []int64{1000 - 3, 1000 - 5, 1000 - 7, 1000 - last}
		dir := t.TempDir()
		w, err := Create(dir, m, WriterOptions{ShardBytes: 3000})
		require.NoError(t, err)
		require.NoError(t, w.Write(batch))
		require.NoError(t, w.Close())
		problems, err := Verify(t.Context(), dir, Options{})
		require.NoError(t, err)
		require.Empty(t, problems, "the writer flagged them")
		for _, s := range w.manifest.Shards {
			edit(t, filepath.Join(dir, s.File), `"flag"`, `"flog"`)
		}
		keys, err := opened(t, dir).Flagged(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, keys, dtype)
		problems, err = Verify(t.Context(), dir, Options{})
		require.NoError(t, err)
		require.Contains(t, strings.Join(problems, "\n"), "example 3 (key 997) holds a number that is not finite and is not flagged")
		require.Contains(t, strings.Join(problems, "\n"), "has the XXH3")
	}
}

// TestBlocksRefuse what is not there, and end with their context.
func TestBlocksRefuse(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, aManifest(), WriterOptions{}, 6, 6)
	c := opened(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	for b, err := range c.Blocks(ctx, 1, 6, BlockOptions{Examples: 2}) {
		if seen++; seen == 2 {
			require.ErrorIs(t, err, context.Canceled)
			continue
		}
		require.EqualValues(t, 1, b.First)
		cancel()
	}
	require.Equal(t, 2, seen)
	for _, x := range []struct {
		lo, hi  int64
		modules []string
		want    string
	}{{-1, 2, nil, "do not exist"}, {0, 7, nil, "do not exist"}, {0, 1, []string{"qq"}, `has no module "qq"`}} {
		for _, err := range c.Blocks(t.Context(), x.lo, x.hi, BlockOptions{Modules: x.modules}) {
			require.ErrorContains(t, err, x.want)
		}
	}
	eachBlock(t, c, 6, []string{"k"}, func(b *Block) {
		var buffer []float64
		_, err := Inputs(b, "out", false, &buffer)
		require.ErrorContains(t, err, `holds no inputs of group "out"`)
		_, err = ExampleGradients(1, b, "out", &buffer)
		require.ErrorContains(t, err, `holds no "g/out"`)
	})
	overwrite(t, filepath.Join(dir, shardName(0)), "i/table", 0, 7)
	eachBlock(t, opened(t, dir), 6, nil, func(b *Block) {
		_, err := ExampleGradients(1, b, "table", new([]float64))
		require.ErrorContains(t, err, `looks up row 7 of the 7 of "table"`)
	})
}

// FuzzManifest: hostile text is a manifest or a *dataset.Error, and what is a
// manifest has sizes that can be multiplied.
func FuzzManifest(f *testing.F) {
	dir := f.TempDir()
	write(f, dir, aManifest(), WriterOptions{}, 3, 3)
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	require.NoError(f, err)
	f.Add(text)
	f.Add(bytes.ReplaceAll(text, []byte(`"rows"`), []byte(`"grads"`)))
	for _, level := range []string{
		`"last_layer", "head": {"logits": true, "labels": true}`, `"factors"`, `"factors", "basis": "f00"`,
		`"projected", "projection": {"kind": "srht", "size": 4, "seed": 1}`,
	} {
		f.Add(bytes.Replace(text, []byte(`"level": "rows"`), []byte(`"level": `+level), 1))
	}
	f.Add([]byte(`{"format":"infl-capture","version":1,"row_sets":{"x":{"rows":null}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest("manifest.json", text)
		if err != nil {
			var e *dataset.Error
			require.True(t, errors.As(err, &e))
			return
		}
		for _, x := range m.contents() {
			require.Greater(t, x.width(), int64(0), x.name)
		}
	})
}
