package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// ScoreOptions are the flags of infl score.
type ScoreOptions struct {
	Common
	ModelOptions

	Top       int
	Matrix    string
	Aggregate string
	By        string
	Self      bool
	Out       string
	Fresh     bool
	DryRun    bool
	ExitZero  bool
}

// Validate lists what is wrong with the options.
func (o *ScoreOptions) Validate() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(o.Self && o.Query != "", "--self asks train rows about themselves; leave --query out")
	wrong(o.Self && (o.Matrix != "" || o.Aggregate != ""), "--self gives one score per train row; leave --matrix and --aggregate out")
	wrong(o.Out == "" && !o.DryRun, "--out is needed: the run folder for the results")
	wrong(o.Top < 0, "--top %d; it must not be negative", o.Top)
	wrong(o.Matrix != "" && o.Matrix != "npy" && o.Matrix != "arrow", "--matrix %q is not known; use --matrix=npy or --matrix=arrow", o.Matrix)
	wrong(o.Aggregate != "" && o.Aggregate != "sum" && o.Aggregate != "mean" && o.Aggregate != "max", "--aggregate %q is not known; use sum, mean or max", o.Aggregate)
	wrong(o.By != "" && o.Aggregate == "", "--by %s needs --aggregate sum, mean or max", o.By)
	wrong(o.Top == 0 && o.Matrix == "" && o.Aggregate == "" && !o.Self, "--top 0 keeps nothing; ask for --matrix, --aggregate or --self")
	return errors.Join(append([]error{o.ModelOptions.Validate(!o.Self), o.Output.Validate()}, errs...)...)
}

// Score computes the influence of train rows on query rows, or on themselves,
// into a run folder, and prints where it is. A folder that holds an unfinished
// run of the same configuration and inputs is continued.
func Score(ctx context.Context, o *ScoreOptions) error {
	started := time.Now()
	if err := o.Validate(); err != nil {
		return err
	}
	s, err := openSession(&o.Common, &o.ModelOptions)
	if err != nil {
		return err
	}
	s.by = o.By
	plan, err := s.plan(ctx, o)
	if err != nil {
		return err
	}
	if o.DryRun {
		return printPlan(&o.Common, plan)
	}
	if err := o.fits(plan); err != nil {
		return err
	}
	run, err := openRun(ctx, s, o)
	if errors.Is(err, sink.ErrDone) {
		o.say("%s is complete already; --fresh computes it again", o.Out)
		return o.printRun(o.Out)
	}
	if err != nil {
		return err
	}
	if err = s.score(ctx, o, run, started); errors.Is(err, context.Canceled) && !o.Fresh {
		err = &ResumableError{err}
	}
	return errors.Join(err, s.close(), run.Close(), o.printIf(err))
}

func (o *ScoreOptions) printIf(err error) error {
	if err != nil {
		return nil
	}
	return o.printRun(o.Out)
}

// openRun opens the run folder. A finished run counts as this one only if its
// inputs still have the same content; an unfinished one is compared by size
// now and by content while the inputs are read.
func openRun(ctx context.Context, s *session, o *ScoreOptions) (*sink.Run, error) {
	record := sink.Record{
		Versions:      s.versions(o.Version),
		Configuration: o.Configuration,
		Description:   influence.Description{Method: s.method.name, Approximate: []string{}},
		Seed:          o.Seed,
		Invocation:    o.invocation(),
	}
	stored, state, err := sink.ReadRecord(o.Out)
	if err == nil && !o.Fresh {
		if state == sink.Done {
			inputs, err := s.fingerprints(ctx)
			if err != nil {
				return nil, err
			}
			record.Inputs = inputs
		} else if err := s.checkSizes(stored.Inputs, o.Out); err != nil {
			return nil, err
		}
	}
	return sink.OpenRun(o.Out, sink.RunOptions{Record: record, Fresh: o.Fresh})
}

