package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/goldentest"
)

// open opens a store of testdata, or one with a path.
func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, dataset.MatrixOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// requireGrid checks that number j of row i is i + j/16 over blocks of so many numbers.
func requireGrid(t *testing.T, rows int64, blocks ...influence.Vectors) {
	t.Helper()
	at := 0
	for _, b := range blocks {
		require.Equal(t, rows, b.Rows())
		numbers, err := influence.ReadVectors(t.Context(), b)
		require.NoError(t, err)
		require.Len(t, numbers, int(rows)*b.Cols())
		for k, v := range numbers {
			i, j := k/b.Cols(), at+k%b.Cols()
			require.Equal(t, float64(i)+float64(j)/16, v, "row %d, number %d", i, j)
		}
		at += b.Cols()
	}
}

func vectorsOf(blocks []Block) (out []influence.Vectors) {
	for _, b := range blocks {
		out = append(out, b.Vectors)
	}
	return out
}

func TestGradients(t *testing.T) {
	layers := []string{"z.first", "a.second"}
	for path, want := range map[string]struct {
		kind  Kind
		dtype dataset.Dtype
		names []string
		keys  string
	}{
		"bergson":          {Bergson, dataset.Float16, layers, ""},
		"bergson_bf16":     {Bergson, dataset.BFloat16, layers, ""},
		"bergson_old":      {Bergson, dataset.Float32, layers, ""},
		"bergson_shards":   {Bergson, dataset.Float32, layers, ""},
		"bergson_tokens":   {Bergson, dataset.Float32, layers, "0:0 0:1 0:2 2:0"},
		"trak/0":           {TRAKModel, dataset.Float16, []string{""}, ""},
		"less":             {LESS, dataset.Float32, []string{""}, ""},
		"less_chunks":      {LESS, dataset.Float16, []string{""}, ""},
		"logix":            {LogIX, dataset.Float32, []string{"fc", "head"}, "ham 17 5 spam"},
		"dattri":           {Dattri, dataset.BFloat16, []string{"layer0", "layer1"}, ""},
		"torch/half.pt":    {Torch, dataset.Float16, []string{""}, ""},
		"torch/double.pt":  {Torch, dataset.Float64, []string{""}, ""},
		"torch/bfloat.pt":  {Torch, dataset.BFloat16, []string{""}, ""},
		"torch/columns.pt": {Torch, dataset.Float32, []string{""}, ""},
		"torch/slice.pt":   {Torch, dataset.Float32, []string{""}, ""},
		"torch/dict.pt":    {Torch, dataset.Float32, []string{"z", "more.0"}, ""},
	} {
		t.Run(path, func(t *testing.T) {
			path := filepath.Join("testdata", path)
			require.Equal(t, want.kind, Detect(path))
			s := open(t, path)
			require.Equal(t, want.kind, s.Kind())
			require.Nil(t, s.Scores())
			var names []string
			for _, b := range s.Blocks() {
				names = append(names, b.Name)
			}
			require.Equal(t, want.names, names)
			require.Equal(t, want.dtype, s.Blocks()[0].Dtype())
			requireGrid(t, 4, vectorsOf(s.Blocks())...)
			if want.keys == "" {
				require.Nil(t, s.Keys())
				return
			}
			for i, key := range strings.Fields(want.keys) {
				require.Equal(t, key, s.Keys().String(int64(i)))
			}
		})
	}
}

// TestUsedWhereTheyLie: rows that lie together are one block of the mapped file.
func TestUsedWhereTheyLie(t *testing.T) {
	for _, path := range []string{"bergson", "torch/half.pt", "less"} {
		s := open(t, filepath.Join("testdata", path))
		v, err := influence.Concat(vectorsOf(s.Blocks())...)
		require.NoError(t, err)
		_, isMatrix := v.(*dataset.Matrix)
		assert.True(t, isMatrix, path)
	}
}

