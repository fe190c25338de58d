package app

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/evaluate"
)

// changesName is the file of what trainings without rows did to the losses.
const changesName = "changes.npy"

// looProtocol compares scores with models trained without one row, or one set of rows.
var looProtocol = &protocol{
	name:    "loo",
	metrics: []string{"spearman", "pearson", "pooled_pearson", "slope", "undefined_queries"},
	flags:   []string{"--trainer", "--rows", "--remove"},
	matrix:  true,
	validate: func(o *EvalOptions) error {
		if o.Rows != "" && o.Remove != "" {
			return errors.New("--rows and --remove both say what is left out; name one of them")
		}
		return needsTrainer(o)
	},
	trainings: func(ctx context.Context, e *evaluation) (int64, error) {
		sets, err := e.leftOut(ctx)
		return int64(e.options.Repeats) * int64(1+len(sets)), err
	},
	evaluate: func(ctx context.Context, e *evaluation) (*findings, error) {
		sets, err := e.leftOut(ctx)
		if err != nil {
			return nil, err
		}
		changes, err := e.experiment().LeaveOut(ctx, sets)
		if err != nil {
			return nil, err
		}
		return e.loo(ctx, sets, changes)
	},
}

// leftOut returns what is left out: the sets of --remove, or each row, all of them or
// those of --rows.
func (e *evaluation) leftOut(ctx context.Context) ([][]int64, error) {
	if file, ok := strings.CutPrefix(e.options.Remove, "@"); ok {
		known, err := e.scores.keys(ctx)
		if err != nil {
			return nil, err
		}
		return keySets(file, known)
	}
	rows, err := e.scores.rowsOf(ctx, e.options.Rows)
	if err != nil {
		return nil, err
	}
	out := make([][]int64, rows.Len())
	for k := range out {
		out[k] = []int64{rows.At(int64(k))}
	}
	return out, nil
}

// loo compares the scores of sets, the sums of those of their rows, with changes[e][k].
func (e *evaluation) loo(ctx context.Context, sets [][]int64, changes [][]float64) (*findings, error) {
	factor := e.scores.record.LOOFactor
	scale := 1.0
	if factor != nil {
		scale = *factor
	}
	var estimates [][]float64
	for scores, err := range e.scores.queries(ctx) {
		if err != nil {
			return nil, err
		}
		of := make([]float64, len(sets))
		for k, set := range sets {
			for _, row := range set {
				of[k] += float64(scores[row] * scale)
			}
		}
		estimates = append(estimates, of)
	}
	r, err := evaluate.LeaveOneOut(estimates, changes)
	if err != nil {
		return nil, err
	}
	if factor == nil {
		e.warn("%s scores are no estimates of leaving a row out (loo_factor is null): what counts is the correlation, not the slope", e.scores.record.Method)
	}
	f := &findings{
		series: &Table{Fields: []string{"query_row", "spearman", "pearson"}},
		arrays: map[string]array{changesName: {"<f8", dataset.Numbers{Shape: []int64{e.q(), int64(len(sets))}, Values: slices.Concat(changes...)}}},
	}
	for q := range r.SpearmanPerQuery {
		f.series.Add(q, metric(r.SpearmanPerQuery[q]).value(), metric(r.PearsonPerQuery[q]).value())
	}
	f.metrics = e.metrics(map[string]metric{
		"spearman": metric(r.Spearman), "pearson": metric(r.Pearson), "pooled_pearson": metric(r.Pooled),
		"slope": metric(r.Slope), "undefined_queries": metric(r.Undefined),
	}, map[string]any{"rows": len(sets), "loo_factor": factor})
	return f, nil
}

