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

// targets returns the new label that a label edit has for each query row.
func (m *Model) targets(q *Queries, edit *LabelEdit) ([]float64, error) {
	switch {
	case q == nil:
		return nil, fmt.Errorf("a label edit is asked about queries, not about train rows themselves")
	case !edit.PerQuery:
		return slices.Repeat([]float64{edit.Value}, int(q.Rows())), m.loss.Check(edit.Value)
	case q.edit == nil && q.Rows() > 0:
		return nil, fmt.Errorf("no column of new labels was read; name it in Columns.LabelEdit")
	}
	return q.edit, nil
}

// An editable estimator can ask what another label would do instead of what the
// row does.
type editable interface {
	estimator

	// edit returns the estimator of changing a row's label to target.
	edit(target float64) estimator
}

// describeEdit says in a description that it is about a label edit.
func describeEdit(d influence.Description, of influence.Quantity, name string) influence.Description {
	d.Source += "; label edit (" + name + ")"
	d.LOOFactor, d.LabelEdit = nil, true
	d.PositiveMeans = "changing the train row's label to the new one would raise the query's loss: its present label helps"
	d.NegativeMeans = "changing the train row's label to the new one would lower the query's loss: its present label harms"
	if of.Kind != influence.Loss {
		d.PositiveMeans = fmt.Sprintf("changing the train row's label to the new one would lower the query's %s", of.Kind)
		d.NegativeMeans = fmt.Sprintf("changing the train row's label to the new one would raise the query's %s", of.Kind)
	}
	return d
}

// An otherLabel holds what a loss says of rows that had another label.
type otherLabel struct {
	target float64
	y      []float64
	d      Derivatives
}

func newOtherLabel(m *Model, target float64, second bool) otherLabel {
	o := otherLabel{target: target, y: make([]float64, blockRows), d: Derivatives{G: scratch(m.k), H: scratch(m.k)}}
	if second {
		o.d.DG, o.d.DH = scratch(m.k), scratch(m.k)
	}
	fill(o.y, target)
	return o
}

// derive returns the derivatives at the margins of r.
func (o *otherLabel) derive(loss Loss, r *rowBlock) Derivatives {
	d := Derivatives{G: cut(o.d.G, r.m), H: cut(o.d.H, r.m)}
	if o.d.DG != nil {
		d.DG, d.DH = cut(o.d.DG, r.m), cut(o.d.DH, r.m)
	}
	loss.Derive(o.y[:r.m], r.f, d)
	return d
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
	other otherLabel
}

func (b *boostin) edit(target float64) estimator {
	return &boostinEdit{boostin: *b, other: otherLabel{target: target}}
}

func (b *boostinEdit) clone() estimator {
	c := &boostinEdit{boostin: b.boostin, other: newOtherLabel(b.model, b.other.target, false)}
	c.a = scratch(b.model.k)
	return c
}

func (b *boostinEdit) editName() string { return "BoostInLE" }

func (b *boostinEdit) coefficients(r *rowBlock, t int) [][]float64 {
	m := b.model
	eta := m.eta[t]
	edited := b.other.derive(m.loss, r)
	for c := range b.a {
		u := t*m.k + c
		theta, off := m.theta[u], m.offset[u]
		a, g, h, g2, h2 := b.a[c][:r.m], r.d.G[c], r.d.H[c], edited.G[c], edited.H[c]
		for i, l := range r.leaf[c] {
			j := off + int(l)
			if !m.active[j] || r.y[i] == b.other.target || r.seen[i] == 0 {
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

// leafSingleEdit is LeafInfluenceSingle of changing y_i to y′:
//
//	dv = −w[(η(g − g′) + θ(h − h′)) + (η·dg/dF + θ·dh/dF)·j]/D,  j ← j + dv,  A = −dv
//
// the first-order effect of moving the row's weight from its label to the new
// one. The compat form is the difference of two single paths, as in
// tree_influence's LeafInfSPLE: the part of y′ has its own derivatives in every
// place and stands over D − w·h + w·h′, and both parts have h in place of dg/dF.
type leafSingleEdit struct {
	leafSingle
	other otherLabel
}

func (s *leafSingle) edit(target float64) estimator {
	return &leafSingleEdit{leafSingle: *s, other: otherLabel{target: target}}
}

func (s *leafSingleEdit) clone() estimator {
	c := &leafSingleEdit{leafSingle: s.leafSingle, other: newOtherLabel(s.model, s.other.target, true)}
	c.a, c.j = scratch(s.model.k), scratch(s.model.k)
	return c
}

func (s *leafSingleEdit) editName() string { return "LeafInfSPLE" }

func (s *leafSingleEdit) describe() influence.Description {
	d := s.leafSingle.describe()
	d.Approximate[0] = "first order in the share of the row's weight that changes its label, at the trees' fixed structure"
	return d
}

func (s *leafSingleEdit) coefficients(r *rowBlock, t int) [][]float64 {
	m := s.model
	eta := m.eta[t]
	edited := s.other.derive(m.loss, r)
	for c := range s.a {
		u := t*m.k + c
		theta, off := m.theta[u], m.offset[u]
		a, shift := s.a[c][:r.m], s.j[c][:r.m]
		if t == 0 {
			clear(shift)
		}
		for i, l := range r.leaf[c] {
			j := off + int(l)
			a[i] = 0
			if !m.active[j] || r.y[i] == s.other.target || r.seen[i] == 0 {
				continue
			}
			pull := func(g, h float64) float64 { return float64(eta*g) + float64(theta[l]*h) }
			h, h2 := r.d.H[c][i], edited.H[c][i]
			before, after := pull(r.d.G[c][i], h), pull(edited.G[c][i], h2)
			var v float64
			if s.form == CompatForm {
				before += float64(pull(h, r.d.DH[c][i]) * shift[i])
				after += float64(pull(h2, edited.DH[c][i]) * shift[i])
				v = r.w[i]*before/m.denom[j] - r.w[i]*after/(m.denom[j]-float64(r.w[i]*h)+float64(r.w[i]*h2))
			} else {
				later := float64(pull(r.d.DG[c][i], r.d.DH[c][i]) * shift[i])
				v = r.w[i] * (before - after + later) / m.denom[j]
			}
			a[i] = v
			shift[i] -= v
		}
	}
	return cut(s.a, r.m)
}
