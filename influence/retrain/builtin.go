package retrain

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/influence/model"
)

// A BuiltIn trains a model of package model and answers with its losses on the queries.
// New labels are numbers or, for a classifier, classes from 0. The fields are not
// changed while it trains.
type BuiltIn struct {
	Train, Query *model.Data

	// Options are those of the training; a change's seed takes the place of theirs.
	Options model.Options

	// KeepDenominator divides the sum of losses in the objective by the number of all
	// rows, also where rows are left out: this is what scores of leaving a row out are
	// about. Without it the objective is the mean over the rows that are kept: this is
	// what training on a subset means.
	KeepDenominator bool
}

// Fit implements Trainer. An error is that of [model.Fit], of data that do not fit each
// other, or the context's. It takes the memory of the train rows twice.
func (b *BuiltIn) Fit(ctx context.Context, c Change) (Answer, error) {
	if b.Train == nil || b.Query == nil {
		return Answer{}, errors.New("the built-in trainer needs train rows and queries")
	}
	n := int64(b.Train.Len())
	if err := c.Validate(n); err != nil {
		return Answer{}, err
	}
	train, options := b.Train, b.Options
	options.Seed = c.Seed
	if len(c.Relabelled) > 0 {
		train = relabelled(train, c)
	}
	var subset model.Subset
	if len(c.Removed) > 0 {
		subset.Rows = c.Kept(n)
	}
	if b.KeepDenominator {
		subset.Denominator = float64(n)
	}
	m, err := model.Fit(ctx, train, options, subset)
	if err != nil {
		return Answer{}, fmt.Errorf("training without %d of %d rows: %w", len(c.Removed), n, err)
	}
	var a Answer
	if a.Losses, err = m.Losses(ctx, b.Query, options.Workers); err != nil {
		return a, err
	}
	a.Classes, err = m.Predict(ctx, b.Query, options.Workers)
	return a, err
}

// relabelled returns the data with other labels; the features are shared.
func relabelled(d *model.Data, c Change) *model.Data {
	out := *d
	out.Y = slices.Clone(d.Y)
	for k, row := range c.Relabelled {
		out.Y[row] = c.Labels[k]
	}
	return &out
}
