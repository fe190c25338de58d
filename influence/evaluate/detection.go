package evaluate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// AUC returns the probability that a wrong row is more suspicious than a sound one,
// with ½ for ties (Mann and Whitney): 1 where all wrong rows come first, ½ for chance.
// It is NaN where no row is wrong, or every one, or a suspicion is NaN.
func AUC(suspicion []float64, wrong []bool) (float64, error) {
	if len(suspicion) != len(wrong) {
		return 0, fmt.Errorf("%d rows have a suspicion and %d are known", len(suspicion), len(wrong))
	}
	sum, bad := 0.0, 0.0
	for i, r := range Ranks(suspicion) {
		if wrong[i] {
			sum += r
			bad++
		}
	}
	good := float64(len(wrong)) - bad
	return (sum - bad*(bad+1)/2) / (bad * good), nil
}

// AveragePrecision returns Σ (Rₖ − Rₖ₋₁)·Pₖ over the distinct values of suspicion from
// the largest down, where Rₖ is the share of wrong rows that are at least so suspicious
// and Pₖ the share of rows at least so suspicious that are wrong. Chance gives about
// the share of wrong rows. It is NaN where no row is wrong or a suspicion is NaN.
func AveragePrecision(suspicion []float64, wrong []bool) (float64, error) {
	if len(suspicion) != len(wrong) {
		return 0, fmt.Errorf("%d rows have a suspicion and %d are known", len(suspicion), len(wrong))
	}
	order := rank(suspicion)
	if !order.valid {
		return math.NaN(), nil
	}
	sum, found, seen := 0.0, 0, 0
	for k := len(order.ends) - 1; k >= 0; k-- {
		lo := 0
		if k > 0 {
			lo = order.ends[k-1]
		}
		more := 0
		for _, i := range order.order[lo:order.ends[k]] {
			if wrong[i] {
				more++
			}
		}
		found, seen = found+more, seen+order.ends[k]-lo
		sum += float64(float64(more) * float64(found) / float64(seen))
	}
	return sum / float64(found), nil
}

// An Inspection is what looking at the most suspicious rows finds.
type Inspection struct {
	Share float64 // of all rows, as asked for
	Rows  int     // that are inspected: ⌊Share·n + ½⌋
	Found int     // wrong rows among them
	Of    int     // wrong rows in all
}

// Inspect looks at growing shares of the rows, the most suspicious first and rows of
// equal suspicion in their order, and counts the wrong ones. Shares are within 0 … 1.
func Inspect(suspicion []float64, wrong []bool, shares []float64) ([]Inspection, error) {
	if len(suspicion) != len(wrong) {
		return nil, fmt.Errorf("%d rows have a suspicion and %d are known", len(suspicion), len(wrong))
	}
	n := len(wrong)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(suspicion[b], suspicion[a]) })
	found := make([]int, n+1) // among the first rows
	for k, i := range order {
		found[k+1] = found[k]
		if wrong[i] {
			found[k+1]++
		}
	}
	out := make([]Inspection, len(shares))
	for s, share := range shares {
		if !(share >= 0 && share <= 1) {
			return nil, fmt.Errorf("a share of %v of the rows; it must be between 0 and 1", share)
		}
		rows := int(math.Floor(share*float64(n) + 0.5))
		out[s] = Inspection{share, rows, found[rows], found[n]}
	}
	return out, nil
}
