package gbdt

import (
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
)

// A forwardWorker walks train rows through the trees and multiplies their own
// gradients with the leaf values.
type forwardWorker struct {
	r    *reverseRun
	rows *rowBlock
	own  []float64
	base [][]float64

	other otherLabel // label edits: derivatives by the chunk's new label

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
	all := 0
	for _, c := range chunks {
		all += len(c.entries)
	}
	out := make([]float64, int(at.Len())*all)
	part := make([]float64, int(at.Len())*seedBlock)
	for _, c := range chunks {
		width := len(c.entries)
		p := part[:int(at.Len())*width]
		clear(p)
		if w.r.targets != nil && (w.other.y == nil || w.other.target != c.target) {
			w.other = newOtherLabel(w.r.model, c.target, false)
		}
		err := runs(w.r.job.Train, at, func(row int64, n, off int) error {
			return w.run(row, n, c, p[off*width:(off+n)*width])
		})
		if err != nil {
			return nil, err
		}
		for i := range int(at.Len()) {
			for s, e := range c.entries {
				out[i*all+e] = p[i*width+s]
			}
		}
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
		w.takeNewLabel()
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
			kernel.AddRows(r.leaf[class], own, c.values[t*m.k+class], s, len(c.entries))
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

// takeNewLabel takes what the rows would give with the new label from what they
// give; without a label edit it does nothing.
func (w *forwardWorker) takeNewLabel() {
	if w.r.targets == nil {
		return
	}
	r := w.rows
	edited := w.other.derive(w.r.model.loss, r)
	for c := range edited.G {
		for i := range r.m {
			r.d.G[c][i] -= edited.G[c][i]
			r.d.H[c][i] -= edited.H[c][i]
		}
	}
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
	if w.r.targets != nil {
		edited := columns(m.k, r.m)
		m.loss.InitialSlope(w.other.y[:r.m], m.base, m.stats, edited)
		for class := range slope {
			for i := range edited[class] {
				slope[class][i] -= edited[class][i]
			}
		}
	}
	if w.r.label {
		if err := w.labelSlope(); err != nil {
			return err
		}
		fill(slope[0], w.initialSlope)
	}
	width := len(c.entries)
	for class := range m.k {
		for i := range r.m {
			v := r.weight[i] * slope[class][i] // The initial score saw all rows.
			to := s[i*width:][:width]
			for j := range to {
				to[j] -= float64(v * c.base[class][j])
			}
		}
	}
	return nil
}
