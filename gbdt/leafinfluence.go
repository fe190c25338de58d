package gbdt

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
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
	if o.Form == CompatForm {
		return nil, fmt.Errorf("label-gradient has no compat form")
	}
	return m.reverse(queries, o, true)
}

func (m *Model) reverse(queries *Queries, o Options, label bool) (influence.Scorer, error) {
	if o.LabelEdit != nil {
		return nil, &influence.UnsupportedError{What: "a label edit with leafinfluence or label-gradient", Reason: "it is not built yet", Instead: "use boostin, boostin-w1 or boostin-w2"}
	}
	if _, err := m.derivative(queries, o, &leafSingle{model: m, form: o.Form}); err != nil {
		return nil, err
	}
	s := &reverseScorer{label: label, model: m, queries: queries, form: o.Form, memory: o.MemoryBytes}
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
	label   bool // the effect of moving the row's label, not of removing the row
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
	l, err := (&joinScorer{model: s.model, queries: s.queries, est: &leafSingle{model: s.model}}).Layout(j)
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
	seeds := float64(l.Query)
	if j.Self {
		seeds = float64(l.Train)
	}
	ops := seeds * float64(s.model.Rows()) * float64(len(s.model.theta)) * 2
	return influence.Plan{
		MemoryBytes: s.model.reverseBytes(s.width()), Operations: ops,
		Seconds: ops * 1.5e-9 / float64(s.model.workers), Units: l.NumUnits(),
	}, nil
}

