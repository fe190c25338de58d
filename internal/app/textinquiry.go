package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// A textInquiry compares a column of texts of two tables.
type textInquiry struct {
	talking
	options      *ModelOptions
	train, query *textTable
}

// textMethods lists what exists, in the order of --list-methods.
var textMethods = []method{
	{name: "idf-overlap", needs: "a column of texts in both tables (--text)", answers: "which train rows share rare words with the query; a baseline, and a filter before other methods", texts: true},
}

// openTextInquiry opens the tables of both sides.
func openTextInquiry(c *Common, o *ScoreOptions) (_ inquiry, err error) {
	t := &textInquiry{talking: talking{common: c}, options: &o.ModelOptions}
	if t.train, err = openTexts(c, o.Train, o.Text); err != nil {
		return nil, err
	}
	if t.query, err = openTexts(c, o.Query, o.Text); err != nil {
		return nil, err
	}
	t.train.key, t.train.group = o.Key, o.Group
	t.query.key, t.query.group = o.Key, o.By
	return t, nil
}

// validateTexts lists what is wrong for methods on texts.
func (o *ModelOptions) validateTexts(m method, needQuery bool) error {
	errs := []error{
		needed(o.Train, "--train", "the table of the train rows"),
		o.validateText("method " + m.name), o.validateForm(),
	}
	if needQuery {
		errs = append(errs, needed(o.Query, "--query", "the table of the query rows"))
	} else {
		errs = append(errs, fmt.Errorf("--self: method %s compares train rows with queries", m.name))
	}
	if idle := append(o.GradientOptions.set(), o.treeFlags(false)...); len(idle) > 0 {
		errs = append(errs, idleFlags(m.name, idle))
	}
	return errors.Join(errs...)
}

// textBytesPerWord is how many bytes of text there are, at the least, for a word that is
// kept: words of a language have four to seven letters, and many are not the queries'.
const textBytesPerWord = 8

func (t *textInquiry) plan(ctx context.Context, o *ScoreOptions) (influence.Plan, error) {
	train, exact, err := t.train.EstimateRows(ctx)
	if err != nil {
		return influence.Plan{}, err
	}
	query, known, err := t.query.EstimateRows(ctx)
	if err != nil {
		return influence.Plan{}, err
	}
	precision, err := influence.ParsePrecision(o.Dtype)
	if err != nil {
		return influence.Plan{}, err
	}
	kept := extent{train, query, precision}
	words := t.train.Bytes() / textBytesPerWord
	p := influence.Plan{
		Passes:      []influence.Pass{pass("query", t.query.Table), pass("train", t.train.Table)},
		MemoryBytes: kept.sinkBytes(o) + 4*words + 8*train + 32<<20, OutputBytes: kept.outputBytes(o),
		Operations: float64(words) + float64(train)*float64(query),
		Units:      (train + influence.UnitRows - 1) / influence.UnitRows,
	}
	p.Seconds = float64(t.train.Bytes())*1e-8 + p.Operations*1e-9
	if !exact || !known {
		p.Warnings = append(p.Warnings, "rows of text tables are estimated from their first MiB")
	}
	return p, nil
}

func (t *textInquiry) fingerprints(ctx context.Context) (map[string]dataset.Fingerprint, error) {
	train, err := t.train.Fingerprint(ctx)
	if err != nil {
		return nil, err
	}
	query, err := t.query.Fingerprint(ctx)
	return map[string]dataset.Fingerprint{"train": train, "query": query}, err
}

func (t *textInquiry) sizes() map[string]int64 {
	return map[string]int64{"train": t.train.Bytes(), "query": t.query.Bytes()}
}

// ready reads all texts.
func (t *textInquiry) ready(ctx context.Context, o *ScoreOptions, at stage) (w work, err error) {
	rows, _ := t.train.Rows()
	at.progress.Phase("read texts", "rows", rows)
	if w.inputs, err = t.fingerprints(ctx); err != nil {
		return w, err
	}
	x, err := indexTexts(ctx, t.common, t.train, t.query, o.tokenizer(), at.progress)
	if err != nil {
		return w, err
	}
	if t.query.keys.Len() == 0 {
		return w, fmt.Errorf("%s has no rows: there is nothing to explain", o.Query)
	}
	at.measured.lap("prepare")
	train, err := rowsOf(o.Rows, t.train.keys)
	if err != nil {
		return w, err
	}
	w.scorer = influence.IDFOverlap(x, t.common.Workers)
	if w.job, w.out, err = o.keep(train, t.train.keys, t.query.keys); err != nil {
		return w, err
	}
	w.out.Description = w.scorer.Describe()
	if g := t.train.groups; g != nil && w.out.Aggregate {
		w.out.TrainGroups = g
	}
	if o.By != "" {
		w.out.QueryGroups = groupsOf(t.query.groups)
	}
	w.explain = func(err error) error { return err }
	return w, nil
}

func (t *textInquiry) phases() int  { return 3 }
func (t *textInquiry) close() error { return nil }
