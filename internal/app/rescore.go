package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
)

// validateRescore lists what is wrong with --rescore and what goes with it.
func (o *ScoreOptions) validateRescore() error {
	switch {
	case o.Rescore == 0:
		return nil
	case o.Rescore < 0:
		return fmt.Errorf("--rescore %d; it must be above 0", o.Rescore)
	case o.Rank == 0:
		return errors.New("--rescore scores the best train rows of a low rank once more; name it by --rank")
	case o.Per != "" || o.Remove != "":
		return errors.New("--rescore: the best are train rows, not parts or sets of them; leave --per and --remove out")
	case o.Prefilter != "":
		return errors.New("--rescore and --prefilter both say which train rows are scored; leave one of them out")
	case o.Self || o.Matrix != "" || o.Aggregate != "" || o.Top == 0:
		return errors.New("--rescore: only the lists of --top can be about some train rows; leave --self, --matrix and --aggregate out")
	}
	return nil
}

// rescore restricts work to the train rows that stand near an end of a query's list at
// low rank. All of them are scored for every query, and may come into its list. The units
// of low rank are kept in the run until it is finished.
func (o *ScoreOptions) rescore(ctx context.Context, run *sink.Run, w *work) error {
	if w.coarse == nil {
		return nil
	}
	all := w.job.Train.Len()
	var rows []int64
	err := o.eachTop(ctx, run.Top, w.coarse, w.job, int64(o.Rescore), func(e sink.Entry) { rows = append(rows, e.TrainRow) })
	if err != nil {
		return w.explain(err)
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	w.job.Train = influence.RowList(rows)
	w.out.TrainRows = w.job.Train
	w.out.Description.Approximate = append(slices.Clone(w.out.Description.Approximate), fmt.Sprintf(
		"lists hold the %d of %d train rows that are among the %d highest or lowest of a query at rank %d, scored without the cut",
		len(rows), all, o.Rescore, o.Rank))
	return nil
}

// cut says how much was cut off queries of low rank; nothing where nothing was.
func (w *work) cut() []string {
	s := w.scorer
	if w.coarse != nil {
		s = w.coarse
	}
	e, ok := influence.ErrorOfRank(s)
	if !ok {
		return nil
	}
	return []string{fmt.Sprintf("what was cut off the queries has %.2g of their norm in a module on average, %.2g at most", e.Mean, e.Largest)}
}

// candidateBytes is about what a list of the best takes for each of its rows.
const candidateBytes = 64

// A lister is [sink.Top], or the same of a run.
type lister func(ctx context.Context, s influence.Scorer, j influence.Job, k int) ([]sink.Entry, error)

// eachTop calls use for the lists of a job, up to keep rows at either end. Where lists of
// all queries take more than a quarter of the memory, some queries come after others.
func (o *ScoreOptions) eachTop(ctx context.Context, top lister, s influence.Scorer, j influence.Job, keep int64, use func(sink.Entry)) error {
	budget, err := o.memory()
	if err != nil {
		return err
	}
	keep = min(keep, max(1, j.Train.Len()))
	queries, atOnce := j.Query.Len(), max(1, budget/4/(keep*candidateBytes))
	for lo := int64(0); lo < queries; lo += atOnce {
		j.Query = influence.RowRange(lo, min(lo+atOnce, queries))
		list, err := top(ctx, s, j, int(keep))
		if err != nil {
			return err
		}
		for _, e := range list {
			use(e)
		}
	}
	return nil
}
