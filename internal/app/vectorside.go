package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/store"
	"github.com/infl-dev/infl/internal/parallel"
)

// A vectorSide is the vectors of train or query rows, in one block or several, with
// the names of the rows.
type vectorSide struct {
	path   string
	blocks []influence.Vectors
	names  []string // of the blocks of a folder: file names without their ends, or modules

	files   []*dataset.Matrix // of the blocks; none for a capture or a store
	capture *capture.Capture  // nil for files
	store   *store.Store      // of another tool, or ours; nil for files

	keys   *dataset.Keys
	groups *dataset.Groups // nil without a column of groups
}

// openVectorSide opens a file of vectors or a glob of its shards; or a folder, each
// file of which is a block of the vectors, such as a layer, in order of name; or a
// capture, whose gradients are formed in a dtype; or a store of gradients.
func openVectorSide(c *Common, path, dtype string) (*vectorSide, error) {
	budget, err := c.memory()
	if err != nil {
		return nil, err
	}
	s := &vectorSide{path: path}
	if capture.IsCapture(path) {
		return s, s.openCapture(dataset.Dtype(dtype), parallel.Workers(c.Workers))
	}
	o := dataset.MatrixOptions{Tmp: c.Tmp, BlockBytes: influence.BlockBytes(budget / 2)}
	if store.Detect(path) != "" {
		return s, s.openStore(o)
	}
	files := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if files, err = s.listBlocks(); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		m, err := dataset.OpenMatrix(file, o)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.blocks, s.files = append(s.blocks, m), append(s.files, m)
		if m.Rows() != s.rows() {
			return nil, errors.Join(fmt.Errorf("%s: has %d rows, %s has %d", file, m.Rows(), files[0], s.rows()), s.close())
		}
	}
	return s, nil
}

// listBlocks returns the files of the folder and names the blocks.
func (s *vectorSide) listBlocks() ([]string, error) {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && !strings.HasPrefix(name, ".") {
			files = append(files, filepath.Join(s.path, name))
			s.names = append(s.names, strings.TrimSuffix(name, filepath.Ext(name)))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: is a folder without files of vectors", s.path)
	}
	return files, nil
}

func (s *vectorSide) rows() int64 { return s.blocks[0].Rows() }

// block returns a block by its name. Of a capture, features and gradients are those of
// its last module.
func (s *vectorSide) block(name string) (influence.Vectors, error) {
	if s.capture != nil {
		return s.lastModule(name)
	}
	i := slices.Index(s.names, name)
	if i < 0 {
		return nil, fmt.Errorf("%s: has no file %s.npy, .safetensors, .arrow or .parquet", s.path, name)
	}
	return s.blocks[i], nil
}

// readNames reads the columns of keys and of groups; without a column of keys, rows
// are numbered. Groups may also stand in a file, one on each line: @FILE.
func (s *vectorSide) readNames(ctx context.Context, key, group string) error {
	s.keys = dataset.RowKeys(s.rows())
	if s.capture != nil {
		s.keys = s.capture.Keys()
	}
	if s.store != nil && s.store.Keys() != nil {
		s.keys = s.store.Keys()
	}
	if file, ok := strings.CutPrefix(group, "@"); ok {
		lines, err := keyList("@"+file, "@"+file)
		if err != nil {
			return err
		}
		if int64(len(lines)) != s.rows() {
			return fmt.Errorf("%s: has %d groups for %d rows of %s", file, len(lines), s.rows(), s.path)
		}
		s.groups, group = &dataset.Groups{}, ""
		s.groups.Add(lines)
	}
	if key == "" && group == "" {
		return nil
	}
	if s.capture != nil {
		return fmt.Errorf("%s: a capture has the keys of its examples, and no columns; leave --key, --group and --by out", s.path)
	}
	if s.store != nil {
		return fmt.Errorf("%s: a store has the keys of its rows, and no columns; leave --key, --group and --by out", s.path)
	}
	if kind := s.files[0].Kind(); len(s.files) > 1 || kind != dataset.Arrow && kind != dataset.Parquet {
		return fmt.Errorf("%s: has no columns to name rows by; leave --key, --group and --by out, or write one file of Arrow or Parquet with a column of vectors", s.path)
	}
	t, err := dataset.Open(s.path, dataset.Options{})
	if err != nil {
		return err
	}
	b, err := t.Bind(dataset.Binding{Key: key, Group: group})
	if err != nil {
		return err
	}
	groups := &dataset.Groups{}
	rows := int64(0)
	for f, err := range b.Frames(ctx) {
		if err != nil {
			return err
		}
		groups.Add(f.Group)
		rows += int64(f.N)
	}
	if rows != s.rows() {
		return fmt.Errorf("%s: has %d rows but %d vectors", s.path, rows, s.rows())
	}
	if key != "" {
		s.keys = b.Keys()
	}
	if group != "" {
		s.groups = groups
	}
	return nil
}
