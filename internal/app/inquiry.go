package app

import (
	"context"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// An inquiry is what infl score asks by one kind of method: its inputs, opened, on
// the way to a scorer.
type inquiry interface {
	plan(ctx context.Context, o *ScoreOptions) (influence.Plan, error)
	versions() map[string]string
	fingerprints(ctx context.Context) (map[string]dataset.Fingerprint, error)
	sizes() map[string]int64 // bytes of inputs, by the names of their fingerprints

	// ready reads what comes before the scores.
	ready(ctx context.Context, o *ScoreOptions, at stage) (work, error)

	phases() int     // of ready, the scores and their writing
	notes() []string // warnings so far
	close() error
}

// A stage is where the way to a scorer is recorded and shown.
type stage struct {
	run      *sink.Run
	progress *Progress
	measured *measurement
	log      *runLog
}

// work is a scorer with what is asked of it and where that goes.
type work struct {
	scorer influence.Scorer
	coarse influence.Scorer // of low rank, with --rescore; it says whom the scorer scores
	job    influence.Job
	out    sink.SinkOptions
	inputs map[string]dataset.Fingerprint

	explain func(error) error // says where an error of the scorer comes from
}

// openInquiry opens the inputs of the method that is asked for.
func openInquiry(o *ScoreOptions) (inquiry, error) {
	m, err := findMethod(o.Method)
	if err != nil {
		return nil, err
	}
	switch {
	case m.vectors != nil:
		return openVectors(&o.Common, o, m)
	case m.texts:
		return openTextInquiry(&o.Common, o)
	}
	s, err := openSession(&o.Common, &o.ModelOptions)
	if err != nil {
		return nil, err
	}
	s.by = o.By
	return s, nil
}

// keep returns what a run keeps of a job over rows with such keys; those of queries
// are nil for a self job.
func (o *ScoreOptions) keep(train influence.Rows, trainKeys, queryKeys *dataset.Keys) (influence.Job, sink.SinkOptions, error) {
	precision, err := influence.ParsePrecision(o.Dtype)
	if err != nil {
		return influence.Job{}, sink.SinkOptions{}, err
	}
	j := influence.Job{Train: train, Precision: precision, Self: o.Self}
	out := sink.SinkOptions{
		TrainRows: train, TrainKeys: trainKeys,
		Self: o.Self, Matrix: sink.MatrixFormat(o.Matrix), Aggregate: o.Aggregate != "",
	}
	if !o.Self {
		j.Query = influence.RowRange(0, queryKeys.Len())
		out.QueryRows, out.QueryKeys, out.TopK = j.Query, queryKeys, o.Top
	}
	return j, out, nil
}
