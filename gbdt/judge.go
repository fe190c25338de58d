package gbdt

import (
	"fmt"
	"math"

	"github.com/infl-dev/infl/internal/kernel"
)

// maxDisputes is how many disagreements a report holds.
const maxDisputes = 20

// judge compares stored with recomputed leaves, counts and predictions and
// finds the verdict. It returns a *MismatchError where the table is not the
// model's.
func (m *Model) judge(s *sums, reg regular) error {
	r := m.report
	r.L1, r.L2, r.CatL2 = reg.l1, reg.l2, reg.cat
	r.RowMasks = m.train.masks != nil
	m.compareCounts(s)
	m.compareValues(s, reg)
	if err := m.comparePredictions(); err != nil {
		return err
	}
	off := r.CountsOff > 0 || r.LeavesOff > 0
	lost := m.lost()
	switch {
	case r.PredictionsOff > 0:
		r.Verdict = Mismatch
		r.Reasons = append(r.Reasons, fmt.Sprintf("%d of %d rows get another prediction than the library gave them", r.PredictionsOff, m.Rows()))
	case r.RowMasks && r.CountsOff > 0:
		r.Verdict = Mismatch
	case m.forest.Loss.Renewed && (r.CountsOff == 0 || len(lost) > 0):
		r.Verdict = NotNewton
		r.Reasons = append(r.Reasons, "objective "+m.forest.Loss.Name+": leaves were renewed after the Newton step, so their values cannot be recomputed")
	case off && len(lost) == 0:
		r.Verdict = Mismatch
	case off:
		r.Verdict = Approximate
		r.Reasons = append(r.Reasons, lost...)
	case !r.CountsKnown && m.iters > 0:
		r.Verdict = Weak
		r.Reasons = append(r.Reasons, "the file holds no counts of train rows")
	default:
		r.Verdict = Exact
	}
	if r.CountsOff > 0 {
		r.Reasons = append(r.Reasons, fmt.Sprintf("%d of %d leaves have another number of train rows", r.CountsOff, r.Leaves))
	}
	if r.LeavesOff > 0 {
		r.Reasons = append(r.Reasons, fmt.Sprintf("%d of %d leaf values are not reproduced (largest difference %.2g of the largest leaf, tree %d)", r.LeavesOff, r.Leaves, r.LeafDeviation, r.WorstTree))
	}
	if r.Verdict == Mismatch {
		if err := m.findRows(); err != nil {
			return err
		}
		return &MismatchError{r}
	}
	r.Disagreements = nil
	return nil
}

// lost says what made the leaves and is not known: rules, and rows unless they
// were given.
func (m *Model) lost() []string {
	var out []string
	if m.train.masks == nil {
		for _, b := range m.forest.Train.Bagged {
			out = append(out, b+": the file does not hold which rows each tree saw; --row-masks gives them")
		}
	} else if m.forest.Train.TopRate > 0 {
		out = append(out, "goss: the weights that the library gave the rows are not reproduced")
	}
	for _, l := range m.forest.Train.Lost {
		out = append(out, l+": the file does not hold which rows or which rule made the leaves")
	}
	return out
}

// compareCounts compares the rows in each leaf with the stored counts.
func (m *Model) compareCounts(s *sums) {
	r := m.report
	r.CountsKnown = m.iters > 0
	for u := range m.theta {
		t := &m.forest.Trees[u]
		if t.Leaves() == 1 {
			continue
		}
		if t.LeafCount == nil {
			r.CountsKnown = false
			continue
		}
		for l, want := range t.LeafCount {
			got := s.n[m.offset[u]+l]
			if got == want {
				continue
			}
			r.CountsOff++
			r.dispute(u, l, "count", float64(want), float64(got))
		}
	}
}

