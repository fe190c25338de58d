package gbdt

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/influence"
)

// InitialScore says whether removing a row also moves the initial score.
type InitialScore uint8

const (
	// InitialDefault is InitialRefit where the library's own rule reproduces
	// the stored initial score, else InitialFixed.
	InitialDefault InitialScore = iota
	InitialFixed                // InitialFixed holds the initial score.
	InitialRefit                // InitialRefit moves it by the library's rule.
)

// LeafInfluence returns the first-order effect of removing a train row at the
// trees' fixed structure, through all later trees and all other train rows:
//
//	I(i, q) = −w_i·dL(q)/dw_i
//
// computed in reverse mode, one pass for 32 queries and all train rows. queries
// may be nil for jobs with Self, which cost a pass for 32 train rows.
//
// For multiclass the exact form follows effects between classes; the compat
// form does not, and has h in place of dg/dF, as tree_influence has.
//
// With o.LabelEdit it is the effect of moving the row's weight from its label y
// to the new one: w·dL(q)/dε of the refit in which a share ε of the row's weight
// went back from the new label to y. The terms of a row's own gradients become
// the differences g − g′ and h − h′, over the same denominators.
//
// A job with Pools costs a pass for 32 pools, however many queries they hold.
//
// It is an error where the model's verdict does not allow derivative methods,
// and where o.InitialScore is InitialRefit but no rule reproduces the stored
// value.
//
// Source: Sharchilev, Ustinovskiy, Serdyukov, de Rijke, ICML 2018, with all
// rows in the update set; the reverse mode is ours and equal to first order.
//
// Cost per 32 queries: T sweeps over n·K·32 float64, memory 8·n·K·(width+1)
// bytes where width ≤ 32 is what o.MemoryBytes allows.
func (m *Model) LeafInfluence(queries *Queries, o Options) (influence.Scorer, error) {
	return m.reverse(queries, o, false)
}

// LabelGradient returns how the quantity moves with the label of a train row at
// the trees' fixed structure:
//
//	dL(q)/dy_i
//
// for the loss, and dM/dy_i or dP/dy_i for a margin or a probability. Labels of
// a binary model count as the numbers 0 and 1. Where LeafInfluence has an
// InitialScore, so has this; it has no compat form. Errors and cost are those of
// LeafInfluence; models of several outputs are an error.
//
// Source: AXIL (Geertsema and Lu, arXiv 2301.01864 v2) for squared loss, whose
// weights these are; here for any loss by the reverse mode of LeafInfluence.
func (m *Model) LabelGradient(queries *Queries, o Options) (influence.Scorer, error) {
	if _, err := m.loss.LabelSlope(nil, nil, m.base, m.stats, nil, nil); err != nil {
		return nil, err
	}
	switch {
	case o.Form == CompatForm:
		return nil, fmt.Errorf("label-gradient has no compat form")
	case o.LabelEdit != nil:
		return nil, fmt.Errorf("label-gradient is about moving a label already; leave the label edit out")
	}
	return m.reverse(queries, o, true)
}

func (m *Model) reverse(queries *Queries, o Options, label bool) (influence.Scorer, error) {
	s := &reverseScorer{label: label, model: m, queries: queries, form: o.Form, memory: o.MemoryBytes}
	join, err := m.derivative(queries, o, &leafSingle{model: m, form: o.Form}, s.describe(influence.Quantity{}).Method)
	if err != nil {
		return nil, err
	}
	s.targets = join.targets
	switch {
	case o.InitialScore == InitialRefit && !m.report.Refit:
		return nil, fmt.Errorf("the initial score %v is not reproduced by the library's rule; use --initial-score fixed", m.report.Base)
	case o.InitialScore == InitialRefit, o.InitialScore == InitialDefault && m.report.Refit:
		s.refit = true
	}
	return s, nil
}

