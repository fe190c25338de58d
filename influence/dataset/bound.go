package dataset

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
)

// A Bound is a table with a checked binding. Its passes must not overlap; a
// Bound is used from one goroutine at a time.
type Bound struct {
	table      *Table
	binding    Binding
	features   []int // column of each feature
	categories []*categories
	roles      map[role]int
	extra      []int
	ignored    []string

	labels LabelMap
	keys   *Keys
	unseen map[string]int64
}

// Table returns the table.
func (b *Bound) Table() *Table { return b.table }

// Ignored returns the columns that are neither a feature nor in a role, in the
// order of the table.
func (b *Bound) Ignored() []string { return slices.Clone(b.ignored) }

// Keys returns the keys of all rows once a pass of [Bound.Frames] has run to
// its end, else nil.
func (b *Bound) Keys() *Keys { return b.keys }

// LabelMap says how labels have become numbers in the passes so far.
func (b *Bound) LabelMap() LabelMap {
	m := b.labels
	if m.From == "" {
		m.From = NoLabels
	}
	m.Classes = slices.Clone(m.Classes)
	return m
}

// Unseen counts, for the last pass, the values of each feature that are not
// among its categories. Features without any are not in the map.
func (b *Bound) Unseen() map[string]int64 { return maps.Clone(b.unseen) }

// Frames reads all rows in order, as frames of exactly [BatchRows] rows but for
// the last; a table without rows gives none. An error, which is an [*Error] or
// ctx's, ends the sequence, and so does leaving the loop.
//
// A pass reads every file once. String labels without given classes cost one
// more reading of the label column, before the first of them is delivered.
// Later passes do not read the keys again.
func (b *Bound) Frames(ctx context.Context) iter.Seq2[*Frame, error] {
	return func(yield func(*Frame, error) bool) {
		p := b.newPass(ctx)
		p.flush = func(n int) error {
			p.frame.slice(n)
			if !yield(p.frame, nil) {
				return errStop
			}
			p.frame.First += int64(n)
			p.frame.slice(BatchRows)
			return nil
		}
		err := b.table.scan(ctx, &p.assembler)
		p.close(b, err == nil)
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	}
}

// A pass is one reading of a bound table.
type pass struct {
	assembler
	frame  *Frame
	keys   *Keys // being read; nil where they are known or synthetic
	labels *labelDecoder
	codes  map[string]*categoryDecoder
}

func (b *Bound) newPass(ctx context.Context) *pass {
	f := &Frame{}
	p := &pass{frame: f, codes: make(map[string]*categoryDecoder)}
	numbers := func() []float64 { return make([]float64, BatchRows) }
	for i, column := range b.features {
		out := numbers()
		f.X = append(f.X, out)
		if b.categories[i] == nil {
			p.want(b.table, column, &numberDecoder{out: out, categorical: b.binding.Features[i].Categorical})
			continue
		}
		d := &categoryDecoder{out: out, categories: b.categories[i]}
		p.codes[b.binding.Features[i].Name] = d
		p.want(b.table, column, d)
	}
	for _, r := range []struct {
		role  role
		out   *[]float64
		check func(float64) error
	}{{weightRole, &f.Weight, checkWeight}, {baseRole, &f.Base, checkBase}, {predictionsRole, &f.Predictions, checkFinite}} {
		if column, ok := b.roles[r.role]; ok {
			*r.out = numbers()
			p.want(b.table, column, &numberDecoder{out: *r.out, check: r.check})
		}
	}
	if column, ok := b.roles[labelRole]; ok {
		f.Label = numbers()
		p.labels = newLabelDecoder(f.Label, b.knownLabels(), func() ([]string, error) { return b.table.distinct(ctx, column) })
		p.want(b.table, column, p.labels)
	}
	if column, ok := b.roles[groupRole]; ok {
		f.Group = make([]string, BatchRows)
		p.want(b.table, column, &textDecoder{f.Group})
	}
	for _, column := range b.extra {
		out := make([]string, BatchRows)
		f.Text = append(f.Text, out)
		p.want(b.table, column, &textDecoder{out})
	}
	if column, ok := b.roles[keyRole]; ok && b.keys == nil {
		t := b.table.columns[column].arrow
		p.keys = &Keys{}
		if t != nil && isTextType(t) {
			p.keys.isText, p.keys.typed = true, true
		}
		p.want(b.table, column, keyDecoder{p.keys})
	}
	return p
}

// knownLabels returns the map that was given or that an earlier pass found.
func (b *Bound) knownLabels() LabelMap {
	if b.binding.Classes != nil {
		return LabelMap{From: GivenClasses, Classes: b.binding.Classes}
	}
	return b.LabelMap()
}

// want adds a decoder of a column.
func (a *assembler) want(t *Table, column int, d decoder) {
	for i := range a.columns {
		if a.columns[i].index == column {
			a.columns[i].decoders = append(a.columns[i].decoders, d)
			return
		}
	}
	a.columns = append(a.columns, wantedColumn{column, t.columns[column].Name, []decoder{d}})
}

// close records what the pass has found.
func (p *pass) close(b *Bound, complete bool) {
	b.unseen = make(map[string]int64)
	for name, d := range p.codes {
		if d.unseen > 0 {
			b.unseen[name] = d.unseen
		}
	}
	if p.labels != nil {
		b.labels = LabelMap{From: p.labels.from, Classes: p.labels.classes}
	}
	if !complete || b.keys != nil {
		return
	}
	if p.keys == nil {
		p.keys = RowKeys(p.row)
	}
	b.keys = p.keys
}

// distinct returns the distinct strings of a column in sorted order.
func (t *Table) distinct(ctx context.Context, column int) ([]string, error) {
	d := &valueCollector{make(map[string]bool)}
	a := &assembler{flush: func(int) error { return nil }}
	a.want(t, column, d)
	if err := t.scan(ctx, a); err != nil {
		return nil, err
	}
	return sorted(d.values), nil
}
