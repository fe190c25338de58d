package gbdt

import (
	"context"
	"fmt"
	"math"
	"strconv"
)

// clearRounding is a deviation of the first trees that float32 gradients
// explain: below it no candidate is better than another.
const clearRounding = 1e-6

// A baseCandidate is a guess at the initial score that the library folded into
// the first trees.
type baseCandidate struct {
	base []float64
	rule string // "" for a constant
}

// baseCandidates lists the initial scores that the file allows, the likeliest
// first. LightGBM prints shrinkage 1 for a first tree that holds the initial
// score, and its own shrinkage for one that does not. With initial scores per
// row it estimates none.
//
// A first tree of one leaf holds the initial score of its class in either case;
// without boost_from_average the library adds it only after the gradients of
// the first iteration, so that it is a tree like others there.
func (m *Model) baseCandidates(stats LabelStats) []baseCandidate {
	zero := baseCandidate{base: make([]float64, m.k)}
	if m.iters == 0 || m.forest.Loss.Renewed || m.train.base != nil {
		return []baseCandidate{zero}
	}
	folded := false
	score, rule := m.loss.InitialScore(stats)
	fit := baseCandidate{base: make([]float64, m.k), rule: rule}
	for c := range m.k {
		t := &m.forest.Trees[c]
		switch {
		case t.Leaves() == 1:
			fit.base[c], folded = t.LeafValue[0], true
		case t.Shrinkage == 1:
			fit.base[c], folded = score[c], true
		}
	}
	switch {
	case !folded:
		return []baseCandidate{zero}
	case m.forest.Train.Known && !m.forest.Train.BoostFromAverage:
		return []baseCandidate{zero, fit}
	}
	return []baseCandidate{fit, zero}
}

// setBase takes b for the initial score and the stored first leaves less b for
// their values.
func (m *Model) setBase(b baseCandidate) {
	m.base = b.base
	for c := range min(m.k, len(m.theta)) {
		for l, v := range m.forest.Trees[c].LeafValue {
			m.theta[c][l] = v - b.base[c]
		}
	}
}

// recoverBase finds the initial score and the first learning rate: it keeps the
// likelier candidate unless another reproduces the first trees clearly better.
// With learning rate 1 and squared loss any initial score does.
func (m *Model) recoverBase(ctx context.Context, cands []baseCandidate, reg regular) error {
	best := math.Inf(1)
	var keep baseCandidate
	var rate float64
	for _, b := range cands {
		m.setBase(b)
		if m.iters == 0 {
			keep = b
			break
		}
		s, err := m.leafSums(ctx, 1, m.workers, nil)
		if err != nil {
			return err
		}
		eta := m.firstRate(s, reg)
		m.eta[0] = eta
		worst := 0.0
		for c := range m.k {
			worst = max(worst, m.treeDeviation(c, s, reg).worst)
		}
		if keep.base == nil || best > clearRounding && worst < best/10 {
			best, keep, rate = worst, b, eta
		}
	}
	m.setBase(keep)
	if m.iters > 0 {
		m.eta[0] = rate
	}
	if later, uniform := m.laterRate(); m.iters > 0 && !m.givenRate && (!uniform || rate != later) && !m.printsRate() {
		m.infer("first learning rate %g", rate)
	}
	m.report.Base, m.report.BaseRule, m.report.FirstRate = keep.base, keep.rule, rate
	m.report.Refit = keep.rule != "" && best <= LeafTolerance
	return nil
}

// firstRate returns the learning rate of the first iteration. Where the trees
// print it, it is that; where they hold the initial score it is inferred by
// least squares over the first leaves, v_l = eta·u_l with u_l = −soft(G)/(H+λ),
// and rounded to the six digits in which the file prints the later ones. A
// uniform later rate that agrees is taken as it is.
func (m *Model) firstRate(s *sums, reg regular) float64 {
	if m.givenRate {
		return m.eta[0]
	}
	if m.printsRate() {
		return m.eta[0]
	}
	num, den := 0.0, 0.0
	for c := range m.k {
		if len(m.theta[c]) == 1 {
			continue // A constant tells nothing of the rate.
		}
		for l, v := range m.theta[c] {
			u := reg.newton(s, m.offset[c]+l, m.lambda(c, l, reg))
			num += float64(u * v)
			den += float64(u * u)
		}
	}
	later, uniform := m.laterRate()
	if den == 0 || math.IsNaN(num/den) || math.IsInf(num/den, 0) {
		return later
	}
	eta := num / den
	if uniform && math.Abs(eta-later) <= LeafTolerance*math.Abs(later) {
		return later
	}
	return digits(eta, 6)
}

// printsRate reports whether a first tree prints its own learning rate. The
// caller's eta of the first iteration is that rate then.
func (m *Model) printsRate() bool {
	for c := range m.k {
		if t := &m.forest.Trees[c]; t.Leaves() > 1 && t.Shrinkage != 1 {
			return true
		}
	}
	return false
}

// laterRate returns the learning rate of the trees after the first iteration
// and whether they all agree; without such trees, what the parameters say.
func (m *Model) laterRate() (rate float64, uniform bool) {
	rate, uniform = m.forest.Train.LearningRate, false
	first := true
	for u := m.k; u < len(m.forest.Trees); u++ {
		t := &m.forest.Trees[u]
		if t.Leaves() == 1 {
			continue
		}
		if first {
			rate, uniform, first = t.Shrinkage, true, false
		} else if t.Shrinkage != rate {
			return rate, false
		}
	}
	return rate, uniform
}

// infer records a parameter that was read off the leaf values.
func (m *Model) infer(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	for _, have := range m.report.Inferred {
		if have == s {
			return
		}
	}
	m.report.Inferred = append(m.report.Inferred, s)
}

// digits rounds x to n significant decimal digits, as a text would show them.
func digits(x float64, n int) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', n, 64), 64)
	if err != nil {
		return x
	}
	return y
}