// reverseScorer scores by reverse passes.
type reverseScorer struct {
	model   *Model
	queries *Queries
	form    Form
	refit   bool
	label   bool      // the effect of moving the row's label, not of removing the row
	targets []float64 // label edits: the new label per query row; else nil
	memory  int64
}

func (s *reverseScorer) Describe() influence.Description { return s.describe(influence.Quantity{}) }

func (s *reverseScorer) describe(of influence.Quantity) influence.Description {
	one := 1.0
	d := influence.Description{
		Method: "leafinfluence", Form: s.form.String(),
		Source:      "Sharchilev, Ustinovskiy, Serdyukov, de Rijke, ICML 2018, LeafInfluence (AllPoints), in reverse mode",
		LOOFactor:   &one,
		Approximate: []string{"first order in the weight of the row, at the trees' fixed structure"},
		Signed:      true,
	}
	if s.label {
		d.Method, d.LOOFactor = "label-gradient", nil
		d.Source = "AXIL (Geertsema and Lu, arXiv 2301.01864 v2) for squared loss; for other losses by the reverse mode of LeafInfluence"
		d.Approximate = []string{"first order in the label of the row, at the trees' fixed structure"}
		d.Unit = s.model.unit(of) + " per unit of label"
		d.PositiveMeans = fmt.Sprintf("raising the train row's label would raise the query's %s", of.Kind)
		d.NegativeMeans = fmt.Sprintf("raising the train row's label would lower the query's %s", of.Kind)
		d.Signed = false
	}
	if s.targets != nil {
		d = describeEdit(d, of, "LeafInfLE")
		d.Approximate = []string{"first order in the share of the row's weight that changes its label, at the trees' fixed structure"}
	}
	if !s.refit {
		d.Approximate = append(d.Approximate, "the initial score is held fixed")
	}
	if s.form == CompatForm && s.model.k > 1 {
		d.Approximate = append(d.Approximate, "effects between classes are left out")
	}
	return s.model.describe(d, of)
}

// Layout implements influence.Scorer: a unit is 32 queries × all train rows, or
// 32 train rows that ask for themselves.
func (s *reverseScorer) Layout(j influence.Job) (influence.Layout, error) {
	l, err := (&joinScorer{model: s.model, queries: s.queries, est: &leafSingle{model: s.model}, targets: s.targets}).Layout(j)
	if err != nil {
		return l, err
	}
	if j.Self {
		l.NBlock = queryBlock
	} else {
		l.QBlock = queryBlock * int64(l.PerRow)
		l.NBlock = max(l.Train, 1)
	}
	return l, nil
}

// Plan implements influence.Scorer.
func (s *reverseScorer) Plan(_ context.Context, j influence.Job) (influence.Plan, error) {
	l, err := s.Layout(j)
	if err != nil {
		return influence.Plan{}, err
	}
	return s.model.forest.Plan(Shape{
		Cost: ReversePass, Train: l.Train, Query: l.Query / int64(l.PerRow), PerRow: l.PerRow, Self: j.Self,
		Precision: l.Precision, Workers: s.model.workers, ReverseBytes: s.memory,
	}), nil
}

// width returns how many seeds a pass carries within the memory.
func (s *reverseScorer) width() int {
	return reverseWidth(s.model.Rows()*int64(s.model.k), s.memory)
}

// Score implements influence.Scorer.
func (s *reverseScorer) Score(ctx context.Context, j influence.Job, sink influence.Sink) error {
	l, err := s.Layout(j)
	if err != nil {
		return err
	}
	sd, err := newSeeder(s.model.loss, j.Of)
	if err != nil {
		return err
	}
	if err := sink.Begin(ctx, l); err != nil {
		return err
	}
	r := &reverseRun{reverseScorer: s, job: j, layout: l, sink: sink, seeder: sd}
	for u := range sink.Missing() {
		if err := r.unit(ctx, u); err != nil {
			return err
		}
	}
	return ctx.Err()
}
