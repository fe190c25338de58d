package gbdt

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/parallel"
)

// fit recomputes the leaf values from labels and margins and judges them.
func (m *Model) fit(ctx context.Context, bound *dataset.Bound, o PrepareOptions) error {
	stats, err := m.labelStats(ctx, bound)
	if err != nil {
		return err
	}
	if m.train.w != nil && m.forest.Loss.Name == "cross_entropy_lambda" {
		return &influence.UnsupportedError{What: "objective cross_entropy_lambda with row weights", Reason: "there a weight is an exponent, not a factor", Instead: "train with cross_entropy"}
	}
	if m.train.base != nil && m.k > 1 {
		return &influence.UnsupportedError{What: "an initial score per row for a model of several outputs", Reason: "one column cannot hold them"}
	}
	m.stats = stats
	o.begin("fit")
	variants := m.forest.Loss.variants(m.forest.Version)
	var s *sums
	var reg regular
	for i, spec := range variants {
		if m.loss, err = spec.Loss(m.k, stats); err != nil {
			return err
		}
		if i == 0 {
			if err := m.checkLabels(ctx, bound); err != nil {
				return err
			}
		}
		m.report = &Fidelity{}
		if spec.HessianFactor != 0 {
			m.infer("Hessian factor %g of multiclass, as before LightGBM 3", spec.HessianFactor)
		}
		if s, reg, err = m.recompute(ctx, stats, o); err != nil {
			return err
		}
		err = m.judge(s, reg)
		if err == nil || m.report.CountsOff > 0 || m.report.PredictionsOff > 0 {
			break
		}
	}
	if err != nil {
		return err
	}
	if from := bound.LabelMap(); from.From == dataset.SortedClasses && m.report.Verdict != Exact {
		return fmt.Errorf("the labels are names, taken in sorted order (%s), but the verdict is only %s; name the classes in their order with --classes", strings.Join(from.Classes, ", "), m.report.Verdict)
	}
	m.keepLeaves(s, reg)
	m.predictions = nil
	return nil
}

// recompute finds initial score, learning rates and regularisation and sums
// gradients and Hessians over the train rows of each leaf.
func (m *Model) recompute(ctx context.Context, stats LabelStats, o PrepareOptions) (*sums, regular, error) {
	reg := regular{l1: m.forest.Train.L1, l2: m.forest.Train.L2, cat: m.forest.Train.CatL2}
	m.override(&reg, o)
	cands := m.baseCandidates(stats)
	if err := m.recoverBase(ctx, cands, reg); err != nil {
		return nil, reg, err
	}
	if err := m.findAmplified(ctx, reg); err != nil {
		return nil, reg, err
	}
	s, err := m.leafSums(ctx, m.iters, m.workers, o.progress)
	if err != nil || m.iters == 0 || m.forest.Loss.Renewed || m.forest.Train.Known || o.L1 != nil && o.L2 != nil {
		return s, reg, err
	}
	// The later trees tell the regularisation; with it the first tree can tell
	// its learning rate and the initial score.
	reg = m.inferRegular(s, min(1, m.iters-1))
	m.override(&reg, o)
	m.infer("lambda_l1 %g, lambda_l2 %g", reg.l1, reg.l2)
	before := slices.Clone(m.base)
	if err := m.recoverBase(ctx, cands, reg); err != nil {
		return nil, reg, err
	}
	if !slices.Equal(before, m.base) {
		s, err = m.leafSums(ctx, m.iters, m.workers, nil)
	}
	return s, reg, err
}

func (m *Model) override(reg *regular, o PrepareOptions) {
	if o.L1 != nil {
		reg.l1 = *o.L1
	}
	if o.L2 != nil {
		reg.l2 = *o.L2
	}
	for i := range m.eta {
		switch len(o.LearningRate) {
		case 0:
		case 1:
			m.eta[i] = o.LearningRate[0]
		default:
			m.eta[i] = o.LearningRate[i]
		}
	}
	m.givenRate = len(o.LearningRate) > 0
}

// labelStats sums over the labels on the fixed tree. Classes outside [0, K)
// are left out; checkLabels refuses them.
func (m *Model) labelStats(ctx context.Context, bound *dataset.Bound) (LabelStats, error) {
	for i, y := range m.train.y {
		if math.IsNaN(y) {
			return LabelStats{}, bound.LabelError(ctx, int64(i), "has no label", "fill it, or remove the row")
		}
	}
	s, err := parallel.Reduce(ctx, m.workers, m.train.index.numBlocks(), func(_, b int) (LabelStats, error) {
		lo := b * blockRows
		return m.labelBlock(lo, lo+m.train.index.blockLen(b)), nil
	}, func(a, b LabelStats) LabelStats {
		a.Rows += b.Rows
		a.W += b.W
		a.WY += b.WY
		a.Positive += b.Positive
		a.WPos += b.WPos
		for c := range a.ClassW {
			a.ClassW[c] += b.ClassW[c]
		}
		return a
	})
	if err == nil && !(s.W > 0) {
		err = fmt.Errorf("%s: the weights of the train rows add up to %v; they must be positive", bound.Table().Path(), s.W)
	}
	return s, err
}

func (m *Model) labelBlock(lo, hi int) LabelStats {
	s := LabelStats{Rows: int64(hi - lo)}
	if m.k > 1 {
		s.ClassW = make([]float64, m.k)
	}
	for i := lo; i < hi; i++ {
		y, w := m.train.y[i], 1.0
		if m.train.w != nil {
			w = m.train.w[i]
		}
		s.W += w
		s.WY += float64(w * y)
		if y > 0 {
			s.Positive++
			s.WPos += w
		}
		if s.ClassW != nil && checkClass(y, m.k) == nil {
			s.ClassW[int(y)] += w
		}
	}
	return s
}

func (m *Model) checkLabels(ctx context.Context, bound *dataset.Bound) error {
	for i, y := range m.train.y {
		if err := m.loss.Check(y); err != nil {
			return bound.LabelError(ctx, int64(i), err.Error(), "")
		}
	}
	return nil
}

// keepLeaves keeps what the estimators need of the sums. Where the file does
// not tell which rows made a leaf, its stored Hessian sum stands for ours.
func (m *Model) keepLeaves(s *sums, reg regular) {
	m.count, m.inLeaf = s.n, s.n
	if m.train.masks != nil {
		m.inLeaf = s.all
	}
	m.denom = make([]float64, len(s.n))
	m.active = make([]bool, len(s.n))
	stored := m.report.Verdict == Approximate
	for u := range m.theta {
		t := &m.forest.Trees[u]
		for l := range m.theta[u] {
			j := m.offset[u] + l
			h := s.h[j]
			if stored && t.LeafWeight != nil {
				h = t.LeafWeight[l]
			}
			m.denom[j] = h + m.lambda(u, l, reg)
			m.active[j] = m.denom[j] > 0 && len(m.theta[u]) > 1 && (reg.l1 == 0 || math.Abs(s.g[j]) > reg.l1)
		}
	}
}