func TestScores(t *testing.T) {
	for path, want := range map[string]struct {
		kind   Kind
		tokens int64
		self   bool
	}{
		"bergson_scores":               {BergsonScores, 1, false},
		"bergson_scores_f16":           {BergsonScores, 1, false},
		"trak":                         {TRAK, 1, false},
		"torch/bbh_influence_score.pt": {Torch, 1, false},
		"kronfluence":                  {Kronfluence, 1, false},
		"kronfluence/pairwise_scores.safetensors": {Kronfluence, 1, false},
		"kronfluence_tokens":                      {Kronfluence, 2, false},
		"kronfluence_self":                        {Kronfluence, 1, true},
	} {
		t.Run(path, func(t *testing.T) {
			s := open(t, filepath.Join("testdata", path))
			require.Equal(t, want.kind, s.Kind())
			scores := s.Scores()
			require.NotNil(t, scores)
			require.Empty(t, s.Blocks())
			require.Equal(t, int64(4), scores.Train())
			require.Equal(t, want.tokens, scores.Tokens)
			require.Equal(t, want.self, scores.Self)
			requireGrid(t, scores.Blocks[0].Rows(), scores.Blocks[0].Vectors)
		})
	}
	require.Equal(t, []string{"a", "b"}, func() (names []string) {
		for _, b := range open(t, "testdata/kronfluence_modules").Scores().Blocks {
			names = append(names, b.Name)
		}
		return names
	}())
}

func TestUnwrittenScores(t *testing.T) {
	s := open(t, "testdata/bergson_scores_unwritten")
	_, err := influence.ReadVectors(t.Context(), s.Scores().Blocks[0])
	require.ErrorContains(t, err, "score 2 of row 1 was not written")
}

func TestTRAKSides(t *testing.T) {
	models := TRAKModels("testdata/trak")
	require.Equal(t, []string{filepath.Join("testdata", "trak", "0"), filepath.Join("testdata", "trak", "1")}, models)
	for side, want := range map[string]string{"train": models[0], "query": filepath.Join(models[0], "q_grads.mmap"), "out_to_loss": filepath.Join(models[0], "out_to_loss.mmap")} {
		path, ok, err := TRAKSide(models[0], side)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, want, path)
	}
	_, ok, err := TRAKSide("testdata/less", "train")
	require.NoError(t, err)
	require.False(t, ok)
}

// replaceOnce changes a text that must hold what is changed.
func replaceOnce(t *testing.T, text, old, replacement string) string {
	t.Helper()
	require.Contains(t, text, old)
	return strings.Replace(text, old, replacement, 1)
}

