package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
)

// DefaultShardBytes is the size of a shard where [Content] says nothing.
const DefaultShardBytes = 256 << 20

// Content is what a folder of vectors is to hold.
type Content struct {
	Blocks     []Block       // with names that differ, all with equally many rows
	Keys       *dataset.Keys // of the rows; nil where they are only numbered
	Source     string        // see [Manifest]
	ShardBytes int64         // bytes of the rows of a shard; 0 means [DefaultShardBytes]
}

// Write writes a folder of vectors. Rows are read once, in order, and shards are cut by
// size alone. A shard appears when it is whole, and the manifest comes last; so a folder
// that was begun with the same content is continued after its last shard. It is an
// error where the folder holds a finished store, or shards of another content.
func Write(ctx context.Context, dir string, c Content) (*Manifest, error) {
	m, err := c.manifest()
	if err != nil {
		return nil, caused(dir, err)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, caused(dir, err)
	}
	digest := sha256.Sum256(text)
	identity := hex.EncodeToString(digest[:])
	if there(filepath.Join(dir, manifestName)) {
		return nil, problem(dir, "holds a finished store")
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	step := c.shardRows(m)
	for lo := int64(0); lo < m.N || lo == 0; lo += step {
		s := Shard{File: fmt.Sprintf("%05d.safetensors", len(m.Shards)), Rows: min(step, m.N-lo)}
		if s.SHA256, err = c.shard(ctx, filepath.Join(dir, s.File), identity, lo, lo+s.Rows); err != nil {
			return nil, caused(dir, err)
		}
		m.Shards = append(m.Shards, s)
	}
	if err := writeKeys(dir, c.Keys); err != nil {
		return nil, caused(dir, err)
	}
	if text, err = json.MarshalIndent(m, "", " "); err != nil {
		return nil, caused(dir, err)
	}
	_, err = writeFile(filepath.Join(dir, manifestName), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	return m, err
}

// manifest returns the head without shards.
func (c *Content) manifest() (*Manifest, error) {
	if len(c.Blocks) == 0 {
		return nil, errors.New("there are no vectors to write")
	}
	m := &Manifest{Format: formatName, Version: formatVersion, N: c.Blocks[0].Rows(), Source: c.Source, Shards: []Shard{}}
	if c.Keys != nil {
		if m.Keys = "text"; c.Keys.IsInt() {
			m.Keys = "int"
		}
		if c.Keys.Len() != m.N {
			return nil, fmt.Errorf("%d keys for %d rows", c.Keys.Len(), m.N)
		}
	}
	seen := map[string]bool{}
	for i, b := range c.Blocks {
		h := BlockHead{Name: b.Name, Cols: b.Cols(), Dtype: tensorDtypes[b.Dtype()]}
		if h.Name == "" {
			h.Name = fmt.Sprint("block", i)
		}
		if b.Rows() != m.N || seen[h.Name] {
			return nil, fmt.Errorf("block %q has %d rows of %d, or its name twice", h.Name, b.Rows(), m.N)
		}
		seen[h.Name] = true
		m.Blocks = append(m.Blocks, h)
	}
	return m, nil
}

// shardRows returns the number of rows of a shard.
func (c *Content) shardRows(m *Manifest) int64 {
	row := int64(0)
	for _, b := range c.Blocks {
		row += int64(b.Cols()) * b.Dtype().Bytes()
	}
	bytes := c.ShardBytes
	if bytes <= 0 {
		bytes = DefaultShardBytes
	}
	return max(1, bytes/max(1, row))
}

// shard writes rows lo … hi−1, unless an earlier attempt has.
func (c *Content) shard(ctx context.Context, path, identity string, lo, hi int64) (sum string, err error) {
	if there(path) {
		return finishedShard(path, identity)
	}
	tensors := make([]rowsOfTensor, len(c.Blocks))
	for i, b := range c.Blocks {
		if b.Name == "" {
			b.Name = fmt.Sprint("block", i)
		}
		b.Name = numbersOf + b.Name
		tensors[i] = rowsOfTensor{Block: b, lo: lo, hi: hi, shape: []int64{hi - lo, int64(b.Cols())}}
	}
	return writeTensors(ctx, path, map[string]string{"format": formatName, "manifest": identity}, tensors)
}

// finishedShard returns the SHA-256 of a shard that is there already.
func finishedShard(path, identity string) (string, error) {
	t, err := dataset.OpenTensors([]string{path}, true)
	if err != nil {
		return "", err
	}
	same := t.Header(0).Metadata["manifest"] == identity
	if err := t.Close(); err != nil {
		return "", err
	}
	if !same {
		return "", problem(path, "was written with another content; remove it, or write to another folder")
	}
	return fileSHA256(path)
}

func fileSHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// writeKeys writes the names of the rows, one on each line.
func writeKeys(dir string, keys *dataset.Keys) error {
	if keys == nil {
		return nil
	}
	_, err := writeFile(filepath.Join(dir, keysFile), func(w io.Writer) error {
		for i := range keys.Len() {
			key := keys.String(i)
			if strings.ContainsAny(key, "\n\r") || len(key) >= maxKey {
				return fmt.Errorf("the key of row %d has several lines or is very long; the keys of a store stand on a line each", i)
			}
			if _, err := io.WriteString(w, key+"\n"); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// Verify checks what [Open] checks, and of a folder of ours that the shards are as they
// were written, by the SHA-256 of each. It returns one sentence for each thing that is
// wrong; err is for what kept it from looking.
func Verify(ctx context.Context, dir string) (problems []string, err error) {
	s, err := Open(dir, dataset.MatrixOptions{})
	if err != nil {
		return []string{err.Error()}, nil
	}
	if err := s.Close(); err != nil || s.Kind() != Infl {
		return nil, err
	}
	m, err := readManifest(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, err
	}
	for _, shard := range m.Shards {
		if err := ctx.Err(); err != nil {
			return problems, err
		}
		path := filepath.Join(dir, shard.File)
		sum, err := fileSHA256(path)
		if err != nil {
			return problems, err
		}
		if sum != shard.SHA256 {
			problems = append(problems, fmt.Sprintf("%s has the SHA-256 %s, store.json says %s", path, sum, shard.SHA256))
		}
	}
	return problems, nil
}
