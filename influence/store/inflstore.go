package store

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

const (
	manifestName  = "store.json"
	formatName    = "infl-store"
	formatVersion = 1
	keysFile      = "keys.txt"
	fidelityFile  = "fidelity.json"
	numbersOf     = "numbers/" // before the name of a block: its tensor
	scalesOf      = "scales/"  // and that of its scales
)

// A Manifest is store.json, the head of a folder of vectors: n rows in blocks, such as
// the gradients of modules, in shards of rows. A shard is a safetensors file with a
// tensor "numbers/<block>", rows × cols, for each block. Where the block is scaled there
// is a tensor "scales/<block>" of float32: rows × 1 for F16, and for I8, whose rows are
// filled up with zeros to a multiple of 64, rows × ⌈cols/256⌉; number j of a row is to be
// multiplied with scale 0, or j/256.
type Manifest struct {
	Format  string      `json:"format"`
	Version int         `json:"version"`
	N       int64       `json:"n"`
	Blocks  []BlockHead `json:"blocks"`
	// Projection is what the blocks went through, block b the one with Seed + b, unless it
	// had no more numbers than the projection gives.
	Projection *influence.Projection `json:"projection,omitempty"`

	Adam   bool   `json:"adam,omitempty"`   // the blocks are directions of Adam, not gradients
	Keys   string `json:"keys,omitempty"`   // int or text where keys.txt names the rows, one on each line
	Source string `json:"source,omitempty"` // where the numbers come from, for people

	// Inputs are the fingerprints of the files that the numbers come from.
	Inputs *dataset.Fingerprint `json:"inputs,omitempty"`

	Shards []Shard `json:"shards"`
}

// A BlockHead is a block of a manifest.
type BlockHead struct {
	Name   string `json:"name"`
	Cols   int    `json:"cols"`
	Dtype  string `json:"dtype"` // of the tensor: F64, F32, F16, BF16 or I8
	Scaled bool   `json:"scaled,omitempty"`
	Of     int    `json:"projected_from,omitempty"` // numbers of a row before the projection, where there was one
}

// A Shard is a file with consecutive rows.
type Shard struct {
	File string `json:"file"` // in the folder
	Rows int64  `json:"rows"`
	XXH3 string `json:"xxh3"` // XXH3-64, 16 hexadecimal digits
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
	for i := range m.Blocks {
		b := &m.Blocks[i]
		v, err := s.inflBlock(tensors, paths, b, m.N, o)
		if err != nil {
			return err
		}
		s.blocks = append(s.blocks, Block{b.Name, v})
	}
	s.manifest = m
	if err := s.inflFacts(); err != nil {
		return err
	}
	return s.readKeys(m)
}

// inflBlock opens a block of n rows.
func (s *Store) inflBlock(tensors *dataset.Tensors, paths []string, b *BlockHead, n int64, o dataset.MatrixOptions) (influence.Vectors, error) {
	wrong := func(v *dataset.Matrix, dtype dataset.Dtype, cols int, name string) error {
		if v.Rows() == n && v.Cols() == cols && v.Dtype() == dtype {
			return nil
		}
		return problem(s.path, "tensor %q is %d rows of %d %s in the shards, not %d of %d %s", name, v.Rows(), v.Cols(), v.Dtype(), n, cols, dtype)
	}
	if !b.Scaled {
		v, err := tensors.Matrix(numbersOf + b.Name)
		if err != nil {
			return nil, err
		}
		return v, wrong(v, dtypeOf(b.Dtype), b.Cols, numbersOf+b.Name)
	}
	if b.Dtype != "F16" && b.Dtype != "I8" || b.Cols < 1 {
		return nil, problem(s.path, "block %q: %d numbers of dtype %s have no scales", b.Name, b.Cols, b.Dtype)
	}
	var parts []dataset.Part
	for i, path := range paths {
		t, ok := tensors.Header(i).Tensor(numbersOf + b.Name)
		if !ok || t.Dtype != b.Dtype || len(t.Shape) != 2 || t.Shape[1] != int64(b.width()) {
			return nil, problem(path, "tensor %q is not rows of %d %s", numbersOf+b.Name, b.width(), b.Dtype)
		}
		parts = append(parts, dataset.Part{Path: path, RawMatrix: dataset.RawMatrix{Dtype: dtypeOf(b.Dtype), Rows: t.Shape[0], Cols: t.Shape[1], Offset: t.Offset}})
	}
	numbers, err := s.parts(parts, o)
	if err != nil {
		return nil, err
	}
	scales, err := tensors.Matrix(scalesOf + b.Name)
	if err != nil {
		return nil, err
	}
	if err := wrong(scales, dataset.Float32, b.scales(), scalesOf+b.Name); err != nil {
		return nil, err
	}
	return scaled{numbers, scales, b.Cols}, wrong(numbers, dtypeOf(b.Dtype), b.width(), numbersOf+b.Name)
}

// dtypeOf returns the dtype of a name in safetensors files, or "".
func dtypeOf(name string) dataset.Dtype {
	if name == "I8" {
		return dataset.Int8
	}
	for d, n := range tensorDtypes {
		if n == name {
			return d
		}
	}
	return ""
}

// inflFacts lists what a folder of ours says of itself.
func (s *Store) inflFacts() error {
	m := s.manifest
	if m.Source != "" {
		s.fact("source", m.Source)
	}
	if p := m.Projection; p != nil {
		s.fact("projection", fmt.Sprintf("%s to %d numbers a block, seed %d; queries are projected alike", p.Kind, p.Size, p.Seed))
	}
	s.fact("shards", len(m.Shards))
	f, err := ReadFidelity(s.path)
	if err != nil || f == nil {
		return err
	}
	for _, c := range f.Comparisons {
		s.fact("fidelity against "+c.Against, c.String())
	}
	return nil
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