// invocation is what only says where and how fast a run ran.
func (o *ScoreOptions) invocation() map[string]any {
	return map[string]any{
		"arguments": o.Args, "out": o.Out, "tmp": o.Tmp, "workers": o.Workers, "memory": o.Memory,
	}
}

// checkSizes compares the sizes of the inputs with those of the stored run,
// which costs nothing and catches most changes before anything is read.
func (s *session) checkSizes(stored any, out string) error {
	text, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	var prints map[string]dataset.Fingerprint
	if json.Unmarshal(text, &prints) != nil {
		return nil // Content is compared later, and says more.
	}
	for _, side := range []struct {
		name  string
		table *dataset.Table
	}{{"train", s.train}, {"query", s.query}} {
		print, ok := prints[side.name]
		if !ok || side.table == nil {
			continue
		}
		was := int64(0)
		for _, f := range print.Files {
			was += f.Bytes
		}
		if now := side.table.Bytes(); was != now {
			return &sink.ConflictError{Path: out, Differences: []sink.Difference{{
				Key: "inputs." + side.name + ".bytes", Stored: fmt.Sprint(was), Now: fmt.Sprint(now),
			}}}
		}
	}
	return nil
}

// score runs the phases of a score into an open run folder.
func (s *session) score(ctx context.Context, o *ScoreOptions, run *sink.Run, started time.Time) error {
	log, err := openLog(run.Path())
	if err != nil {
		return err
	}
	defer log.close()
	p := o.progress(5)
	defer p.Close()
	m := newMeasurement(started)

	perr := s.prepare(ctx, p)
	var mismatch *gbdt.MismatchError
	if errors.As(perr, &mismatch) {
		return errors.Join(perr, s.recordVerdict(run, mismatch.Fidelity))
	}
	if perr != nil {
		return perr
	}
	m.lap("prepare")
	log.event("prepared", "rows", s.model.Rows(), "verdict", s.model.Fidelity().Verdict)
	of, err := s.readQueries(ctx, p)
	if err != nil {
		return err
	}
	if err := s.recordVerdict(run, s.model.Fidelity()); err != nil {
		return err
	}
	scorer, err := s.scorer()
	if err != nil {
		return err
	}
	job, out, err := s.job(o, scorer, of)
	if err != nil {
		return err
	}
	// Inputs are set once nothing can be refused any more, so that a refused
	// command does not tie the folder to them.
	if _, err := scorer.Layout(job); err != nil {
		return err
	}
	if err := run.SetInputs(s.inputs); err != nil {
		return err
	}
	sk, err := run.Sink(out)
	if err != nil {
		return err
	}
	m.lap("queries")
	pairs := job.Train.Len() * max(job.Query.Len(), 1)
	p.Phase("score", "pairs", pairs)
	if err := scorer.Score(ctx, job, &countingSink{Sink: sk, p: p}); err != nil {
		return errors.Join(err, sk.Abort())
	}
	m.lap("score")
	log.event("scored", "pairs", pairs)
	p.Phase("write results", "", 0)
	if err := run.Update(func(r *sink.Record) { r.Warnings, r.Measured = s.warnings, m.values(pairs) }); err != nil {
		return errors.Join(err, sk.Abort())
	}
	return sk.Commit(ctx)
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
	precision, err := influence.ParsePrecision(o.Dtype)
	if err != nil {
		return influence.Job{}, sink.SinkOptions{}, err
	}
	train, err := s.trainRows()
	if err != nil {
		return influence.Job{}, sink.SinkOptions{}, err
	}
	j := influence.Job{Train: train, Of: of, Precision: precision, Self: o.Self}
	out := sink.SinkOptions{
		TrainRows: train, TrainKeys: s.model.Keys(),
		Self: o.Self, Matrix: sink.MatrixFormat(o.Matrix), Aggregate: o.Aggregate != "",
		Description: gbdt.Describe(scorer, of),
	}
	if g := s.model.Groups(); g != nil && (o.Self || out.Aggregate) {
		out.TrainGroups = g
	}
	if o.Self {
		return j, out, nil
	}
	j.Query = influence.RowRange(0, s.queries.Rows())
	out.QueryRows, out.QueryKeys, out.TopK = j.Query, s.queries.Keys(), o.Top
	if o.By != "" {
		g := s.queries.Groups()
		if g == nil {
			return j, out, fmt.Errorf("--by %s: the query table has no such column; %s", o.By, suggest(o.By, columnNames(s.query)))
		}
		out.QueryGroups = sink.QueryGroups{Of: g.Of, Names: groupNames(g.Names)}
	}
	if o.sumsOnly() {
		pool(&j, &out, scorer)
	}
	return j, out, nil
}

