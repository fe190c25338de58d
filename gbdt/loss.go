package gbdt

import (
	"fmt"

	"github.com/infl-dev/infl/influence"
)

// A Loss is a training loss L(y, F) of one row with label y and margins
// F ∈ R^K, with the derivatives that leaf values and influence are made of.
//
// All methods work on m rows at a time. Arguments of type [][]float64 hold K
// slices of m numbers, one per output. Nothing is weighted by the row's weight.
// A Loss has no state and may be used from several goroutines.
type Loss interface {
	// K is the number of outputs.
	K() int

	// Check returns what is wrong with a label, or nil.
	Check(y float64) error

	// Value writes L(y, F), not clipped and without label weights.
	Value(y []float64, f [][]float64, out []float64)

	// Gradient writes dL/dF_c of Value: without label weights.
	Gradient(y []float64, f [][]float64, out [][]float64)

	// Derive writes what the library puts into a leaf, and its derivatives
	// along the own output: G and H, the gradient and (diagonal) Hessian with
	// label weights; DG = dG_c/dF_c and DH = dH_c/dF_c. Where DG is nil only G
	// and H are wanted.
	Derive(y []float64, f [][]float64, d Derivatives)

	// Probability writes the output after the link; it is an error where the
	// loss has none.
	Probability(f [][]float64, out [][]float64) error

	// ProbabilityGradient writes dP_o/dF_c for the output o[i] of each row.
	ProbabilityGradient(f [][]float64, o []int32, out [][]float64) error

	// Classify writes the number of the predicted class of each row, or 0
	// for a regression.
	Classify(f [][]float64, out []int32)

	// Classifier reports whether labels are classes, or probabilities of one.
	Classifier() bool

	// Agree reports whether two labels of a classifier speak for the same class.
	Agree(y, z float64) bool

	// InitialScore returns the K margins that the library starts from, by its
	// own rule, and the rule's name.
	InitialScore(s LabelStats) (base []float64, rule string)

	// InitialSlope writes d(InitialScore_c)/dw_i for rows with labels y, at the
	// initial score base.
	InitialSlope(y, base []float64, s LabelStats, out [][]float64)

	// LabelSlope writes dG/dy and dH/dy of a loss with one output, and returns
	// d(InitialScore)/dy_i for a row of weight 1. Labels of two classes count as
	// the numbers 0 and 1. It is an error where labels cannot move.
	LabelSlope(y, f, base []float64, s LabelStats, gy, hy []float64) (initial float64, err error)
}

// Derivatives are the arrays that [Loss.Derive] fills, K slices of m each.
type Derivatives struct{ G, H, DG, DH [][]float64 }

// LabelStats are sums over the labels of the train rows.
type LabelStats struct {
	Rows     int64     // n
	W, WY    float64   // Σ w_i and Σ w_i·y_i
	Positive int64     // number of labels > 0
	WPos     float64   // Σ w_i over labels > 0
	ClassW   []float64 // Σ w_i over the rows of each class, K numbers; nil where labels are no classes
}

// Loss makes the loss for K outputs. It needs the label statistics only where
// label weights come from label counts.
func (s LossSpec) Loss(k int, stats LabelStats) (Loss, error) {
	sigmoid := s.Sigmoid
	if sigmoid == 0 {
		sigmoid = 1
	}
	switch s.Name {
	case "regression":
		return squared{}, outputs(s.Name, k, k == 1)
	case "binary":
		l := logistic{k: 1, sigmoid: sigmoid, positive: 1, negative: 1}
		if p, n := float64(stats.Positive), float64(stats.Rows-stats.Positive); s.Unbalance && p > 0 && n > 0 {
			if p > n {
				l.negative = p / n
			} else {
				l.positive = n / p
			}
		}
		if s.ScalePosWeight != 0 {
			l.positive *= s.ScalePosWeight
		}
		return l, outputs(s.Name, k, k == 1)
	case "multiclass":
		l := softmax{k: k, factor: s.HessianFactor}
		if l.factor == 0 {
			l.factor = float64(k) / float64(max(k-1, 1))
		}
		return l, outputs(s.Name, k, k > 1)
	case "multiclassova":
		return logistic{k: k, sigmoid: sigmoid, positive: 1, negative: 1}, outputs(s.Name, k, k > 1)
	case "poisson":
		return poisson{shift: s.MaxDelta}, outputs(s.Name, k, k == 1)
	case "gamma":
		return tweedie{power: 2}, outputs(s.Name, k, k == 1)
	case "tweedie":
		return tweedie{power: s.TweediePower}, outputs(s.Name, k, k == 1 && s.TweediePower >= 1 && s.TweediePower < 2)
	case "huber":
		return huber{alpha: s.Alpha}, outputs(s.Name, k, k == 1 && s.Alpha > 0)
	case "fair":
		return fair{c: s.FairC}, outputs(s.Name, k, k == 1 && s.FairC > 0)
	case "cross_entropy", "cross_entropy_lambda":
		l := logistic{k: 1, sigmoid: 1, positive: 1, negative: 1, soft: true, lambda: s.Name == "cross_entropy_lambda"}
		return l, outputs(s.Name, k, k == 1)
	case "regression_l1", "quantile", "mape":
		return renewed{name: s.Name, alpha: s.Alpha}, outputs(s.Name, k, k == 1)
	}
	return nil, &influence.UnsupportedError{What: fmt.Sprintf("objective %q", s.Name), Reason: "its derivatives are not known here"}
}

func outputs(name string, k int, ok bool) error {
	if !ok {
		return fmt.Errorf("objective %s with %d outputs or with parameters out of range", name, k)
	}
	return nil
}

// tiny keeps logarithms of empty classes finite, as LightGBM does.
const tiny = 1e-15