// TestRefused: each fixture with one thing changed is an error that names the file and
// what is wrong there.
func TestRefused(t *testing.T) {
	for _, x := range []struct{ store, file, old, new, want string }{
		{"bergson", "info.json", `"num_grads": 4`, `"num_grads": 5`, "gradients.bin: the file is cut short: 5 rows of 5 float16"},
		{"bergson", "info.json", `"num_grads": 4`, `"num_grads": -1`, "gradients.bin: -1 rows"},
		{"bergson", "info.json", `"num_grads"`, `"grads"`, "info.json: num_grads is missing"},
		{"bergson", "info.json", `float16`, `int32`, `info.json: base_dtype "int32"`},
		{"bergson", "info.json", `"z.first": 2`, `"z.first": 0`, "info.json: grad_sizes"},
		{"bergson", "info.json", `{"attribute`, `["attribute`, "info.json: is not understood"},
		{"bergson_old", "info.json", `(3,)<f4`, `<f4`, `info.json: dtype.formats: "<f4" has no size`},
		{"bergson_shards", "shard-1/info.json", `"a.second": 3`, `"b.second": 3`, "shard-1/info.json: grad_sizes or attribute_tokens differ"},
		{"bergson_tokens", "info.json", `"num_items": 3`, `"num_items": -1`, "offsets.npy: does not go"},
		{"bergson_tokens", "info.json", `"num_items": 3`, `"num_items": 4`, "offsets.npy: does not go"},
		{"bergson_scores", "info.json", `"num_scores": 3`, `"num_scores": 2`, "info.json: dtype: has 6 formats"},
		{"bergson_scores", "info.json", `"itemsize": 24`, `"itemsize": 20`, "info.json: dtype: itemsize 20"},
		{"bergson_scores", "info.json", `"offsets": [0, 4, 8`, `"offsets": [0, 4, 9`, "info.json: dtype: score 1 is not a float32 at byte 8"},
		{"trak", "experiments.json", `scores/q.mmap`, `../trak/scores/q.mmap`, "leads out of the folder"},
		{"trak", "experiments.json", `"num_targets": 3`, `"num_targets": 4`, "q.mmap: has scores of 4 train rows and 3 targets"},
		{"logix", "log_rank_0_chunk_2_metadata.json", `"block_size": 5`, `"block_size": 6`, "record 0: block_size 6 is not the 5 numbers"},
		{"logix", "log_rank_0_chunk_2_metadata.json", `"offset": 20`, `"offset": 2000`, "log_rank_0_chunk_2.mmap: the file is cut short"},
		{"logix", "log_rank_0_chunk_2_metadata.json", `"float32"`, `"int8"`, `record 0: dtype "int8"`},
		{"logix", "log_rank_0_chunk_10_metadata.json", `[[1, 2], [3]]`, `[[2, 2], [1]]`, "record 0: path, shape or dtype differ"},
		{"logix", "log_rank_0_chunk_2_metadata.json", `[1, 2]`, `[-1, 2]`, "record 0: shape [-1 2] is not possible"},
		{"dattri", "grad/chunk_gradients_0_1_metadata.json", `"uint16"`, `"int16"`, `storage_dtype "int16"`},
		{"dattri", "grad/chunk_gradients_0_1_metadata.json", `[2, 3], "batches"`, `[2, 2], "batches"`, "layer_dims [2 2] do not add up to the 5"},
		{"dattri", "grad/chunk_gradients_0_1_metadata.json", `"end_row": 3`, `"end_row": 4`, "rows 1 to 4 of batch 0"},
		{"dattri", "grad/chunk_gradients_2_2_metadata.json", `"batch_idx": 2`, `"batch_idx": 1`, "batch 1 stands in two chunks"},
		{"kronfluence", "pairwise_scores.safetensors", `[3, 4]`, `[ 12 ]`, `tensor "all_modules" of shape [12] holds no scores`},
	} {
		t.Run(x.want, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", x.store))))
			file := filepath.Join(dir, x.file)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(file, []byte(replaceOnce(t, string(text), x.old, x.new)), 0o666))
			s, err := Open(dir, dataset.MatrixOptions{})
			require.ErrorContains(t, err, x.want)
			require.Nil(t, s)
			var e *dataset.Error
			require.ErrorAs(t, err, &e)
		})
	}
}

func TestRefusedTorch(t *testing.T) {
	for path, want := range map[string]string{
		"testdata/torch/long.pt":          "is of LongStorage, which holds no floating-point numbers",
		"testdata/torch/outside.pt":       "does not lie in its 20 numbers",
		"testdata/kronfluence_partitions": "let kronfluence aggregate them",
		"testdata/nothing":                "is no store of gradients or scores that is known",
	} {
		_, err := Open(path, dataset.MatrixOptions{})
		require.ErrorContains(t, err, want)
	}
}

// TestGoldenStores opens what torch, TRAK and kronfluence wrote themselves.
func TestGoldenStores(t *testing.T) {
	dir := goldentest.Dir(t, "neural")
	for path, want := range map[string][2]int64{
		"lora_sms/less_store/ckpt0/train":                           {200, 256},
		"lora_sms/less_store/ckpt0/query/dim256/grads-12.pt":        {12, 256},
		"trak_optdigits/trak_store/1":                               {300, 64},
		"trak_optdigits/trak_store":                                 {300, 20},
		"bergson_mlp/train_index":                                   {60, 512},
		"bergson_mlp/scores":                                        {60, 40},
		"mlp_optdigits/kronfluence_f32_partitioned/scores_pairwise": {40, 500},
	} {
		s := open(t, filepath.Join(dir, filepath.FromSlash(path)))
		blocks := s.Blocks()
		if s.Scores() != nil {
			blocks = s.Scores().Blocks
		}
		v, err := influence.Concat(vectorsOf(blocks)...)
		require.NoError(t, err)
		assert.Equal(t, want, [2]int64{v.Rows(), int64(v.Cols())}, path)
	}
}

// TestMissingFile: the system's error names the file once.
func TestMissingFile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "gradients.bin"), nil, 0o666))
	_, err := Open(dir, dataset.MatrixOptions{})
	var e *dataset.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, filepath.Join(dir, "info.json"), e.Path)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Equal(t, 1, strings.Count(err.Error(), "info.json"), "%v", err)
}
