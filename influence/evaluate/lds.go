package evaluate

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/infl-dev/infl/internal/draw"
)

// LDSOptions say how sure a linear datamodeling score has to be about itself.
type LDSOptions struct {
	Bootstrap int    // resamples of the subsets; 0 for no interval
	Seed      uint64 // of the resamples
}

// An LDSResult says how well scores predict losses after training on subsets.
type LDSResult struct {
	PerQuery  []float64 // Spearman correlation over the subsets, of each query
	Mean      float64   // over the queries where it is defined
	Undefined int       // queries where it is not

	// Low and High are Mean ∓ 1.96·s, no further than ∓1, with s the standard deviation
	// of the means when subsets are drawn again with repetition; NaN without a
	// bootstrap. Percentiles of these means would be too low: a correlation near 1 falls
	// with every subset that is drawn twice, so that they may leave Mean out.
	Low, High float64

	// SplitHalf is how well one half of the repeats predicts the other: the mean, over
	// the queries and over the r ways to begin ⌊r/2⌋ repeats at one of the r (in a
	// circle), of the Spearman correlation over the subsets between the mean losses of
	// these repeats and of the others. Ceiling is what it leaves to scores that knew
	// the expected losses: √(2ρ/(1+ρ)) with ρ = SplitHalf (Spearman and Brown), 0 for
	// ρ < 0. Both are NaN with one repeat.
	SplitHalf, Ceiling float64
}

// Predict returns the loss that scores predict after training on each subset, up to a
// constant: minus the sum of the scores of the subset's rows, in the order of rows. It
// takes m·n additions.
func Predict(masks [][]bool, scores []float64) ([]float64, error) {
	out := make([]float64, len(masks))
	for j, mask := range masks {
		if len(mask) != len(scores) {
			return nil, fmt.Errorf("subset %d is one of %d rows, and there are scores of %d", j, len(mask), len(scores))
		}
		sum := 0.0
		for i, in := range mask {
			if in {
				sum += scores[i]
			}
		}
		out[j] = -sum
	}
	return out, nil
}

// LDS returns the linear datamodeling score (Park, Georgiev, Ilyas, Leclerc, Madry,
// ICML 2023) of predictions[e][j], for query e and subset j as [Predict] makes them,
// against losses[s][j][e]: for each query the Spearman correlation over the subsets
// between prediction and mean loss over the repeats. It takes q·m·(log m + Bootstrap).
func LDS(predictions [][]float64, losses [][][]float64, o LDSOptions) (LDSResult, error) {
	q := len(predictions)
	if err := checkLosses(predictions, losses); err != nil {
		return LDSResult{}, err
	}
	m := len(losses[0])
	predicted, actual := make([]ranking, q), make([]ranking, q)
	for e := range q {
		predicted[e], actual[e] = rank(predictions[e]), rank(meanLoss(losses, e))
	}
	var r LDSResult
	r.PerQuery = rankCorrelations(predicted, actual, ones(m))
	r.Mean, r.Undefined = meanDefined(r.PerQuery)
	deviation := 1.96 * bootstrap(predicted, actual, m, o)
	r.Low, r.High = max(-1, r.Mean-deviation), min(1, r.Mean+deviation)
	r.SplitHalf = splitHalf(losses, q)
	r.Ceiling = math.Sqrt(max(0, 2*r.SplitHalf/(1+r.SplitHalf)))
	return r, nil
}

// checkLosses returns an error where shapes do not fit.
func checkLosses(predictions [][]float64, losses [][][]float64) error {
	if len(losses) == 0 || len(losses[0]) == 0 {
		return errors.New("there are no losses to compare with")
	}
	m, q := len(losses[0]), len(predictions)
	for e, p := range predictions {
		if len(p) != m {
			return fmt.Errorf("query %d has predictions for %d subsets, not %d", e, len(p), m)
		}
	}
	for s, repeat := range losses {
		if len(repeat) != m {
			return fmt.Errorf("repeat %d has losses of %d subsets, not %d", s, len(repeat), m)
		}
		for j, of := range repeat {
			if len(of) != q {
				return fmt.Errorf("repeat %d of subset %d has losses of %d queries, and there are scores of %d", s, j, len(of), q)
			}
		}
	}
	return nil
}

// meanLoss returns the loss of a query after each subset, over the given repeats.
func meanLoss(repeats [][][]float64, query int) []float64 {
	out := make([]float64, len(repeats[0]))
	for _, repeat := range repeats {
		for j, losses := range repeat {
			out[j] += losses[query] / float64(len(repeats))
		}
	}
	return out
}

func rankCorrelations(x, y []ranking, weight []float64) []float64 {
	out := make([]float64, len(x))
	for e := range x {
		out[e] = rankCorrelation(x[e], y[e], weight)
	}
	return out
}

// bootstrap returns the standard deviation of the mean correlation when the m subsets are
// drawn again and again.
func bootstrap(x, y []ranking, m int, o LDSOptions) float64 {
	source := rand.NewPCG(o.Seed, uint64(m))
	var means []float64
	for range o.Bootstrap {
		weight := make([]float64, m)
		for range m {
			weight[draw.Below(source, int64(m))]++
		}
		if mean, _ := meanDefined(rankCorrelations(x, y, weight)); !math.IsNaN(mean) {
			means = append(means, mean)
		}
	}
	return stat.StdDev(means, nil)
}

// splitHalf compares halves of the repeats.
func splitHalf(losses [][][]float64, q int) float64 {
	repeats := len(losses)
	if repeats < 2 {
		return math.NaN()
	}
	circle := slices.Concat(losses, losses)
	var all []float64
	for s := range repeats {
		first, second := circle[s:s+repeats/2], circle[s+repeats/2:s+repeats]
		for e := range q {
			x, y := rank(meanLoss(first, e)), rank(meanLoss(second, e))
			all = append(all, rankCorrelation(x, y, ones(len(losses[0]))))
		}
	}
	mean, _ := meanDefined(all)
	return mean
}