// width returns how many seeds a pass carries within the memory.
func (s *reverseScorer) width() int {
	one := s.model.reverseBytes(1) / 2
	if s.memory <= 0 || one == 0 {
		return seedBlock
	}
	return int(min(max(s.memory/one-1, 1), seedBlock))
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

// reverseRun is one run of a reverseScorer.
type reverseRun struct {
	*reverseScorer
	job    influence.Job
	layout influence.Layout
	sink   influence.Sink
	seeder seeder
	passes map[int]*reversePass // by width; their memory is used again
}

// A seedSet holds the seeds of one unit: of its query rows, or of train rows
// that ask for themselves.
type seedSet struct {
	rows int         // rows with seeds
	leaf [][]uint32  // [tree][row]
	seed [][]float64 // [class][row·perRow + entry]
}

// seeds computes the seeds of a unit.
func (r *reverseRun) seeds(u influence.Range2) (seedSet, error) {
	m, per := r.model, r.layout.PerRow
	rows, at, set := r.job.Query, influence.Range{Lo: u.Query.Lo / int64(per), Hi: u.Query.Hi / int64(per)}, &m.train
	if r.job.Self {
		rows, at = r.job.Train, u.Train
	} else {
		set = &r.queries.rows
	}
	n := int(at.Len())
	out := seedSet{rows: n, leaf: make([][]uint32, len(m.theta)), seed: make([][]float64, len(m.theta))}
	for u := range out.leaf {
		out.leaf[u], out.seed[u] = make([]uint32, n), make([]float64, n*per)
	}
	var q *Queries
	if !r.job.Self {
		q = r.queries
	}
	walk := newSeedWalk(m, set, r.seeder, finalSeed)
	err := runs(rows, at, func(row int64, count, off int) error {
		return walk.run(row, count, q, out.leaf, out.seed, off)
	})
	// A final seed is the same in all iterations: one per class is enough.
	out.seed = out.seed[:min(m.k, len(out.seed))]
	return out, err
}

// unit fills one unit.
func (r *reverseRun) unit(ctx context.Context, u influence.Range2) error {
	set, err := r.seeds(u)
	if err != nil {
		return err
	}
	per := r.layout.PerRow
	entries := set.rows * per
	var chunks []reverseChunk
	for lo := 0; lo < entries; lo += r.width() {
		width := min(r.width(), entries-lo)
		c, err := r.backwards(ctx, set, lo, width)
		if err != nil {
			return err
		}
		chunks = append(chunks, c)
	}
	if r.job.Self {
		return r.diagonal(ctx, u, chunks)
	}
	return r.forwards(ctx, u, chunks)
}

// A reverseChunk is the result of one pass.
type reverseChunk struct {
	width  int
	values leafValues
	base   [][]float64 // what one unit of the initial score is worth, [class][seed]; nil where it is held
}

// backwards runs the pass of entries lo … lo+width−1 of the set.
func (r *reverseRun) backwards(ctx context.Context, set seedSet, lo, width int) (reverseChunk, error) {
	m, per := r.model, r.layout.PerRow
	if r.passes == nil {
		r.passes = make(map[int]*reversePass)
	}
	if r.passes[width] == nil {
		clear(r.passes)
		r.passes[width] = newReversePass(m, width, r.form)
	}
	values, through, err := r.passes[width].run(ctx, func(u int, v []float64) {
		for s := range width {
			e := lo + s
			v[int(set.leaf[u][e/per])*width+s] += set.seed[u%m.k][e]
		}
	})
	c := reverseChunk{width: width, values: values}
	if err != nil || !r.refit {
		return c, err
	}
	for class := range m.k {
		for s := range width {
			through[class][s] += set.seed[class][lo+s]
		}
	}
	c.base = through
	return c, nil
}

// forwards turns leaf values into scores, block by block of train positions.
func (r *reverseRun) forwards(ctx context.Context, u influence.Range2, chunks []reverseChunk) error {
	workers := make([]*forwardWorker, r.model.workers)
	step := min(max(int64(tileScores)/max(u.Query.Len(), 1), 1), blockRows)
	blocks := int((u.Train.Len() + step - 1) / step)
	return parallel.For(ctx, r.model.workers, blocks, func(w, b int) error {
		if workers[w] == nil {
			workers[w] = newForwardWorker(r)
		}
		lo := u.Train.Lo + int64(b)*step
		at := influence.Range{Lo: lo, Hi: min(lo+step, u.Train.Hi)}
		s, err := workers[w].scores(at, chunks)
		if err != nil {
			return err
		}
		return r.sink.Put(ctx, narrow(influence.Range2{Query: u.Query, Train: at}, s, r.layout.Precision))
	})
}

// diagonal puts the influence of the unit's train rows on themselves.
func (r *reverseRun) diagonal(ctx context.Context, u influence.Range2, chunks []reverseChunk) error {
	all, err := newForwardWorker(r).scores(u.Train, chunks)
	if err != nil {
		return err
	}
	n := int(u.Train.Len())
	own := make([]float64, n)
	for i := range own {
		own[i] = all[i*n+i]
	}
	return r.sink.Put(ctx, narrow(u, own, r.layout.Precision))
}

// A forwardWorker walks train rows through the trees and multiplies their own
// gradients with the leaf values.
type forwardWorker struct {
	r    *reverseRun
	rows *rowBlock
	own  []float64
	base [][]float64

	gy, hy       []float64 // label gradients: slopes of G and H in the label
	initialSlope float64   // and of the initial score
}

func newForwardWorker(r *reverseRun) *forwardWorker {
	m := r.model
	return &forwardWorker{r: r, rows: m.newRowBlock(&m.train, false), own: make([]float64, blockRows), base: scratch(m.k)}
}

// scores returns I of the positions on all entries of the chunks, train rows
// down.
func (w *forwardWorker) scores(at influence.Range, chunks []reverseChunk) ([]float64, error) {
	width := 0
	for _, c := range chunks {
		width += c.width
	}
	out := make([]float64, int(at.Len())*width)
	part := make([]float64, int(at.Len())*seedBlock)
	lo := 0
	for _, c := range chunks {
		p := part[:int(at.Len())*c.width]
		clear(p)
		err := runs(w.r.job.Train, at, func(row int64, n, off int) error {
			return w.run(row, n, c, p[off*c.width:(off+n)*c.width])
		})
		if err != nil {
			return nil, err
		}
		for i := range int(at.Len()) {
			copy(out[i*width+lo:], p[i*c.width:(i+1)*c.width])
		}
		lo += c.width
	}
	return out, nil
}

// run adds the scores of rows first … first+n−1 on one chunk to s.
func (w *forwardWorker) run(first int64, n int, c reverseChunk, s []float64) error {
	m := w.r.model
	r := w.rows
	if err := r.load(first, n); err != nil {
		return err
	}
	for t := range m.iters {
		r.derive(t)
		for class := range m.k {
			theta, g, h := m.theta[t*m.k+class], r.d.G[class], r.d.H[class]
			own := w.own[:n]
			if w.r.label {
				if err := w.labelSlope(); err != nil {
					return err
				}
				g, h = w.gy[:n], w.hy[:n]
			}
			for i, l := range r.leaf[class] {
				own[i] = r.w[i] * (float64(m.eta[t]*g[i]) + float64(theta[l]*h[i]))
			}
			kernel.AddRows(r.leaf[class], own, c.values[t*m.k+class], s, c.width)
		}
		r.advance(t)
	}
	if c.base != nil {
		if err := w.initial(c, s); err != nil {
			return err
		}
	}
	// What was added up is −dJ for a row that weighs more, or whose label rises:
	// removing it takes that away; raising it does not. The seed of a margin
	// has its sign turned already.
	if w.r.label && w.r.job.Of.Kind == influence.Loss {
		for i := range s {
			s[i] = -s[i]
		}
	}
	return nil
}

// labelSlope fills gy and hy at the rows' present margins.
func (w *forwardWorker) labelSlope() error {
	m, r := w.r.model, w.rows
	if w.gy == nil {
		w.gy, w.hy = make([]float64, blockRows), make([]float64, blockRows)
	}
	initial, err := m.loss.LabelSlope(r.y, r.f[0], m.base, m.stats, w.gy[:r.m], w.hy[:r.m])
	w.initialSlope = initial
	return err
}

// initial takes away what the rows move through the initial score.
func (w *forwardWorker) initial(c reverseChunk, s []float64) error {
	m, r := w.r.model, w.rows
	slope := cut(w.base, r.m)
	m.loss.InitialSlope(r.y, m.base, m.stats, slope)
	if w.r.label {
		if err := w.labelSlope(); err != nil {
			return err
		}
		fill(slope[0], w.initialSlope)
	}
	for class := range m.k {
		for i := range r.m {
			v := r.weight[i] * slope[class][i] // The initial score saw all rows.
			to := s[i*c.width:][:c.width]
			for j := range to {
				to[j] -= float64(v * c.base[class][j])
			}
		}
	}
	return nil
}
