package app

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
)

// reportInputs are the inputs of a run whose method has no tree model: vectors,
// captures or texts.
type reportInputs struct {
	inquiry                  inquiry
	trainKeys                *dataset.Keys
	trainTexts, queryTexts   *dataset.Table  // with the column of texts that the run compared; nil without
	trainGroups, queryGroups *dataset.Groups // nil without
	queryRows                int64           // 0 for self-influence
	queryLosses              []float64       // of a capture; nil without
}

// openInputs opens what the run compared, which must be unchanged.
func (r *reporting) openInputs(ctx context.Context, o *ScoreOptions) (err error) {
	in := &reportInputs{}
	if in.inquiry, err = openInquiry(o); err != nil {
		return err
	}
	r.inputs = in
	now, err := in.inquiry.fingerprints(ctx)
	if err != nil {
		return err
	}
	if err := in.readTexts(ctx, o, now); err != nil {
		return err
	}
	if err := r.unchanged(now); err != nil {
		return err
	}
	switch i := in.inquiry.(type) {
	case *vectorInquiry:
		return in.readNames(ctx, i, o)
	case *textInquiry:
		return in.readTextNames(ctx, i)
	}
	return nil
}

// readTexts opens the tables of texts that the run compared, as its method or as its
// prefilter, and fingerprints those that the inquiry does not know of.
func (in *reportInputs) readTexts(ctx context.Context, o *ScoreOptions, prints map[string]dataset.Fingerprint) error {
	if o.Text == "" {
		return nil
	}
	paths := [2]string{o.Train, o.Query}
	beside := o.PrefilterTrain != ""
	if beside {
		paths = [2]string{o.PrefilterTrain, o.PrefilterQuery}
	}
	for i, t := range []**dataset.Table{&in.trainTexts, &in.queryTexts} {
		side, err := openTexts(&o.Common, paths[i], o.Text)
		if err != nil {
			return err
		}
		*t = side.Table
		if !beside {
			continue
		}
		if prints[[2]string{"prefilter-train", "prefilter-query"}[i]], err = side.Fingerprint(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readNames reads the groups of rows, and the losses that a capture has of queries.
func (in *reportInputs) readNames(ctx context.Context, v *vectorInquiry, o *ScoreOptions) error {
	if err := v.train().readNames(ctx, o.Key, o.Group); err != nil {
		return err
	}
	in.trainKeys, in.trainGroups = v.train().keys, v.train().groups
	query := v.query()
	if query == nil {
		return nil
	}
	if err := query.readNames(ctx, o.Key, o.By); err != nil {
		return err
	}
	in.queryRows, in.queryGroups = query.rows(), query.groups
	if query.capture != nil {
		in.queryLosses = query.capture.Losses()
	}
	return nil
}

// readTextNames reads the keys and groups of rows of texts.
func (in *reportInputs) readTextNames(ctx context.Context, t *textInquiry) error {
	for _, side := range []*textTable{t.train, t.query} {
		if err := side.read(ctx, func([]string) error { return nil }); err != nil {
			return err
		}
	}
	in.trainKeys, in.queryRows = t.train.keys, t.query.keys.Len()
	in.trainGroups, in.queryGroups = t.train.groups, t.query.groups
	return nil
}

// unchanged compares the inputs of the run with what they are now. What --prefilter @FILE
// and --remove @FILE name was read once, and is no part of the page.
func (r *reporting) unchanged(now map[string]dataset.Fingerprint) error {
	for _, name := range slices.Sorted(maps.Keys(r.prints)) {
		print, known := now[name]
		if !known && (name == "candidates" || name == "remove") {
			continue
		}
		if diff := r.prints[name].Diff(print); diff != "" {
			return fmt.Errorf("the %s file has changed since the run: %s", name, diff)
		}
	}
	return nil
}

func (in *reportInputs) close() error { return in.inquiry.close() }
