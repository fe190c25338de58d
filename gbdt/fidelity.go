package gbdt

import (
	"fmt"
	"strings"
)

// A Verdict says how well a model file and a train table explain each other.
type Verdict string

// The verdicts, from best to worst.
const (
	// Exact: the stored leaf values are reproduced and the counts agree.
	Exact Verdict = "exact"
	// Approximate: rows or rules of training are neither in the file nor given.
	Approximate Verdict = "approximate"
	// NotNewton: the leaves were renewed after the Newton step.
	NotNewton Verdict = "not-newton"
	// Weak: the file holds too little to check.
	Weak Verdict = "weak"
	// Mismatch: the table is not the model's.
	Mismatch Verdict = "mismatch"
)

// LeafTolerance is the largest difference between a recomputed and a stored
// leaf value, relative to the largest leaf of the tree, that counts as
// reproduced. LightGBM's float32 gradients give about 1e-7, a shrinkage
// printed with six digits 5e-6; a rule of training that is not in the file
// gives 1e-1.
const LeafTolerance = 1e-4

// PredictionTolerance is the largest difference between a margin and the
// library's own prediction, relative to max(1, |margin|), that counts as equal.
const PredictionTolerance = 1e-6

// A Fidelity is the proof, or disproof, that a model file was understood and
// belongs to the train table.
type Fidelity struct {
	Verdict Verdict  `json:"verdict"`
	Reasons []string `json:"reasons,omitempty"` // why the verdict is not exact

	TreesChecked  int     `json:"trees_checked"`
	LeafDeviation float64 `json:"leaf_deviation"` // largest over the trees, relative to the largest leaf of its tree
	WorstTree     int     `json:"worst_tree"`
	LeavesOff     int     `json:"leaves_off"` // leaves beyond LeafTolerance
	Leaves        int     `json:"leaves"`

	CountsKnown     bool          `json:"counts_known"`
	CountsOff       int           `json:"counts_off"` // leaves whose count of train rows differs
	Disagreements   []LeafDispute `json:"disagreements,omitempty"`
	PredictionsOff  int64         `json:"predictions_off"`
	PredictionsRead bool          `json:"predictions_checked"`
	PredictionDiff  float64       `json:"prediction_difference"` // largest, relative to max(1, |margin|)
	RowsOff         []RowDispute  `json:"rows_off,omitempty"`

	Base      []float64 `json:"initial_score"`
	BaseRule  string    `json:"initial_score_rule"` // how the library made it; "" for a constant
	Refit     bool      `json:"initial_score_reproduced"`
	FirstRate float64   `json:"first_learning_rate"`
	L1        float64   `json:"lambda_l1"`
	L2        float64   `json:"lambda_l2"`
	CatL2     float64   `json:"cat_l2"`
	Inferred  []string  `json:"inferred,omitempty"` // parameters that the file does not hold
	RowMasks  bool      `json:"row_masks"`          // the rows of each iteration were given
}

// A LeafDispute is a leaf on which model and table disagree.
type LeafDispute struct {
	Tree     int     `json:"tree"`
	Leaf     int     `json:"leaf"`
	What     string  `json:"what"` // "count" or "value"
	Stored   float64 `json:"stored"`
	Found    float64 `json:"found"`
	FirstRow []int64 `json:"first_rows"` // the first train rows in the leaf
}

// A RowDispute is a train row for which the library predicted something else.
type RowDispute struct {
	Row    int64   `json:"row"`
	Stored float64 `json:"stored"`
	Found  float64 `json:"found"`
}

// Usable reports whether derivative methods may run, with or without the
// user's consent to approximations.
func (f *Fidelity) Usable(allowApproximate bool) bool {
	switch f.Verdict {
	case Exact:
		return true
	case Approximate, Weak:
		return allowApproximate
	}
	return false
}

// A MismatchError says that the train table is not the model's. It carries the
// whole report.
type MismatchError struct{ Fidelity *Fidelity }

func (e *MismatchError) Error() string {
	f := e.Fidelity
	msg := "the train table is not the one that this model was trained on: " + strings.Join(f.Reasons, "; ")
	switch {
	case len(f.RowsOff) > 0:
		r := f.RowsOff[0]
		msg += fmt.Sprintf("; first at row %d: the library predicted %.6g, the file gives %.6g", r.Row, r.Stored, r.Found)
	case len(f.Disagreements) > 0:
		d := f.Disagreements[0]
		msg += fmt.Sprintf("; first at tree %d leaf %d: %s %.6g in the file, %.6g from the table", d.Tree, d.Leaf, d.What, d.Stored, d.Found)
		if len(d.FirstRow) > 0 {
			msg += fmt.Sprintf(" (rows %s)", rowList(d.FirstRow))
		}
	}
	if f.RowMasks {
		return msg + "; check --train, --label, --weight, --base, --classes and --row-masks"
	}
	return msg + "; check --train, --label, --weight, --base and --classes"
}

func rowList(rows []int64) string {
	s := make([]string, len(rows))
	for i, r := range rows {
		s[i] = fmt.Sprint(r)
	}
	return strings.Join(s, ", ")
}
