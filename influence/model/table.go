package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/infl-dev/infl/influence/dataset"
)

// Columns say which columns of a table are what.
type Columns struct {
	Label string
	Key   string // names of the rows; without it they are numbered

	// Features are the columns of features; nil means all columns without a role, in
	// the order of the table.
	Features []string

	// Classify says that labels are classes. They are numbered in the order of Classes,
	// or where that is nil in sorted order: numbers by value, text by bytes.
	Classify bool
	Classes  []string
}

// TableOptions say how a table is read. The zero value is the default.
type TableOptions struct {
	Workers int   // goroutines that decode; 0 is the number of CPUs
	Memory  int64 // most bytes of features; 0 is no limit
}

// ReadTable reads the columns of a table into memory as float64, eight bytes a number.
// Every feature must be a number and no value may be missing: an error names the row
// and the column. Text and categories are not encoded here, because how to do that is
// the user's choice. A label that is missing or none of the classes is an error too.
func ReadTable(ctx context.Context, path string, c Columns, o TableOptions) (*Data, error) {
	t, err := dataset.Open(path, dataset.Options{Workers: o.Workers})
	if err != nil {
		return nil, err
	}
	names := c.Features
	if names == nil {
		for _, column := range t.Columns() {
			if column.Name != c.Label && column.Name != c.Key {
				names = append(names, column.Name)
			}
		}
	}
	if len(names) == 0 {
		return nil, problem(path, "has no columns of features")
	}
	binding := dataset.Binding{Label: c.Label, Key: c.Key, Classes: c.Classes}
	for _, name := range names {
		binding.Features = append(binding.Features, dataset.Feature{Name: name})
	}
	b, err := t.Bind(binding)
	if err != nil {
		return nil, err
	}
	d := &Data{Features: names}
	if err := d.read(ctx, b, path, c, o.Memory); err != nil {
		return nil, err
	}
	d.Keys = b.Keys()
	if c.Key == "" {
		d.Keys = nil
	}
	if c.Classify {
		d.classify(b.LabelMap(), c.Classes)
	}
	d.Table, err = t.Fingerprint(ctx)
	return d, err
}

// read appends all rows.
func (d *Data) read(ctx context.Context, b *dataset.Bound, path string, c Columns, most int64) error {
	for f, err := range b.Frames(ctx) {
		if err != nil {
			return notNumber(err, c)
		}
		if most > 0 && (f.First+int64(f.N))*int64(len(f.X)) > most/8 {
			return problem(path, "has more than %d rows, whose %d features do not fit into %d bytes", f.First, len(f.X), most)
		}
		for i := range f.N {
			for j := range f.X {
				v := f.X[j][i]
				if v-v != 0 {
					return &dataset.Error{Path: path, Row: f.First + int64(i), Column: d.Features[j], Problem: fmt.Sprintf("the value is %s", missing(v)),
						Hint: "these models need a finite number everywhere; fill it in, or leave the column out of --features"}
				}
				d.X = append(d.X, v)
			}
			if math.IsNaN(f.Label[i]) {
				return &dataset.Error{Path: path, Row: f.First + int64(i), Column: c.Label, Problem: "the label is missing"}
			}
			d.Y = append(d.Y, f.Label[i])
		}
	}
	if len(d.Y) == 0 {
		return problem(path, "has no rows")
	}
	return nil
}

func missing(v float64) string {
	if math.IsNaN(v) {
		return "missing"
	}
	return fmt.Sprint(v)
}

// notNumber adds what to do about a feature that is no number.
func notNumber(err error, c Columns) error {
	var e *dataset.Error
	if errors.As(err, &e) && e.Column != "" && e.Column != c.Label && e.Column != c.Key {
		e.Hint = "these models take numbers; encode the column, or leave it out of --features"
	}
	return err
}

// classify turns numbers that are labels into classes 0 … K−1, where the table's text
// was not numbered already.
func (d *Data) classify(m dataset.LabelMap, given []string) {
	if m.Classes != nil {
		d.Classes = m.Classes
		return
	}
	if given != nil {
		d.Classes = given
		return
	}
	values := slices.Clone(d.Y)
	slices.Sort(values)
	values = slices.Compact(values)
	for _, v := range values {
		d.Classes = append(d.Classes, strconv.FormatFloat(v, 'g', -1, 64))
	}
	for i, v := range d.Y {
		k, _ := slices.BinarySearch(values, v)
		d.Y[i] = float64(k)
	}
}