// sumsOnly reports whether nothing is kept of single queries.
func (o *ScoreOptions) sumsOnly() bool {
	return o.Top == 0 && o.Matrix == "" && (o.Aggregate == "sum" || o.Aggregate == "mean")
}

// pool asks for all queries of a group at once where the method's scores add up.
func pool(j *influence.Job, out *sink.SinkOptions, scorer influence.Scorer) {
	pools := &influence.Pools{Of: out.QueryGroups.Of, Count: 1}
	names := sink.Keys(groupNames{"all"})
	if pools.Of == nil {
		pools.Of = make([]int32, j.Query.Len())
	} else {
		pools.Count, names = int(out.QueryGroups.Names.Len()), out.QueryGroups.Names
	}
	pooled := *j
	pooled.Pools = pools
	if _, err := scorer.Layout(pooled); err != nil {
		return // Not all methods can, and the layout of single queries says what else is wrong.
	}
	*j = pooled
	out.QueryRows, out.QueryKeys = influence.RowRange(0, int64(pools.Count)), names
	out.PoolRows = make([]int64, pools.Count)
	for _, p := range pools.Of {
		out.PoolRows[p]++
	}
	if out.QueryGroups.Of != nil {
		out.QueryGroups.Of = make([]int32, pools.Count)
		for p := range out.QueryGroups.Of {
			out.QueryGroups.Of[p] = int32(p)
		}
	}
}

// groupNames are the keys of query groups.
type groupNames []string

func (g groupNames) Len() int64            { return int64(len(g)) }
func (g groupNames) IsInt() bool           { return false }
func (g groupNames) Int(i int64) int64     { return i }
func (g groupNames) String(i int64) string { return g[i] }

// countingSink counts scores for the progress line.
type countingSink struct {
	influence.Sink
	p *Progress
}

func (c *countingSink) Put(ctx context.Context, t influence.Tile) error {
	c.p.Add(t.Query.Len() * t.Train.Len())
	return c.Sink.Put(ctx, t)
}

// printRun prints one record about a finished run.
func (o *ScoreOptions) printRun(dir string) error {
	r, _, err := sink.ReadRecord(dir)
	if err != nil {
		return err
	}
	verdict := ""
	if v, ok := r.Verdict.(map[string]any); ok {
		verdict = fmt.Sprint(v["verdict"])
	}
	names := make([]string, len(r.Outputs))
	for i, out := range r.Outputs {
		names[i] = out.Name
	}
	t := &Table{Fields: []string{"run", "method", "verdict", "positive_means", "outputs"}}
	t.Add(dir, r.Method, verdict, r.PositiveMeans, names)
	return o.Output.Print(o.Streams, t)
}

// fits returns an error where the plan needs more memory than the budget.
func (o *ScoreOptions) fits(p influence.Plan) error {
	budget, err := o.memory()
	if err != nil {
		return err
	}
	if p.MemoryBytes > budget {
		return fmt.Errorf("the plan needs about %s of memory but --memory is %s; raise it, or use fewer --workers", formatBytes(p.MemoryBytes), formatBytes(budget))
	}
	return nil
}
