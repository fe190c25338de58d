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

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/durable"
)

// DefaultShardBytes is the size of a shard where [Content] says nothing.
const DefaultShardBytes = 256 << 20

// Content is what a folder of vectors is to hold.
type Content struct {
	Blocks     []Block       // with names that differ, all with equally many rows
	Form       Form          // of the numbers
	Keys       *dataset.Keys // of the rows; nil where they are only numbered
	Source     string        // see [Manifest]
	Inputs     *dataset.Fingerprint
	Projection *influence.Projection // that Blocks are made by, from OfCols numbers of each
	OfCols     []int
	Adam       bool  // Blocks are directions of Adam
	ShardBytes int64 // bytes of the rows of a shard; 0 means [DefaultShardBytes]
	Workers    int

	Progress func(rows int64) // called after each shard; may be nil
}

// Write writes a folder of vectors. Rows are read once, in order, and shards are cut by
// size alone, so the files depend on the content only. A shard appears when it is whole,
// and the manifest comes last; a folder that was begun with the same content is
// continued after its last shard. It is an error where the folder holds a finished
// store, or shards of another content, and where numbers with scales are to be written
// as they are. Memory is that of the blocks as they are read,
// and four bytes for each scale of a shard.
func Write(ctx context.Context, dir string, c Content) (*Manifest, error) {
	m, err := c.manifest()
	if err != nil {
		return nil, caused(dir, err)
	}
	identity, err := m.identity()
	if err != nil {
		return nil, caused(dir, err)
	}
	if there(filepath.Join(dir, manifestName)) {
		return nil, problem(dir, "holds a finished store")
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	step := c.shardRows(m)
	for lo := int64(0); lo < m.N || lo == 0; lo += step {
		s := Shard{File: fmt.Sprintf("%05d.safetensors", len(m.Shards)), Rows: min(step, m.N-lo)}
		if s.XXH3, err = c.shard(ctx, filepath.Join(dir, s.File), m, identity, lo, lo+s.Rows); err != nil {
			return nil, caused(dir, err)
		}
		m.Shards = append(m.Shards, s)
		if c.Progress != nil {
			c.Progress(s.Rows)
		}
	}
	if err := writeKeys(dir, c.Keys); err != nil {
		return nil, caused(dir, err)
	}
	return m, writeHead(filepath.Join(dir, manifestName), m)
}

// writeHead writes a JSON file.
func writeHead(path string, head any) error {
	return durable.WriteJSON(path, " ", head)
}

// identity is a digest of what a manifest says but for its shards.
func (m *Manifest) identity() (string, error) {
	bare := *m
	bare.Shards = nil
	text, err := json.Marshal(bare)
	digest := sha256.Sum256(text)
	return hex.EncodeToString(digest[:]), err
}

// Same reports whether a finished store holds the content that is to be written, as far
// as the heads say.
func (c *Content) Same(m *Manifest) (bool, error) {
	mine, err := c.manifest()
	if err != nil {
		return false, err
	}
	a, err := mine.identity()
	if err != nil {
		return false, err
	}
	b, err := m.identity()
	return a == b, err
}

// manifest returns the head without shards.
func (c *Content) manifest() (*Manifest, error) {
	if len(c.Blocks) == 0 {
		return nil, errors.New("there are no vectors to write")
	}
	m := &Manifest{
		Format: formatName, Version: formatVersion, N: c.Blocks[0].Rows(),
		Projection: c.Projection, Adam: c.Adam, Source: c.Source, Inputs: c.Inputs, Shards: []Shard{},
	}
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
		h := c.Form.head(b)
		if h.Name == "" {
			h.Name = fmt.Sprint("block", i)
		}
		if b.Rows() != m.N || seen[h.Name] {
			return nil, fmt.Errorf("block %q has %d rows of %d, or its name twice", h.Name, b.Rows(), m.N)
		}
		if c.Projection != nil {
			h.Of = c.OfCols[i]
		}
		seen[h.Name] = true
		m.Blocks = append(m.Blocks, h)
	}
	return m, nil
}

// shardRows returns the number of rows of a shard.
func (c *Content) shardRows(m *Manifest) int64 {
	row := int64(0)
	for i := range m.Blocks {
		row += m.Blocks[i].rowBytes()
	}
	bytes := c.ShardBytes
	if bytes <= 0 {
		bytes = DefaultShardBytes
	}
	return max(1, bytes/max(1, row))
}

// shard writes rows lo … hi−1, unless an earlier attempt has.
func (c *Content) shard(ctx context.Context, path string, m *Manifest, identity string, lo, hi int64) (sum string, err error) {
	if there(path) {
		return finishedShard(path, identity)
	}
	var tensors []tensor
	for i, b := range c.Blocks {
		tensors = append(tensors, c.Form.tensors(ctx, b, &m.Blocks[i], lo, hi, max(1, c.Workers))...)
	}
	return writeTensors(path, map[string]string{"format": formatName, "manifest": identity}, tensors)
}

// finishedShard returns the XXH3-64 of a shard that is there already.
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
	return fileXXH3(path)
}

func fileXXH3(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := xxh3.New()
	_, err = io.Copy(h, f)
	return fmt.Sprintf("%016x", h.Sum64()), err
}

// writeKeys writes the names of the rows, one on each line.
func writeKeys(dir string, keys *dataset.Keys) error {
	if keys == nil {
		return nil
	}
	_, err := durable.WriteSummed(filepath.Join(dir, keysFile), func(w io.Writer) error {
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
// were written, by the XXH3 of each. It returns one sentence for each thing that is
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
		sum, err := fileXXH3(path)
		if err != nil {
			return problems, err
		}
		if sum != shard.XXH3 {
			problems = append(problems, fmt.Sprintf("%s has the XXH3 %s, store.json says %s", path, sum, shard.XXH3))
		}
	}
	return problems, nil
}