// removalProtocol trains without the rows that help each query most, and without as
// many rows drawn at random.
var removalProtocol = &protocol{
	name:      "removal",
	metrics:   []string{"helpful_rise", "random_rise", "queries_risen"},
	flags:     []string{"--trainer"},
	matrix:    true,
	validate:  needsTrainer,
	trainings: func(_ context.Context, e *evaluation) (int64, error) { return e.removals(2), nil },
	evaluate: func(ctx context.Context, e *evaluation) (*findings, error) {
		helpful, err := e.helpfulFirst(ctx)
		if err != nil {
			return nil, err
		}
		chance := make([][]int64, len(helpful))
		for q := range chance {
			chance[q] = evaluate.Shuffled(e.n(), e.options.Seed+uint64(q))[:len(helpful[q])]
		}
		x := e.experiment()
		best, err := x.Remove(ctx, helpful, e.sizes())
		if err != nil {
			return nil, err
		}
		random, err := x.Remove(ctx, chance, e.sizes())
		if err != nil {
			return nil, err
		}
		return e.removal(best, random), nil
	},
}

// removals is how often removing sets of each query trains.
func (e *evaluation) removals(orders int64) int64 {
	return int64(e.options.Repeats) * (1 + orders*e.q()*int64(len(e.sizes())))
}

// sizes returns those of --sizes that leave a row.
func (e *evaluation) sizes() []int {
	return slices.DeleteFunc(slices.Clone(e.options.Sizes), func(k int) bool { return int64(k) >= e.n() })
}

// helpfulFirst returns the helpful rows of each query in the order of their scores.
func (e *evaluation) helpfulFirst(ctx context.Context) ([][]int64, error) {
	var out [][]int64
	for scores, err := range e.scores.queries(ctx) {
		if err != nil {
			return nil, err
		}
		out = append(out, evaluate.HelpfulFirst(scores))
	}
	return out, nil
}

// removal sums up what the losses did.
func (e *evaluation) removal(best, random [][]float64) *findings {
	f := &findings{series: &Table{Fields: []string{"rows", "queries", "helpful_rise", "random_rise", "queries_risen"}}}
	last := map[string]metric{"helpful_rise": metric(math.NaN()), "random_rise": metric(math.NaN()), "queries_risen": metric(math.NaN())}
	for k, size := range e.sizes() {
		queries, helpful, chance, risen := 0.0, 0.0, 0.0, 0.0
		for q := range best {
			if k >= len(best[q]) {
				continue
			}
			queries++
			helpful += best[q][k]
			chance += random[q][k]
			if best[q][k] > random[q][k] {
				risen++
			}
		}
		if queries == 0 {
			break
		}
		last["helpful_rise"], last["random_rise"], last["queries_risen"] = metric(helpful/queries), metric(chance/queries), metric(risen/queries)
		f.series.Add(size, int(queries), helpful/queries, chance/queries, risen/queries)
	}
	f.metrics = e.metrics(last, map[string]any{"sizes": e.sizes()})
	return f
}

// setRemovalProtocol asks how few rows decide a prediction.
var setRemovalProtocol = &protocol{
	name:      "set-removal",
	metrics:   []string{"flipped", "median_smallest"},
	flags:     []string{"--trainer"},
	matrix:    true,
	validate:  needsTrainer,
	trainings: func(_ context.Context, e *evaluation) (int64, error) { return e.removals(1), nil },
	evaluate: func(ctx context.Context, e *evaluation) (*findings, error) {
		helpful, err := e.helpfulFirst(ctx)
		if err != nil {
			return nil, err
		}
		flips, err := e.experiment().Flips(ctx, helpful, e.sizes())
		if err != nil {
			return nil, err
		}
		return e.brittleness(flips)
	},
}

// brittleness sums up which removals flip predictions.
func (e *evaluation) brittleness(flips [][]bool) (*findings, error) {
	b, err := evaluate.Brittle(flips, e.sizes())
	if err != nil {
		return nil, err
	}
	f := &findings{series: &Table{Fields: []string{"rows", "flipped"}}}
	flipped, median := math.NaN(), math.NaN()
	for k, size := range e.sizes() {
		flipped = b.Flipped[k]
		f.series.Add(size, metric(flipped).value())
		if flipped >= 0.5 && math.IsNaN(median) {
			median = float64(size)
		}
	}
	f.metrics = e.metrics(map[string]metric{"flipped": metric(flipped), "median_smallest": metric(median)}, map[string]any{"sizes": e.sizes()})
	return f, nil
}
