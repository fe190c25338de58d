package gbdt

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/infl-dev/infl/influence"
)

// A LabelEdit says which label a train row is thought to get: one for all
// queries, or each query's own from the column that Columns.LabelEdit named.
type LabelEdit struct {
	PerQuery bool
	Value    float64 // used unless PerQuery; a class by its number
}

// ParseLabel reads a label as a user writes it: a class name of the model, or a
// number.
func (m *Model) ParseLabel(text string) (float64, error) {
	if i := slices.Index(m.Classes(), text); i >= 0 {
		return float64(i), nil
	}
	y, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(y) || math.IsInf(y, 0) {
		return 0, fmt.Errorf("label %q is neither a class of the model nor a number", text)
	}
	return y, m.loss.Check(y)
}

// labelEdit returns the scorer of a label edit for the estimators that have one.
func (m *Model) labelEdit(q *Queries, edit *LabelEdit, e estimator) (influence.Scorer, error) {
	b, ok := e.(*boostin)
	if !ok {
		return nil, &influence.UnsupportedError{What: "a label edit with method " + e.describe().Method, Reason: "its label edit is not built yet", Instead: "use boostin, boostin-w1 or boostin-w2"}
	}
	if q == nil {
		return nil, fmt.Errorf("a label edit is asked about queries, not about train rows themselves")
	}
	targets := q.edit
	if !edit.PerQuery {
		if err := m.loss.Check(edit.Value); err != nil {
			return nil, err
		}
		targets = slices.Repeat([]float64{edit.Value}, int(q.Rows()))
	} else if targets == nil && q.Rows() > 0 {
		return nil, fmt.Errorf("no column of new labels was read; name it in Columns.LabelEdit")
	}
	return &joinScorer{model: m, queries: q, est: &boostinEdit{boostin: *b}, targets: targets}, nil
}

// boostinEdit is BoostIn of changing y_i to y′: the pull of the row with its
// label less its pull with the new one.
//
//	A = A(y) − A(y′),  A(y′) = w(η·g′ + θ·h′)/(D − w·h + w·h′)
//
// In compat form neither part is weighted and η slips onto θ, as in
// tree_influence's BoostInLE.
type boostinEdit struct {
	boostin
	target float64
	y      []float64
	d      Derivatives
}

func (b *boostinEdit) clone() estimator {
	c := &boostinEdit{boostin: b.boostin, target: b.target, y: make([]float64, blockRows)}
	k := b.model.k
	c.a = scratch(k)
	c.d = Derivatives{G: scratch(k), H: scratch(k)}
	fill(c.y, b.target)
	return c
}

func (b *boostinEdit) describe() influence.Description {
	d := b.boostin.describe()
	d.Source += "; label edit (BoostInLE)"
	d.PositiveMeans = "changing the train row's label to the new one would raise the query's loss: its present label helps"
	d.NegativeMeans = "changing the train row's label to the new one would lower the query's loss: its present label harms"
	return d
}

func (b *boostinEdit) coefficients(r *rowBlock, t int) [][]float64 {
	m := b.model
	eta := m.eta[t]
	edited := Derivatives{G: cut(b.d.G, r.m), H: cut(b.d.H, r.m)}
	m.loss.Derive(b.y[:r.m], r.f, edited)
	for c := range b.a {
		u := t*m.k + c
		theta, off := m.theta[u], m.offset[u]
		a, g, h, g2, h2 := b.a[c][:r.m], r.d.G[c], r.d.H[c], edited.G[c], edited.H[c]
		for i, l := range r.leaf[c] {
			j := off + int(l)
			if !m.active[j] || r.y[i] == b.target || r.seen[i] == 0 {
				a[i] = 0
				continue
			}
			w := r.w[i]
			before := w * (float64(eta*g[i]) + float64(theta[l]*h[i]))
			after := w * (float64(eta*g2[i]) + float64(theta[l]*h2[i]))
			if b.form == CompatForm {
				w = 1
				before = eta * (g[i] + float64(theta[l]*h[i]))
				after = eta * (g2[i] + float64(theta[l]*h2[i]))
			}
			a[i] = (before/m.denom[j] - after/(m.denom[j]-float64(w*h[i])+float64(w*h2[i]))) / b.share(m.count[j])
		}
	}
	return cut(b.a, r.m)
}
