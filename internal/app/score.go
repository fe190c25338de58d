package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

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

	ExportDirection string // a folder for the directions of the queries
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
	wrong(o.Self && sweeps(o.Damping), "--self gives one score per train row, --damping sweep: several; name one damping")
	wrong(o.Self && (o.Matrix != "" || o.Aggregate != ""), "--self gives one score per train row; leave --matrix and --aggregate out")
	wrong(o.Out == "" && !o.DryRun && o.ExportDirection == "", "--out is needed: the run folder for the results")
	wrong(o.Top < 0, "--top %d; it must not be negative", o.Top)
	wrong(o.Matrix != "" && o.Matrix != "npy" && o.Matrix != "arrow", "--matrix %q is not known; use --matrix=npy or --matrix=arrow", o.Matrix)
	wrong(o.Aggregate != "" && o.Aggregate != "sum" && o.Aggregate != "mean" && o.Aggregate != "max", "--aggregate %q is not known; use sum, mean or max", o.Aggregate)
	wrong(o.By != "" && o.Aggregate == "", "--by %s needs --aggregate sum, mean or max", o.By)
	wrong(o.Top == 0 && o.Matrix == "" && o.Aggregate == "" && !o.Self, "--top 0 keeps nothing; ask for --matrix, --aggregate or --self")
	return errors.Join(append([]error{o.ModelOptions.Validate(!o.Self), o.validateRemoval(), o.validatePer(), o.validateLists(), o.validateRescore(), o.validateDirections(), o.Output.Validate()}, errs...)...)
}

// Score computes the influence of train rows on query rows, or on themselves,
// into a run folder, and prints where it is. A folder that holds an unfinished
// run of the same configuration and inputs is continued. With --export-direction and
// without a run folder it writes the directions of the queries only.
func Score(ctx context.Context, o *ScoreOptions) error {
	started := time.Now()
	if err := o.Validate(); err != nil {
		return err
	}
	s, err := openInquiry(o)
	if err != nil {
		return err
	}
	if o.Out != "" || o.DryRun {
		err = o.score(ctx, s, started)
	}
	if err == nil {
		err = o.exportDirections(ctx, s)
	}
	return errors.Join(err, s.close())
}

// score runs an inquiry into the run folder.
func (o *ScoreOptions) score(ctx context.Context, s inquiry, started time.Time) error {
	plan, err := s.plan(ctx, o)
	if err != nil {
		return err
	}
	if o.DryRun {
		if o.Prefilter != "" {
			plan.Warnings = append(plan.Warnings, "the plan is that of all train rows: which of them --prefilter leaves shows when it is asked")
		}
		if o.Rescore > 0 {
			plan.Warnings = append(plan.Warnings, "the plan is that of low rank: which train rows --rescore scores once more shows when they are known")
		}
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
	if err = o.fill(ctx, s, run, started); errors.Is(err, context.Canceled) && !o.Fresh {
		err = &ResumableError{err}
	}
	return errors.Join(err, run.Close(), o.printIf(err))
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
func openRun(ctx context.Context, s inquiry, o *ScoreOptions) (*sink.Run, error) {
	record := sink.Record{
		Versions:      s.versions(),
		Configuration: o.Configuration,
		Description:   influence.Description{Method: o.Method, Approximate: []string{}},
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
		} else if err := checkSizes(s.sizes(), stored.Inputs, o.Out); err != nil {
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
func checkSizes(sizes map[string]int64, stored any, out string) error {
	text, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	var prints map[string]dataset.Fingerprint
	if json.Unmarshal(text, &prints) != nil {
		return nil // Content is compared later, and says more.
	}
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		print, ok := prints[name]
		if !ok {
			continue
		}
		was := int64(0)
		for _, f := range print.Files {
			was += f.Bytes
		}
		if now := sizes[name]; was != now {
			return &sink.ConflictError{Path: out, Differences: []sink.Difference{{
				Key: "inputs." + name + ".bytes", Stored: fmt.Sprint(was), Now: fmt.Sprint(now),
			}}}
		}
	}
	return nil
}

// fill runs the phases of a score into an open run folder.
func (o *ScoreOptions) fill(ctx context.Context, s inquiry, run *sink.Run, started time.Time) error {
	log, err := openLog(run.Path())
	if err != nil {
		return err
	}
	defer log.close()
	p := o.progress(s.phases())
	defer p.Close()
	m := newMeasurement(started)
	w, err := s.ready(ctx, o, stage{run, p, m, log})
	if err != nil {
		return err
	}
	if err := o.restrict(ctx, &w); err != nil {
		return err
	}
	// Inputs are set once nothing can be refused any more, so that a refused
	// command does not tie the folder to them.
	if _, err := w.scorer.Layout(w.job); err != nil {
		return err
	}
	if err := run.SetInputs(w.inputs); err != nil {
		return err
	}
	if err := o.rescore(ctx, run, &w); err != nil {
		return err
	}
	sk, err := run.Sink(w.out)
	if err != nil {
		return err
	}
	m.lap("queries")
	pairs := w.job.Train.Len() * max(w.job.Query.Len(), 1)
	p.Phase("score", "pairs", pairs)
	if err := w.scorer.Score(ctx, w.job, &countingSink{Sink: sk, p: p}); err != nil {
		return errors.Join(w.explain(err), sk.Abort())
	}
	m.lap("score")
	log.event("scored", "pairs", pairs)
	p.Phase("write results", "", 0)
	err = run.Update(func(r *sink.Record) {
		r.Warnings, r.Measured = s.notes(), m.values(pairs)
		r.Approximate = append(r.Approximate, w.cut()...)
	})
	if err != nil {
		return errors.Join(err, sk.Abort())
	}
	return sk.Commit(ctx)
}

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
