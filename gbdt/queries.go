package gbdt

import (
	"context"
	"math"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/parallel"
)

// Queries are the query rows of a prepared model: the leaf of each in every
// tree, its margins, and its label where it has one. They are not changed after
// they are made.
type Queries struct {
	model   *Model
	rows    rowSet
	margins [][]float64 // at the end of training, K slices of q
	class   []int32     // predicted class
	edit    []float64   // new label of train rows, per query; nil where none was read
	bound   *dataset.Bound
}

// Queries reads a query table once. A table without the label column of c gives
// unlabelled queries. Weights are not used: a query asks for itself.
//
// Cost: one pass over the table and q·T·K walks down a tree; memory 1 to 4
// bytes per query and tree, and 8·(K+1) bytes per query.
func (m *Model) Queries(ctx context.Context, t *dataset.Table, c Columns) (*Queries, error) {
	has := func(name string) bool {
		return slices.ContainsFunc(t.Columns(), func(col dataset.Column) bool { return col.Name == name })
	}
	for _, role := range []*string{&c.Label, &c.Weight, &c.Group, &c.Predictions} {
		if !has(*role) {
			*role = ""
		}
	}
	if c.Base != "" && !has(c.Base) {
		return nil, &dataset.Error{Path: t.Path(), Row: -1, Column: c.Base, Problem: "the query table has no such column, but the model was trained on initial scores", Hint: "add the query rows' initial scores"}
	}
	if c.Classes == nil {
		c.Classes = m.bound.LabelMap().Classes
	}
	bound, err := t.Bind(m.forest.binding(c))
	if err != nil {
		return nil, err
	}
	q := &Queries{model: m, bound: bound}
	if q.rows.index, err = newLeafIndex(len(m.forest.Trees), leafWidth(m.forest), false, ""); err != nil {
		return nil, err
	}
	err = m.encode(ctx, bound, q.rows.index, func(fr *dataset.Frame) error {
		q.rows.y = append(q.rows.y, fr.Label...)
		q.rows.base = append(q.rows.base, fr.Base...)
		q.rows.group.Add(fr.Group)
		if c.LabelEdit == "" {
			return nil
		}
		for i, text := range fr.Text[0] {
			y, err := m.ParseLabel(text)
			if err != nil {
				return &dataset.Error{Path: t.Path(), Row: fr.First + int64(i), Column: c.LabelEdit, Problem: err.Error()}
			}
			q.edit = append(q.edit, y)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	q.rows.keys = bound.Keys()
	if err := q.checkLabels(ctx); err != nil {
		return nil, err
	}
	return q, q.predict(ctx)
}

// predict computes margins and predicted classes.
func (q *Queries) predict(ctx context.Context) error {
	m, n := q.model, q.Rows()
	q.margins, q.class = make([][]float64, m.k), make([]int32, n)
	for c := range q.margins {
		q.margins[c] = make([]float64, n)
	}
	return parallel.For(ctx, m.workers, q.rows.index.numBlocks(), func(_, b int) error {
		ids := q.rows.reader()
		if err := ids.load(b); err != nil {
			return err
		}
		lo := b * blockRows
		hi := lo + q.rows.index.blockLen(b)
		f := make([][]float64, m.k)
		for c := range f {
			f[c] = q.margins[c][lo:hi]
		}
		m.margins(ids, 0, f, make([]uint32, blockRows))
		m.loss.Classify(f, q.class[lo:hi])
		return nil
	})
}

// Rows returns q, the number of query rows.
func (q *Queries) Rows() int64 { return q.rows.index.rows }

// Keys returns the keys of the query rows.
func (q *Queries) Keys() *dataset.Keys { return q.rows.keys }

// Groups returns the groups of the query rows; nil without a group column.
func (q *Queries) Groups() *dataset.Groups { return q.rows.groups() }

// Bound returns how the query table was read.
func (q *Queries) Bound() *dataset.Bound { return q.bound }

// Labelled reports whether the queries have a label column.
func (q *Queries) Labelled() bool { return q.rows.y != nil || q.Rows() == 0 }

// Label returns the label of query row i; NaN where it has none.
func (q *Queries) Label(i int64) float64 {
	if q.rows.y == nil {
		return math.NaN()
	}
	return q.rows.y[i]
}

// Margin returns the margins of query row i, K numbers.
func (q *Queries) Margin(i int64) []float64 {
	f := make([]float64, q.model.k)
	for c := range f {
		f[c] = q.margins[c][i]
	}
	return f
}

// Class returns the predicted class of query row i; 0 for a regression.
func (q *Queries) Class(i int64) int { return int(q.class[i]) }

// Probability returns the output after the link for query row i; nil for a
// regression. A binary model gives the probability of class 1.
func (q *Queries) Probability(i int64) []float64 {
	f, p := make([][]float64, q.model.k), make([][]float64, q.model.k)
	for c, v := range q.Margin(i) {
		f[c], p[c] = []float64{v}, []float64{0}
	}
	if q.model.loss.Probability(f, p) != nil {
		return nil
	}
	out := make([]float64, len(p))
	for c := range p {
		out[c] = p[c][0]
	}
	return out
}

// Output returns what a regression predicts for query row i, after the link;
// for a classifier the first probability.
func (q *Queries) Output(i int64) float64 {
	out := [][]float64{{0}}
	q.model.output([][]float64{{q.margins[0][i]}}, out)
	return out[0][0]
}

// Loss returns the query's own loss, not clipped; NaN without a label.
func (q *Queries) Loss(i int64) float64 {
	y := q.Label(i)
	if math.IsNaN(y) {
		return y
	}
	f := make([][]float64, q.model.k)
	for c, v := range q.Margin(i) {
		f[c] = []float64{v}
	}
	out := []float64{0}
	q.model.loss.Value([]float64{y}, f, out)
	return out[0]
}

// checkLabels refuses labels that the loss cannot take.
func (q *Queries) checkLabels(ctx context.Context) error {
	for i, y := range q.rows.y {
		if math.IsNaN(y) {
			continue
		}
		if err := q.model.loss.Check(y); err != nil {
			return q.bound.LabelError(ctx, int64(i), err.Error(), "")
		}
	}
	return nil
}

// check returns an error where the queries cannot answer for the quantity.
func (q *Queries) check(rows influence.Rows, of influence.Quantity) error {
	if of.Kind != influence.Loss {
		return nil
	}
	path := q.bound.Table().Path()
	if !q.Labelled() {
		return &dataset.Error{Path: path, Row: -1, Problem: "the query table has no label column", Hint: "name it with --label, or ask for --of margin"}
	}
	for j := range rows.Len() {
		if i := rows.At(j); math.IsNaN(q.rows.y[i]) {
			key := q.rows.keys.String(i)
			return &dataset.Error{Path: path, Row: i, Key: key, Problem: "the query with key " + key + " has no label", Hint: "ask for --of margin, or leave the row out"}
		}
	}
	return nil
}
