package gbdt

import (
	"fmt"

	"github.com/infl-dev/infl/influence"
)

// A seeder turns a quantity of a query into its derivative in the margins, with
// the sign of a score: dL/dF for the loss, −dM/dF for a margin and −dP/dF for a
// probability, because removing a row that pushes F by A takes A away.
type seeder struct {
	loss   Loss
	of     influence.Quantity
	perRow int
}

// newSeeder checks that the model has the output that is asked about.
func newSeeder(l Loss, of influence.Quantity) (seeder, error) {
	s := seeder{loss: l, of: of, perRow: 1}
	if of.Kind == influence.Loss {
		return s, nil
	}
	if of.Kind == influence.Probability && !l.Classifier() {
		return s, errNoProbability
	}
	if of.Output == influence.Every {
		s.perRow = l.K()
	} else if of.Output >= classes(l) {
		return s, fmt.Errorf("output %d does not exist: the model has %d", of.Output, classes(l))
	}
	return s, nil
}

// classes returns the number of outputs that can be asked about by number. A
// binary model has one margin but two classes, with opposite signs.
func classes(l Loss) int {
	if l.Classifier() && l.K() == 1 {
		return 2
	}
	return l.K()
}

// output returns the output that entry e of a row is about; predicted is the
// row's predicted class.
func (s seeder) output(entry int, predicted int32) int32 {
	switch {
	case s.of.Output == influence.Every && s.loss.K() == 1 && s.loss.Classifier():
		return 1
	case s.of.Output == influence.Every:
		return int32(entry)
	case s.of.Output == influence.Predicted:
		return predicted
	}
	return int32(s.of.Output)
}

// outputs returns what Layout.Output holds for the rows; nil for a loss.
func (s seeder) outputs(rows influence.Rows, class []int32) []int32 {
	if s.of.Kind == influence.Loss {
		return nil
	}
	out := make([]int32, 0, rows.Len()*int64(s.perRow))
	for j := range rows.Len() {
		for e := range s.perRow {
			out = append(out, s.output(e, class[rows.At(j)]))
		}
	}
	return out
}

// poolOutputs returns what Layout.Output holds for pools; nil for a loss. The
// output is one and the same for all queries, or every one.
func (s seeder) poolOutputs(pools int) []int32 {
	if s.of.Kind == influence.Loss {
		return nil
	}
	out := make([]int32, 0, pools*s.perRow)
	for range pools {
		for e := range s.perRow {
			out = append(out, s.output(e, 0))
		}
	}
	return out
}

// seed writes the seeds of m rows at margins f: out[c][i·perRow + e] for entry
// e of row i in output c. predicted holds the rows' predicted classes and work
// K slices of at least m numbers.
func (s seeder) seed(y []float64, f [][]float64, predicted []int32, out, work [][]float64) error {
	m := len(f[0])
	if s.of.Kind == influence.Loss {
		s.loss.Gradient(y, f, cut(out, m))
		return nil
	}
	o := make([]int32, m)
	for e := range s.perRow {
		for i := range o {
			o[i] = s.output(e, predicted[i])
		}
		w := cut(work, m)
		if s.of.Kind == influence.Probability {
			if err := s.loss.ProbabilityGradient(f, o, w); err != nil {
				return err
			}
		} else {
			marginGradient(o, w)
		}
		for c := range w {
			for i, v := range w[c] {
				// The one margin of a binary model speaks for class 1.
				if len(w) > 1 || !s.loss.Classifier() || o[i] == 1 {
					v = -v
				}
				out[c][i*s.perRow+e] = v
			}
		}
	}
	return nil
}

// marginGradient writes dF_o/dF_c.
func marginGradient(o []int32, out [][]float64) {
	for c := range out {
		for i := range out[c] {
			out[c][i] = 0
			if len(out) == 1 || int(o[i]) == c {
				out[c][i] = 1
			}
		}
	}
}

func cut(x [][]float64, m int) [][]float64 {
	y := make([][]float64, len(x))
	for c := range x {
		y[c] = x[c][:m]
	}
	return y
}
