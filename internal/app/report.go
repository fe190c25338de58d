package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/app/report"
)

// ReportOptions are the flags of infl report.
type ReportOptions struct {
	Common
	Out     string // "" means report.html, report.md or report.json in the run folder; "-" standard output
	Format  string
	MaxSize string
	Redact  []string
	NoRows  bool

	// ModelFlags returns fresh options of a model with the flags that fill
	// them, for the configuration of a run to be put into.
	ModelFlags func() (*ModelOptions, *pflag.FlagSet)
}

// Validate lists what is wrong with the options for the given runs.
func (o *ReportOptions) Validate(runs []string) error {
	var errs []error
	if !slices.Contains(report.Formats, o.Format) {
		errs = append(errs, fmt.Errorf("format %q is not known; %s", o.Format, suggest(o.Format, report.Formats)))
	}
	if size, err := ParseSize(o.MaxSize); err != nil {
		errs = append(errs, fmt.Errorf("--max-size: %w", err))
	} else if size < 1 {
		errs = append(errs, fmt.Errorf("--max-size %s leaves no room for a report", o.MaxSize))
	}
	if len(runs) > 1 && o.Out == "" {
		errs = append(errs, fmt.Errorf("--out is needed: the file for a report of %d runs", len(runs)))
	}
	return errors.Join(errs...)
}

// Report writes one page about finished runs, from the run folders and, unless
// NoRows is set, from the model and the tables that they were computed from.
func Report(ctx context.Context, o *ReportOptions, runs []string) error {
	if err := o.Validate(runs); err != nil {
		return err
	}
	r := report.Report{Schema: report.Schema, Version: o.Version}
	p := o.progress(6 * len(runs))
	defer p.Close()
	for _, dir := range runs {
		run, err := reportRun(ctx, o, p, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		r.Runs = append(r.Runs, run)
	}
	limit, err := ParseSize(o.MaxSize)
	if err != nil {
		return err
	}
	page, err := report.Encode(r, o.Format, limit)
	if err != nil {
		return fmt.Errorf("--max-size %s: %w", o.MaxSize, err)
	}
	return o.deliver(page, report.Series(r), runs)
}

// deliver writes the page, and the numbers of its figures beside it, and prints
// where they are.
func (o *ReportOptions) deliver(page []byte, series []report.File, runs []string) error {
	out := o.Out
	switch out {
	case "-":
		_, err := o.Streams.Out.Write(page)
		return err
	case "":
		out = filepath.Join(runs[0], "report."+o.Format)
	}
	if err := replaceFile(out, page); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	folder := strings.TrimSuffix(out, filepath.Ext(out)) + seriesSuffix
	if err := replaceSeries(folder, series); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	t := &Table{Fields: []string{"report", "runs", "format", "bytes", "series"}}
	t.Add(out, runs, o.Format, len(page), folder)
	return o.Output.Print(o.Streams, t)
}

// reportRun reads one run folder into a section of the page.
func reportRun(ctx context.Context, o *ReportOptions, p *Progress, dir string) (run report.Run, err error) {
	record, state, err := sink.ReadRecord(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return run, fmt.Errorf("is not a run folder: it has no run.json")
	case err != nil:
		return run, err
	case state != sink.Done:
		return run, fmt.Errorf("is unfinished; run the same infl score again to continue it")
	}
	if command := configured(record, "command"); command != "score" {
		return run, fmt.Errorf("is a run of infl %s; a report is about runs of infl score", command)
	}
	r := &reporting{dir: dir, options: o, record: record}
	if err := r.open(ctx, p); err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	return r.run(ctx, p)
}

// run fills the parts of a section.
func (r *reporting) run(ctx context.Context, p *Progress) (report.Run, error) {
	p.Phase("read scores", "", 0)
	if err := r.readTally(ctx); err != nil {
		return report.Run{}, err
	}
	if err := r.readValues(ctx); err != nil {
		return report.Run{}, err
	}
	if err := r.readParts(ctx, p); err != nil {
		return report.Run{}, err
	}
	p.Phase("fetch rows", "rows", 0)
	f, err := r.readFields(ctx)
	if err != nil {
		return report.Run{}, err
	}
	run := report.Run{
		Title:   r.title(),
		Queries: r.queries(f),
		Whole:   r.whole(),
		Heat:    r.heat(f),
		Card:    r.card(),
	}
	if run.Suspects, err = r.suspectTables(ctx, f); err != nil {
		return run, err
	}
	run.Verdict = r.verdict()
	return run, nil
}

// readParts chooses what the page shows and reads what is known of it, but for
// the fields of rows.
func (r *reporting) readParts(ctx context.Context, p *Progress) (err error) {
	r.suspects = r.findSuspects()
	r.cells = r.topCells()
	if r.duplicates, err = r.findDuplicates(ctx); err != nil {
		return err
	}
	if r.lists, err = r.readLists(ctx, r.chooseQueries()); err != nil {
		return err
	}
	p.Phase("score shown queries", "", 0)
	if err := r.weigh(ctx, r.lists); err != nil {
		return err
	}
	if r.damping, err = r.weighDamping(ctx, r.lists); err != nil {
		return err
	}
	return r.readNearest(ctx, r.lists)
}
