package app

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// A vectorSide is the vectors of train or query rows, with the names of the rows.
type vectorSide struct {
	*dataset.Matrix
	keys   *dataset.Keys
	groups *groupColumn // nil without a column of groups
}

// openVectorSide opens a file of vectors, in blocks that hide what a block costs.
func openVectorSide(c *Common, path string) (*vectorSide, error) {
	budget, err := c.memory()
	if err != nil {
		return nil, err
	}
	m, err := dataset.OpenMatrix(path, dataset.MatrixOptions{Tmp: c.Tmp, BlockBytes: influence.BlockBytes(budget / 2)})
	if err != nil {
		return nil, err
	}
	return &vectorSide{Matrix: m}, nil
}

// readNames reads the columns of keys and of groups; without a column of keys, rows
// are numbered.
func (s *vectorSide) readNames(ctx context.Context, key, group string) error {
	s.keys = dataset.RowKeys(s.Rows())
	if key == "" && group == "" {
		return nil
	}
	if s.Kind() != dataset.Arrow && s.Kind() != dataset.Parquet {
		return fmt.Errorf("%s: %s files have no columns to name rows by; leave --key, --group and --by out, or write Arrow or Parquet with a column of vectors", filepath.Base(s.Path()), s.Kind())
	}
	t, err := dataset.Open(s.Path(), dataset.Options{})
	if err != nil {
		return err
	}
	b, err := t.Bind(dataset.Binding{Key: key, Group: group})
	if err != nil {
		return err
	}
	groups := &groupColumn{number: map[string]int32{}}
	rows := int64(0)
	for f, err := range b.Frames(ctx) {
		if err != nil {
			return err
		}
		groups.add(f.Group)
		rows += int64(f.N)
	}
	if rows != s.Rows() {
		return fmt.Errorf("%s: has %d rows but %d vectors", s.Path(), rows, s.Rows())
	}
	if key != "" {
		s.keys = b.Keys()
	}
	if group != "" {
		s.groups = groups
	}
	return nil
}

// A groupColumn holds the group of each row, as a number into its names.
type groupColumn struct {
	names  groupNames
	of     []int32
	number map[string]int32
}

func (g *groupColumn) add(values []string) {
	for _, v := range values {
		n, known := g.number[v]
		if !known {
			n = int32(len(g.names))
			g.number[v] = n
			g.names = append(g.names, v)
		}
		g.of = append(g.of, n)
	}
}

// The groups of the rows are keys that repeat.

func (g *groupColumn) Len() int64            { return int64(len(g.of)) }
func (g *groupColumn) IsInt() bool           { return false }
func (g *groupColumn) Int(i int64) int64     { return int64(g.of[i]) }
func (g *groupColumn) String(i int64) string { return g.names[g.of[i]] }
