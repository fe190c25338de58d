package evaluate

import (
	"fmt"
	"math"
	"slices"
)

// A LeaveOneOutResult compares estimates of what happens without each row with what
// does.
type LeaveOneOutResult struct {
	PearsonPerQuery, SpearmanPerQuery []float64 // over the rows, of each query

	// Pearson and Spearman are means over the queries where they are defined; Pooled
	// is Pearson's over all pairs of a row and a query.
	Pearson, Spearman, Pooled float64

	// Slope is the b of change ≈ b · estimate by least squares over all pairs: 1 where
	// the estimates have the right size, NaN where they are all 0.
	Slope float64

	Undefined int // queries without a Spearman correlation
}

// LeaveOneOut compares estimates[e][i], by how much the loss of query e rises without
// row i, with the changes that retraining found.
func LeaveOneOut(estimates, changes [][]float64) (LeaveOneOutResult, error) {
	var r LeaveOneOutResult
	if len(estimates) != len(changes) {
		return r, fmt.Errorf("estimates of %d queries cannot be compared with changes of %d", len(estimates), len(changes))
	}
	for e, x := range estimates {
		pearson, err := Pearson(x, changes[e])
		if err != nil {
			return r, fmt.Errorf("query %d: %w", e, err)
		}
		x, y := rank(x), rank(changes[e])
		r.PearsonPerQuery = append(r.PearsonPerQuery, pearson)
		r.SpearmanPerQuery = append(r.SpearmanPerQuery, rankCorrelation(x, y, ones(len(x.order))))
	}
	r.Pearson, _ = meanDefined(r.PearsonPerQuery)
	r.Spearman, r.Undefined = meanDefined(r.SpearmanPerQuery)
	x, y := slices.Concat(estimates...), slices.Concat(changes...)
	r.Pooled, r.Slope = correlation(x, y, ones(len(x))), slope(x, y)
	return r, nil
}

// slope is the b that is nearest to y = b·x.
func slope(x, y []float64) float64 {
	var xx, xy float64
	for i := range x {
		xx += float64(x[i] * x[i])
		xy += float64(x[i] * y[i])
	}
	if xx == 0 {
		return math.NaN()
	}
	return xy / xx
}
