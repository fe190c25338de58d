package retrain

import (
	"context"
	"errors"
	"slices"

	"github.com/infl-dev/infl/internal/parallel"
)

// An Experiment trains as often as a question needs. Repeat s of each training has the
// seed Seed + s. Results do not depend on Workers.
type Experiment struct {
	Trainer Trainer
	Queries int    // q, which each answer must have
	Repeats int    // of each training; at least 1
	Seed    uint64 // of the first repeat
	Workers int    // trainings at the same time; 0 means the number of CPUs
}

// Subsets trains on each subset of the train rows: masks[j][i] says whether subset j has
// row i. losses[s][j][e] is the loss of query e after repeat s of subset j. It takes
// Repeats·m trainings.
func (x Experiment) Subsets(ctx context.Context, masks [][]bool) (losses [][][]float64, err error) {
	losses = make([][][]float64, x.Repeats)
	for s := range losses {
		losses[s] = make([][]float64, len(masks))
	}
	err = parallel.For(ctx, x.Workers, x.Repeats*len(masks), func(_, block int) error {
		s, j := block%x.Repeats, block/x.Repeats
		var removed []int64
		for i, in := range masks[j] {
			if !in {
				removed = append(removed, int64(i))
			}
		}
		a, err := x.fit(ctx, Change{Removed: removed}, s)
		losses[s][j] = a.Losses
		return err
	})
	return losses, err
}

// LeaveOut trains without each of the given sets of rows in turn, each of which ascends.
// changes[e][k] is by how much the loss of query e is higher without sets[k], the mean
// over the repeats. It takes Repeats·(1 + len(sets)) trainings.
func (x Experiment) LeaveOut(ctx context.Context, sets [][]int64) (changes [][]float64, err error) {
	whole, err := x.whole(ctx)
	if err != nil {
		return nil, err
	}
	changes = make([][]float64, x.Queries)
	for e := range changes {
		changes[e] = make([]float64, len(sets))
	}
	err = parallel.For(ctx, x.Workers, len(sets), func(_, k int) error {
		for s := range x.Repeats {
			a, err := x.fit(ctx, Change{Removed: sets[k]}, s)
			if err != nil {
				return err
			}
			for e := range changes {
				changes[e][k] += (a.Losses[e] - whole[s].Losses[e]) / float64(x.Repeats)
			}
		}
		return nil
	})
	return changes, err
}

// Remove trains, for each query e, without the first sizes[k] rows of orders[e].
// changes[e][k] is by how much the loss of query e is higher then, the mean over the
// repeats. Sizes ascend; a query with fewer rows has fewer changes. It takes up to
// Repeats·(1 + q·len(sizes)) trainings.
func (x Experiment) Remove(ctx context.Context, orders [][]int64, sizes []int) (changes [][]float64, err error) {
	changes = make([][]float64, len(orders))
	err = x.each(ctx, orders, sizes, func(e int, without, whole []Answer) bool {
		change := 0.0
		for s := range without {
			change += (without[s].Losses[e] - whole[s].Losses[e]) / float64(x.Repeats)
		}
		changes[e] = append(changes[e], change)
		return true
	})
	return changes, err
}

// errNoClasses is returned where flips are asked of a trainer without classes.
var errNoClasses = errors.New("the trainer does not say which class it predicts; a command must write " + classesName)

// Flips trains, for each query e, without the first sizes[k] rows of orders[e], for
// growing k until the predicted class of the query is another one than with all rows in
// more than half of the repeats: flips[e][k] is true then, and the last of the query.
// Sizes ascend; a query with fewer rows has fewer flips. It takes up to
// Repeats·(1 + q·len(sizes)) trainings.
func (x Experiment) Flips(ctx context.Context, orders [][]int64, sizes []int) (flips [][]bool, err error) {
	flips = make([][]bool, len(orders))
	lacking := make([]bool, len(orders))
	err = x.each(ctx, orders, sizes, func(e int, without, whole []Answer) bool {
		flipped := 0
		for s := range without {
			if without[s].Classes == nil || whole[s].Classes == nil {
				lacking[e] = true
				return false
			}
			if without[s].Classes[e] != whole[s].Classes[e] {
				flipped++
			}
		}
		flips[e] = append(flips[e], 2*flipped > len(without))
		return 2*flipped <= len(without)
	})
	if err == nil && slices.Contains(lacking, true) {
		err = errNoClasses
	}
	return flips, err
}

// each trains without growing numbers of the rows in each query's order and shows the
// answers of all repeats, beside those of the whole, until more returns false.
func (x Experiment) each(ctx context.Context, orders [][]int64, sizes []int, more func(e int, without, whole []Answer) bool) error {
	if !slices.IsSorted(sizes) {
		return errors.New("sizes of removed sets must ascend")
	}
	whole, err := x.whole(ctx)
	if err != nil {
		return err
	}
	return parallel.For(ctx, x.Workers, len(orders), func(_, e int) error {
		for _, size := range sizes {
			if size > len(orders[e]) {
				return nil
			}
			without, err := x.repeat(ctx, Change{Removed: slices.Sorted(slices.Values(orders[e][:size]))})
			if err != nil {
				return err
			}
			if !more(e, without, whole) {
				return nil
			}
		}
		return nil
	})
}

// whole trains with all rows.
func (x Experiment) whole(ctx context.Context) ([]Answer, error) { return x.repeat(ctx, Change{}) }

// repeat trains once for each repeat.
func (x Experiment) repeat(ctx context.Context, c Change) ([]Answer, error) {
	out := make([]Answer, x.Repeats)
	for s := range out {
		var err error
		if out[s], err = x.fit(ctx, c, s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fit trains repeat s of a change.
func (x Experiment) fit(ctx context.Context, c Change, s int) (Answer, error) {
	c.Seed = x.Seed + uint64(s)
	a, err := x.Trainer.Fit(ctx, c)
	if err != nil {
		return a, err
	}
	return a, a.check(x.Queries)
}
