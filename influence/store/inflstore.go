package store

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/infl-dev/infl/influence/dataset"
)

const (
	manifestName  = "store.json"
	formatName    = "infl-store"
	formatVersion = 1
	keysFile      = "keys.txt"
	numbersOf     = "numbers/" // before the name of a block, its tensor's name
)

// A Manifest is store.json, the head of a folder of vectors: n rows in blocks, such as
// the gradients of modules, in shards of rows. A shard is a safetensors file with a
// tensor "numbers/<block>", rows × cols, for each block.
type Manifest struct {
	Format  string      `json:"format"`
	Version int         `json:"version"`
	N       int64       `json:"n"`
	Blocks  []BlockHead `json:"blocks"`
	Keys    string      `json:"keys,omitempty"`   // int or text where keys.txt names the rows, one on each line
	Source  string      `json:"source,omitempty"` // where the numbers come from, for people
	Shards  []Shard     `json:"shards"`
}

// A BlockHead is a block of a manifest.
type BlockHead struct {
	Name  string `json:"name"`
	Cols  int    `json:"cols"`
	Dtype string `json:"dtype"` // of the tensor: F64, F32, F16 or BF16
}

// A Shard is a file with consecutive rows.
type Shard struct {
	File   string `json:"file"` // in the folder
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"`
}

func isInfl(path string, folder bool) bool {
	return folder && there(filepath.Join(path, manifestName))
}

// readManifest reads and checks a head.
func readManifest(path string) (*Manifest, error) {
	m := &Manifest{}
	if err := readHead(path, m); err != nil {
		return nil, err
	}
	switch {
	case m.Format != formatName || m.Version != formatVersion:
		return nil, problem(path, "format %q version %d is not known; %s version %d is read", m.Format, m.Version, formatName, formatVersion)
	case len(m.Blocks) == 0:
		return nil, problem(path, "blocks is empty")
	case len(m.Shards) == 0:
		return nil, problem(path, "shards is empty")
	case m.Keys != "" && m.Keys != "int" && m.Keys != "text":
		return nil, problem(path, "keys is %q, neither int nor text", m.Keys)
	}
	for i, s := range m.Shards {
		if s.File != filepath.Base(s.File) || !filepath.IsLocal(s.File) {
			return nil, problem(path, "shards: the file %q is not one of the folder", s.File)
		}
		if slices.ContainsFunc(m.Shards[:i], func(t Shard) bool { return t.File == s.File }) {
			return nil, problem(path, "shards: %q stands twice", s.File)
		}
	}
	return m, nil
}

// openInfl opens a folder of ours.
func (s *Store) openInfl(o dataset.MatrixOptions) error {
	path := s.file(filepath.Join(s.path, manifestName))
	m, err := readManifest(path)
	if err != nil {
		return err
	}
	var paths []string
	for _, shard := range m.Shards {
		paths = append(paths, s.file(filepath.Join(s.path, shard.File)))
	}
	tensors, err := dataset.OpenTensors(paths, o.Read)
	if err != nil {
		return err
	}
	s.open = append(s.open, tensors)
	for _, b := range m.Blocks {
		v, err := tensors.Matrix(numbersOf + b.Name)
		if err != nil {
			return err
		}
		if v.Rows() != m.N || v.Cols() != b.Cols || tensorDtypes[v.Dtype()] != b.Dtype {
			return problem(path, "block %q is %d rows of %d %s in the shards, not %d of %d %s", b.Name, v.Rows(), v.Cols(), tensorDtypes[v.Dtype()], m.N, b.Cols, b.Dtype)
		}
		s.blocks = append(s.blocks, Block{b.Name, v})
	}
	if m.Source != "" {
		s.fact("source", m.Source)
	}
	s.fact("shards", len(m.Shards))
	return s.readKeys(m)
}

// readKeys reads the names of the rows.
func (s *Store) readKeys(m *Manifest) (err error) {
	if m.Keys == "" {
		return nil
	}
	path := s.file(filepath.Join(s.path, keysFile))
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var text []string
	var numbers []int64
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxKey)
	for lines.Scan() {
		if m.Keys == "text" {
			text = append(text, lines.Text())
			continue
		}
		v, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			return problem(path, "line %d is no integer", len(numbers)+1)
		}
		numbers = append(numbers, v)
	}
	if err := lines.Err(); err != nil {
		return caused(path, err)
	}
	if n := int64(len(text) + len(numbers)); n != m.N {
		return problem(path, "names %d rows of %d", n, m.N)
	}
	if m.Keys == "text" {
		s.keys, err = dataset.TextKeys(text)
	} else {
		s.keys, err = dataset.IntKeys(numbers)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// maxKey bounds the text of a key.
const maxKey = 1 << 20
