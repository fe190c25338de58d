package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// versions are what identifies a run beside its configuration and inputs.
func (s *session) versions() map[string]string {
	v := s.talking.versions()
	v[s.forest.Library] = s.forest.Version
	return v
}

// sizes returns the bytes of the tables.
func (s *session) sizes() map[string]int64 {
	out := map[string]int64{"train": s.train.Bytes()}
	if s.query != nil {
		out["query"] = s.query.Bytes()
	}
	return out
}

func (s *session) phases() int { return 5 }

// ready proves that the train table is the model's and reads the queries.
func (s *session) ready(ctx context.Context, o *ScoreOptions, at stage) (work, error) {
	err := s.prepare(ctx, at.progress)
	var mismatch *gbdt.MismatchError
	if errors.As(err, &mismatch) {
		return work{}, errors.Join(err, s.recordVerdict(at.run, mismatch.Fidelity))
	}
	if err != nil {
		return work{}, err
	}
	at.measured.lap("prepare")
	at.log.event("prepared", "rows", s.model.Rows(), "verdict", s.model.Fidelity().Verdict)
	of, err := s.readQueries(ctx, at.progress)
	if err != nil {
		return work{}, err
	}
	if err := s.recordVerdict(at.run, s.model.Fidelity()); err != nil {
		return work{}, err
	}
	w := work{inputs: s.inputs, explain: func(err error) error { return err }}
	if w.scorer, err = s.scorer(); err != nil {
		return work{}, err
	}
	w.job, w.out, err = s.job(o, w.scorer, of)
	return w, err
}

// recordVerdict puts the proof of fidelity into run.json.
func (s *session) recordVerdict(run *sink.Run, f *gbdt.Fidelity) error {
	return run.Update(func(r *sink.Record) {
		r.Verdict = f
		r.Warnings = s.warnings
		r.Gates = []map[string]any{{"name": "fidelity", "passed": f.Verdict != gbdt.Mismatch, "verdict": f.Verdict, "matched": s.matched(), "labels": s.model.Train().LabelMap()}}
	})
}

// job joins what is asked with where it goes.
func (s *session) job(o *ScoreOptions, scorer influence.Scorer, of influence.Quantity) (influence.Job, sink.SinkOptions, error) {
	train, err := s.trainRows()
	if err != nil {
		return influence.Job{}, sink.SinkOptions{}, err
	}
	var queries *dataset.Keys
	if !o.Self {
		queries = s.queries.Keys()
	}
	j, out, err := o.keep(train, s.model.Keys(), queries)
	if err != nil {
		return j, out, err
	}
	j.Of, out.Description = of, gbdt.Describe(scorer, of)
	if g := s.model.Groups(); g != nil && (o.Self || out.Aggregate) {
		out.TrainGroups = g
	}
	if o.Self {
		return j, out, nil
	}
	if o.By != "" {
		g := s.queries.Groups()
		if g == nil {
			return j, out, fmt.Errorf("--by %s: the query table has no such column; %s", o.By, suggest(o.By, columnNames(s.query)))
		}
		out.QueryGroups = groupsOf(g)
	}
	if o.sumsOnly() {
		pool(&j, &out, scorer)
	}
	return j, out, nil
}
