package store

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// FuzzPickle: no bytes make the machine do more than make values.
func FuzzPickle(f *testing.F) {
	files, err := filepath.Glob("testdata/torch/*.pt")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, path := range files {
		z, err := zip.OpenReader(path)
		require.NoError(f, err)
		r, err := z.File[0].Open()
		require.NoError(f, err)
		text, err := io.ReadAll(r)
		require.NoError(f, err)
		require.NoError(f, z.Close())
		f.Add(text)
	}
	f.Add([]byte("\x80\x02]q\x00(h\x00h\x00h\x00e."))       // a list of itself
	f.Add([]byte("cos\nsystem\nX\x02\x00\x00\x00ls\x85R.")) // a call
	f.Fuzz(func(t *testing.T, in []byte) {
		v, err := readPickle(in)
		if err != nil {
			return
		}
		tensors, err := tensorsOf(v)
		if err != nil {
			return
		}
		for _, x := range tensors {
			tensor := torchTensor{x, "", 0, 1 << 10}
			if p, lo, err := tensor.part(); err == nil {
				require.GreaterOrEqual(t, lo, 0)
				require.LessOrEqual(t, p.Rows*p.Cols*p.Dtype.Bytes()+p.Offset, int64(1<<10))
			}
		}
	})
}

// TestPickleRunsNothing: what is no tensor is refused by name.
func TestPickleRunsNothing(t *testing.T) {
	_, err := readPickle([]byte("cos\nsystem\nX\x02\x00\x00\x00ls\x85R."))
	require.ErrorContains(t, err, `it names "system" of "os", which is no tensor`)
	_, err = readPickle([]byte("\x80\x02i"))
	require.ErrorContains(t, err, "opcode 0x69 is none that tensors need")
	v, err := readPickle([]byte("\x80\x02]q\x00(h\x00h\x00h\x00e."))
	require.NoError(t, err)
	_, err = tensorsOf(v)
	require.ErrorContains(t, err, "more than 1048576 values")
}

// FuzzHead: a head and the bytes beside it give vectors or an error.
func FuzzHead(f *testing.F) {
	ours := filepath.Join(f.TempDir(), "ours")
	s, err := Open("testdata/bergson", dataset.MatrixOptions{})
	require.NoError(f, err)
	_, err = Write(f.Context(), ours, Content{Blocks: s.Blocks(), Form: Int8})
	require.NoError(f, err)
	require.NoError(f, s.Close())
	heads := []struct{ store, head, numbers string }{
		{"testdata/bergson", "info.json", "gradients.bin"},
		{"testdata/bergson_tokens", "info.json", "offsets.npy"},
		{"testdata/bergson_scores", "info.json", "scores.bin"},
		{"testdata/logix", "log_rank_0_chunk_2_metadata.json", "log_rank_0_chunk_2.mmap"},
		{"testdata/dattri", "grad/chunk_gradients_0_1_metadata.json", "grad/chunk_gradients_0_1.mmap"},
		{"testdata/trak", "experiments.json", "scores/q.mmap"},
		{ours, "store.json", "00000.safetensors"},
	}
	for i, h := range heads {
		head, err := os.ReadFile(filepath.Join(h.store, h.head))
		require.NoError(f, err)
		numbers, err := os.ReadFile(filepath.Join(h.store, h.numbers))
		require.NoError(f, err)
		f.Add(uint8(i), head, numbers)
	}
	f.Fuzz(func(t *testing.T, i uint8, head, numbers []byte) {
		h := heads[int(i)%len(heads)]
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(h.store)))
		require.NoError(t, os.WriteFile(filepath.Join(dir, h.head), head, 0o666))
		require.NoError(t, os.WriteFile(filepath.Join(dir, h.numbers), numbers, 0o666))
		s, err := Open(dir, dataset.MatrixOptions{})
		if err != nil {
			return
		}
		blocks := s.Blocks()
		if s.Scores() != nil {
			blocks = s.Scores().Blocks
		}
		for _, b := range blocks {
			if n, err := influence.ReadVectors(t.Context(), b); err == nil {
				require.Len(t, n, int(b.Rows())*b.Cols())
			}
		}
		require.NoError(t, s.Close())
	})
}