// compareValues compares the leaf values of each tree.
func (m *Model) compareValues(s *sums, reg regular) {
	r := m.report
	r.Leaves = len(s.n)
	if m.forest.Loss.Renewed {
		return
	}
	for u := range m.theta {
		if len(m.theta[u]) == 1 {
			continue
		}
		r.TreesChecked++
		d := m.treeDeviation(u, s, reg)
		r.LeavesOff += d.off
		if d.off > 0 {
			r.dispute(u, d.leaf, "value", m.theta[u][d.leaf], d.found)
		}
		if d.worst > r.LeafDeviation || d.worst != d.worst {
			r.LeafDeviation, r.WorstTree = d.worst, u
		}
	}
}

func (r *Fidelity) dispute(tree, leaf int, what string, stored, found float64) {
	if len(r.Disagreements) < maxDisputes {
		r.Disagreements = append(r.Disagreements, LeafDispute{Tree: tree, Leaf: leaf, What: what, Stored: stored, Found: found})
	}
}

// comparePredictions compares margins, or probabilities, with what the user's
// library predicted for the train rows.
func (m *Model) comparePredictions() error {
	r := m.report
	if len(m.predictions) == 0 {
		return nil
	}
	if m.k > 1 {
		return fmt.Errorf("--predictions needs one number per row; this model has %d outputs", m.k)
	}
	r.PredictionsRead = true
	var asMargin, asOutput predictionCheck
	ids, leaf := m.train.reader(), make([]uint32, blockRows)
	f, p := [][]float64{make([]float64, blockRows)}, [][]float64{make([]float64, blockRows)}
	for b := range m.train.index.numBlocks() {
		if err := ids.load(b); err != nil {
			return err
		}
		n := m.train.index.blockLen(b)
		fb, pb := [][]float64{f[0][:n]}, [][]float64{p[0][:n]}
		m.margins(ids, 0, fb, leaf)
		m.output(fb, pb)
		lo := int64(b) * blockRows
		asMargin.compare(lo, m.predictions[lo:lo+int64(n)], fb[0])
		asOutput.compare(lo, m.predictions[lo:lo+int64(n)], pb[0])
	}
	best := asMargin
	if asOutput.off < asMargin.off {
		best = asOutput
	}
	r.PredictionsOff, r.PredictionDiff, r.RowsOff = best.off, best.worst, best.rows
	return nil
}

// output writes what the library's predict returns for margins f of a model
// with one output.
func (m *Model) output(f, out [][]float64) {
	if m.loss.Probability(f, out) == nil {
		return
	}
	for i, v := range f[0] {
		out[0][i] = v
		if m.logLink() {
			out[0][i] = kernel.Exp(v)
		}
	}
}

// logLink reports whether margins are logarithms of what is predicted.
func (m *Model) logLink() bool {
	switch m.loss.(type) {
	case poisson, tweedie:
		return true
	}
	return false
}

type predictionCheck struct {
	off   int64
	worst float64
	rows  []RowDispute
}

func (c *predictionCheck) compare(first int64, stored, found []float64) {
	for i, v := range found {
		d := math.Abs(v-stored[i]) / math.Max(1, math.Abs(v))
		c.worst = math.Max(c.worst, d)
		if d <= PredictionTolerance {
			continue
		}
		c.off++
		if len(c.rows) < maxDisputes {
			c.rows = append(c.rows, RowDispute{Row: first + int64(i), Stored: stored[i], Found: v})
		}
	}
}

// findRows names the first train rows in each disputed leaf.
func (m *Model) findRows() error {
	const want = 5
	ids, leaf := m.train.reader(), make([]uint32, blockRows)
	for i := range m.report.Disagreements {
		d := &m.report.Disagreements[i]
		for b := 0; b < m.train.index.numBlocks() && len(d.FirstRow) < want; b++ {
			if err := ids.load(b); err != nil {
				return err
			}
			n := m.train.index.blockLen(b)
			ids.leaves(d.Tree, 0, leaf[:n])
			for j, l := range leaf[:n] {
				if int(l) == d.Leaf && len(d.FirstRow) < want {
					d.FirstRow = append(d.FirstRow, int64(b)*blockRows+int64(j))
				}
			}
		}
	}
	return nil
}
