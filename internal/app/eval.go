package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/infl-dev/infl/influence/sink"
)

// EvalOptions are the flags of infl eval.
type EvalOptions struct {
	Common

	Protocol  string
	Scores    string // a run folder of infl score
	Trainer   string
	Model     string // of --trainer builtin: a folder of infl train, and its tables
	Train     string
	Query     string
	Label     string
	Repeats   int
	FailUnder []string // NAME=X

	Subsets       int
	SubsetShare   float64
	Masks, Losses string // .npy files, in place of drawing subsets and of training
	Bootstrap     int

	Rows, Remove  string // of loo: the rows, or @FILE with sets of rows, that are left out
	Sizes         []int  // of removal and set-removal
	Noisy, Column string // of noise
	Inspect       []float64

	Out           string
	Fresh, DryRun bool
}

// Validate lists what is wrong with the options as far as no file tells.
func (o *EvalOptions) Validate() error {
	p, err := findProtocol(o.Protocol)
	if err != nil {
		return err
	}
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(o.Scores == "", "--scores is needed: the run folder of infl score")
	wrong(o.Out == "" && !o.DryRun, "--out is needed: the run folder for the results")
	if idle := p.idle(o); len(idle) > 0 {
		errs = append(errs, fmt.Errorf("%s: protocol %s does not depend on %s", joinNames(idle), p.name, plural(len(idle), "it", "them")))
	}
	wrong(o.Remove != "" && !strings.HasPrefix(o.Remove, "@"), "--remove %q is not @FILE, with a key on each line and a blank line between sets", o.Remove)
	wrong(o.Repeats < 1, "--repeats %d; it must be at least 1", o.Repeats)
	wrong(o.Subsets < 2, "--subsets %d; a correlation needs at least 2", o.Subsets)
	wrong(!(o.SubsetShare > 0 && o.SubsetShare < 1), "--subset-share %v; it must lie between 0 and 1", o.SubsetShare)
	wrong(o.Bootstrap < 0, "--bootstrap %d; it must not be negative", o.Bootstrap)
	wrong(!ascend(o.Sizes) || o.Sizes[0] < 1, "--sizes %v; they must be positive and ascend", o.Sizes)
	wrong(!ascend(o.Inspect) || o.Inspect[0] < 0 || o.Inspect[len(o.Inspect)-1] > 1, "--inspect %v; shares must lie between 0 and 1 and ascend", o.Inspect)
	_, err = parseGates(o.FailUnder, p)
	return errors.Join(append(errs, err, p.validate(o), o.validateTrainer())...)
}

// ascend reports whether there are numbers, and each is larger than the one before.
func ascend[T int | float64](x []T) bool {
	for i := 1; i < len(x); i++ {
		if !(x[i] > x[i-1]) {
			return false
		}
	}
	return len(x) > 0
}

// Eval says how good the scores of a run are, into a run folder of its own. Each
// training is kept there as it ends; a folder that holds an unfinished evaluation of
// the same configuration and inputs is continued. A metric below its --fail-under is a
// *GateError.
func Eval(ctx context.Context, o *EvalOptions) error {
	started := time.Now()
	if err := o.Validate(); err != nil {
		return err
	}
	e, err := openEvaluation(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(e.run(ctx, started), e.scores.close())
}

// run evaluates into the run folder.
func (e *evaluation) run(ctx context.Context, started time.Time) error {
	o := e.options
	if o.DryRun {
		return e.printPlan()
	}
	inputs, err := e.fingerprints(ctx)
	if err != nil {
		return err
	}
	run, err := sink.OpenRun(o.Out, sink.RunOptions{Fresh: o.Fresh, Record: sink.Record{
		Versions:      e.versions(),
		Configuration: o.Configuration, Inputs: inputs, Description: e.scores.record.Description, Seed: o.Seed,
		Invocation: map[string]any{"arguments": o.Args, "out": o.Out, "tmp": o.Tmp, "workers": o.Workers, "memory": o.Memory},
	}})
	if errors.Is(err, sink.ErrDone) {
		o.say("%s is complete already; --fresh computes it again", o.Out)
		return o.report()
	}
	if err != nil {
		return err
	}
	if err = e.fill(ctx, run, started); errors.Is(err, context.Canceled) && !o.Fresh {
		err = &ResumableError{err}
	}
	if err := errors.Join(err, run.Close()); err != nil {
		return err
	}
	return o.report()
}

// fill trains, compares and writes the results.
func (e *evaluation) fill(ctx context.Context, run *sink.Run, started time.Time) error {
	log, err := openLog(run.Path())
	if err != nil {
		return err
	}
	defer log.close()
	e.progress = e.options.progress(1)
	defer e.progress.Close()
	if e.trainer != nil {
		if err := e.journal(run.Path()); err != nil {
			return err
		}
		e.progress.Phase("train", "trainings", e.trainings)
		if err := e.trainer.prove(ctx); err != nil {
			return err
		}
	} else {
		e.progress.Phase("compare", "", 0)
	}
	m := newMeasurement(started)
	found, err := e.protocol.evaluate(ctx, e)
	if err != nil {
		return err
	}
	m.lap("evaluate")
	log.event("evaluated", "protocol", e.protocol.name, "trainings", e.trainings)
	if err := found.write(run); err != nil {
		return err
	}
	if err := run.Update(func(r *sink.Record) { r.Warnings, r.Measured = e.notes(), m.values(0) }); err != nil {
		return err
	}
	return run.Finish(ctx)
}

// report prints the metrics of a finished run, and fails where one is too small.
func (o *EvalOptions) report() error {
	m, err := readMetrics(filepath.Join(o.Out, metricsName))
	if err != nil {
		return err
	}
	t := &Table{Fields: []string{"metric", "value"}}
	for _, name := range m.names() {
		t.Add(name, m.Metrics[name].value())
	}
	if err := o.Output.Print(o.Streams, t); err != nil {
		return err
	}
	return m.gate(o.FailUnder)
}

// journal keeps answers among the parts of the run.
func (e *evaluation) journal(run string) error {
	folder := filepath.Join(run, "parts")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	e.trainer.journal.Folder = folder
	return nil
}

// writeSeries writes a table as series/NAME.csv.
func writeSeries(run *sink.Run, name string, t *Table) error {
	return run.WriteOutput("series/"+name+".csv", func(w io.Writer) error { return writeCSV(w, t) })
}
