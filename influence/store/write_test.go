package store

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// TestWriteKeepsTheNumbers writes each kind of gradients as a folder of ours, as .npy
// and as safetensors, and reads them again.
func TestWriteKeepsTheNumbers(t *testing.T) {
	for _, name := range []string{"bergson", "bergson_bf16", "bergson_tokens", "torch/double.pt", "logix", "dattri"} {
		t.Run(name, func(t *testing.T) {
			s := open(t, filepath.Join("testdata", name))
			blocks := s.Blocks()
			dir := filepath.Join(t.TempDir(), "store")
			m, err := Write(t.Context(), dir, Content{Blocks: blocks, Keys: s.Keys(), Source: name, ShardBytes: 20})
			require.NoError(t, err)
			require.Greater(t, len(m.Shards), 1)
			again := open(t, dir)
			require.Equal(t, Infl, again.Kind())
			requireGrid(t, 4, vectorsOf(again.Blocks())...)
			require.Equal(t, blocks[0].Dtype(), again.Blocks()[0].Dtype())
			require.Equal(t, s.Keys() == nil, again.Keys() == nil)
			if s.Keys() != nil {
				require.Equal(t, s.Keys().String(3), again.Keys().String(3))
			}
			problems, err := Verify(t.Context(), dir)
			require.NoError(t, err)
			require.Empty(t, problems)

			whole, err := influence.Concat(vectorsOf(blocks)...)
			require.NoError(t, err)
			npy := filepath.Join(t.TempDir(), "all.npy")
			require.NoError(t, WriteNPY(t.Context(), npy, []int64{4, 5}, whole))
			read, err := dataset.OpenMatrix(npy, dataset.MatrixOptions{})
			require.NoError(t, err)
			defer read.Close()
			requireGrid(t, 4, read)
		})
	}
}

func TestWriteTensors(t *testing.T) {
	blocks := open(t, "testdata/bergson_bf16").Blocks()
	path := filepath.Join(t.TempDir(), "all.safetensors")
	require.NoError(t, WriteTensors(t.Context(), path, nil, blocks))
	tensors, err := dataset.OpenTensors([]string{path}, false)
	require.NoError(t, err)
	defer tensors.Close()
	var read []influence.Vectors
	for _, b := range blocks {
		m, err := tensors.Matrix(b.Name)
		require.NoError(t, err)
		require.Equal(t, dataset.BFloat16, m.Dtype())
		read = append(read, m)
	}
	requireGrid(t, 4, read...)
}

// TestWriteScores: every kind of scores becomes one that kronfluence reads, with
// queries down, however little memory there is to turn them.
func TestWriteScores(t *testing.T) {
	for _, name := range []string{"bergson_scores", "bergson_scores_f16", "trak", "kronfluence", "kronfluence_tokens", "kronfluence_modules", "kronfluence_self"} {
		for _, memory := range []int64{1, 1 << 20} {
			s := open(t, filepath.Join("testdata", name)).Scores()
			dir := filepath.Join(t.TempDir(), "scores")
			require.NoError(t, WriteKronfluence(t.Context(), dir, s, memory))
			again := open(t, dir).Scores()
			require.Equal(t, []int64{s.Queries(), s.Train(), s.Tokens}, []int64{again.Queries(), again.Train(), again.Tokens})
			require.Len(t, again.Blocks, len(s.Blocks))
			from, err := influence.ReadVectors(t.Context(), s.Blocks[0])
			require.NoError(t, err)
			to, err := influence.ReadVectors(t.Context(), again.Blocks[0])
			require.NoError(t, err)
			n, q := int(s.Train()), int(s.Queries())
			for k := range from {
				at := k
				if s.TrainRows {
					at = k%q*n + k/q
				}
				require.Equal(t, from[k], to[at], "%s: %d", name, k)
			}
			require.NoError(t, WriteScoresNPY(t.Context(), filepath.Join(dir, "scores.npy"), s, memory))
			npy, err := dataset.OpenNPY(filepath.Join(dir, "scores.npy"))
			require.NoError(t, err)
			require.NoError(t, npy.Close())
			shape := map[string][]int64{"kronfluence_tokens": {3, 4, 2}, "kronfluence_modules": {2, 3, 4}, "kronfluence_self": {4}}[name]
			if shape == nil {
				shape = []int64{3, 4}
			}
			require.Equal(t, shape, npy.Shape, name)
		}
	}
}

// broken gives an error in place of the rows from a row on.
type broken struct {
	influence.Vectors
	from int64
}

