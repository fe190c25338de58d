package gbdt

import (
	"context"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/parallel"
)

// Columns says which columns of a table play a role, and how labels and
// categories become numbers. The zero value has no roles.
type Columns struct {
	Label, Key, Weight, Group, Predictions string

	// Base is a column with the initial score of each row, as it was given to the
	// library beside the labels.
	Base string

	// LabelEdit is a column of the query table with the new label that train
	// rows are thought to get, for label edits.
	LabelEdit string

	// Classes names the classes of a text label in order of their numbers.
	Classes []string

	// Categories gives the values of categorical features, in order of their
	// codes, for features whose values the model file does not hold.
	Categories map[string][]any
}

// binding joins the model's features with the roles of the columns.
func (f *Forest) binding(c Columns) dataset.Binding {
	b := dataset.Binding{
		ByPosition: f.Generated,
		Label:      c.Label, Key: c.Key, Weight: c.Weight, Group: c.Group, Base: c.Base, Predictions: c.Predictions,
		Classes: c.Classes,
	}
	if b.Classes == nil {
		b.Classes = f.Classes
	}
	if c.LabelEdit != "" {
		b.Extra = []string{c.LabelEdit}
	}
	b.Features = make([]dataset.Feature, len(f.Features))
	for i, x := range f.Features {
		v := dataset.Feature{Name: x.Name, Categorical: x.Categorical, Categories: x.Categories}
		if given, ok := c.Categories[x.Name]; ok {
			v.Categorical, v.Categories = true, given
		}
		b.Features[i] = v
	}
	return b
}

// encode reads all rows of b, routes them into x and shows each frame to keep.
func (m *Model) encode(ctx context.Context, b *dataset.Bound, x *leafIndex, keep func(*dataset.Frame) error) error {
	for fr, err := range b.Frames(ctx) {
		if err != nil {
			return err
		}
		if err := keep(fr); err != nil {
			return err
		}
		blocks := make([]leafBlock, (fr.N+blockRows-1)/blockRows)
		err := parallel.For(ctx, m.workers, len(blocks), func(_, i int) error {
			lo := i * blockRows
			n := min(blockRows, fr.N-lo)
			part := make([][]float64, len(fr.X))
			for f := range part {
				part[f] = fr.X[f][lo : lo+n]
			}
			blocks[i] = x.newBlock(n)
			m.router.route(part, n, blocks[i].put)
			return nil
		})
		if err != nil {
			return err
		}
		for _, block := range blocks {
			if err := x.append(block); err != nil {
				return err
			}
		}
	}
	return nil
}
