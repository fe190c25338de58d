package app

import (
	"fmt"
	"math"
	"strconv"

	"github.com/infl-dev/infl/gbdt"
)

// smallTable is the number of train rows below which training again is worth
// saying.
const smallTable = 3000

// Costs of training on one core, in seconds, as measured with LightGBM 4.7.0 on
// an AMD EPYC: 100 to 3,000 rows of 5 to 50 continuous features, 50 and 200 trees
// of 7 and 31 leaves, with the making of the data set; best of three. They give
// 0.6 to 1.5 times what was measured, and 0.8 to 2.5 times on five real tables:
// columns of few values take less.
const (
	treeSeconds     = 40e-6
	leafSeconds     = 3.5e-6
	leafBinSeconds  = 7.1e-9 // per leaf and bin of every feature; a bin per three rows, up to 255
	levelRowSeconds = 1.7e-9 // per row and feature on each level of a tree
)

// A retraining says what it costs to train again without rows: the answer that
// no score gives.
type retraining struct {
	FitSeconds   float64 `json:"fit_seconds"` // one training
	ShownFits    int64   `json:"shown_fits"`  // one with all rows and one without each row that is shown
	ShownSeconds float64 `json:"shown_seconds"`
	AllFits      int64   `json:"all_fits"` // the same for every train row
	AllSeconds   float64 `json:"all_seconds"`
}

// costOfRetraining estimates the cost of training a model again; nil where the table is
// not small.
func costOfRetraining(f *gbdt.Forest, rows int64, shown int) *retraining {
	if rows >= smallTable {
		return nil
	}
	n, d := float64(rows), float64(len(f.Features))
	fit := 0.0
	for i := range f.Trees {
		leaves := float64(f.Trees[i].Leaves())
		fit += treeSeconds + leaves*(leafSeconds+leafBinSeconds*d*min(n/3, 255)) + levelRowSeconds*n*d*math.Log2(leaves)
	}
	r := &retraining{FitSeconds: fit, ShownFits: int64(shown) + 1, AllFits: rows + 1}
	r.ShownSeconds, r.AllSeconds = fit*float64(r.ShownFits), fit*float64(r.AllFits)
	return r
}

// text says it in two sentences. Rows are shown where there are more fits than
// the one with all rows.
func (r *retraining) text() string {
	s := "with so few train rows the model can be trained again instead: "
	if r.ShownFits > 1 {
		s += fmt.Sprintf("%d fits for the rows shown (about %s on one core), ", r.ShownFits, about(r.ShownSeconds))
	}
	s += fmt.Sprintf("%d fits for every train row in turn (about %s on one core)", r.AllFits, about(r.AllSeconds))
	return s + ". That tells what the model would be without a row, with its trees grown anew, which no score here does."
}

// about writes a duration with one digit.
func about(seconds float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{86400, "days"}, {3600, "hours"}, {60, "minutes"}} {
		if seconds >= 2*u.size {
			return oneDigit(seconds/u.size) + " " + u.name
		}
	}
	return oneDigit(max(seconds, 0.1)) + " s"
}

func oneDigit(v float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 0, 64), 64)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