var errBroken = errors.New("broken")

func (b broken) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	if hi > b.from {
		return func(yield func(dataset.Block, error) bool) { yield(dataset.Block{}, errBroken) }
	}
	return b.Vectors.Blocks(ctx, lo, hi)
}

// TestWriteGoesOn: what was begun is continued to the same bytes, and nothing but a
// whole store is one.
func TestWriteGoesOn(t *testing.T) {
	blocks := open(t, "testdata/bergson").Blocks()
	content := Content{Blocks: blocks, ShardBytes: 20}
	straight, again := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	_, err := Write(t.Context(), straight, content)
	require.NoError(t, err)

	half := Content{Blocks: []Block{blocks[0], {blocks[1].Name, broken{blocks[1].Vectors, 2}}}, ShardBytes: 20}
	_, err = Write(t.Context(), again, half)
	require.ErrorIs(t, err, errBroken)
	require.Equal(t, Kind(""), Detect(again))
	require.NoFileExists(t, filepath.Join(again, "00001.safetensors.tmp"))
	before, err := os.Stat(filepath.Join(again, "00000.safetensors"))
	require.NoError(t, err)
	_, err = Write(t.Context(), again, content)
	require.NoError(t, err)
	after, err := os.Stat(filepath.Join(again, "00000.safetensors"))
	require.NoError(t, err)
	require.Equal(t, before.ModTime(), after.ModTime())
	for _, name := range []string{"00000.safetensors", "00001.safetensors", "store.json"} {
		a, err := os.ReadFile(filepath.Join(straight, name))
		require.NoError(t, err)
		b, err := os.ReadFile(filepath.Join(again, name))
		require.NoError(t, err)
		require.Equal(t, a, b, name)
	}

	_, err = Write(t.Context(), again, content)
	require.ErrorContains(t, err, "holds a finished store")
	require.NoError(t, os.Remove(filepath.Join(again, "store.json")))
	_, err = Write(t.Context(), again, Content{Blocks: blocks[:1]})
	require.ErrorContains(t, err, "was written with another content")
}

func TestVerifyFindsAChange(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	_, err := Write(t.Context(), dir, Content{Blocks: open(t, "testdata/bergson").Blocks()})
	require.NoError(t, err)
	path := filepath.Join(dir, "00000.safetensors")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[len(b)-1] ^= 1
	require.NoError(t, os.WriteFile(path, b, 0o666))
	problems, err := Verify(t.Context(), dir)
	require.NoError(t, err)
	require.Len(t, problems, 1)
	require.Contains(t, problems[0], "00000.safetensors has the XXH3")
}

func TestRefusedContent(t *testing.T) {
	blocks := open(t, "testdata/bergson").Blocks()
	keys, err := dataset.TextKeys([]string{"a", "b\nc", "d", "e"})
	require.NoError(t, err)
	for want, c := range map[string]Content{
		"there are no vectors":         {},
		"or its name twice":            {Blocks: []Block{blocks[0], blocks[0]}},
		"3 keys for 4 rows":            {Blocks: blocks, Keys: dataset.RowKeys(3)},
		"the key of row 1 has several": {Blocks: blocks, Keys: keys},
	} {
		_, err := Write(t.Context(), filepath.Join(t.TempDir(), "store"), c)
		require.ErrorContains(t, err, want)
	}
}

func TestRefusedManifest(t *testing.T) {
	for text, want := range map[string]string{
		`{"format":"infl-store","version":2}`:                                                                "version 2 is not known",
		`{"format":"infl-store","version":1,"shards":[{"file":"a"}]}`:                                        "blocks is empty",
		`{"format":"infl-store","version":1,"blocks":[{"name":"a"}]}`:                                        "shards is empty",
		`{"format":"infl-store","version":1,"blocks":[{"name":"a"}],"shards":[{"file":"../a"}]}`:             "is not one of the folder",
		`{"format":"infl-store","version":1,"blocks":[{"name":"a"}],"shards":[{"file":"a"},{"file":"a"}]}`:   `"a" stands twice`,
		`{"format":"infl-store","version":1,"keys":"float","blocks":[{"name":"a"}],"shards":[{"file":"a"}]}`: `keys is "float"`,
		`{"format":"infl-store","version":1,"blocks":[{"name":"a"}],"shards":[{"file":"a"}]}`:                "a: no such file",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "store.json"), []byte(text), 0o666))
		_, err := Open(dir, dataset.MatrixOptions{})
		require.ErrorContains(t, err, want)
	}
}
