package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// A reporting is a finished run on its way into a report.
type reporting struct {
	dir     string
	options *ReportOptions
	record  sink.Record
	config  map[string]any
	prints  map[string]dataset.Fingerprint // of the inputs, when the run was made
	proof   gbdt.Fidelity
	of      influence.Quantity

	// s holds the model and the tables of a run that explains trees, and inputs what
	// other runs compared; nil with --no-rows.
	s       *session
	inputs  *reportInputs
	columns []string  // shown fields
	across  *grouping // of train rows
	down    *grouping // of query rows

	damping *sensitivity // nil where it was not looked at

	tally  *tally
	values *trainValues
	cells  map[[2]int32][]int64 // shown train rows of each cell of the heat map
	lists  *lists

	suspects   *suspects
	duplicates []duplicate

	dropped int // texts that name a redacted column
}

// open reads run.json and, unless rows are unwanted, opens the model and the
// tables of the run, which must be unchanged.
func (r *reporting) open(ctx context.Context, p *Progress) error {
	for _, part := range []struct {
		from any
		to   any
	}{{r.record.Configuration, &r.config}, {r.record.Inputs, &r.prints}, {r.record.Verdict, &r.proof}} {
		text, err := json.Marshal(part.from)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, part.to); err != nil {
			return fmt.Errorf("its run.json is not of a run of infl score: %w", err)
		}
	}
	if r.options.NoRows {
		return nil
	}
	if err := r.openSources(ctx, p); err != nil {
		return fmt.Errorf("%w; run infl report where the run was made and its inputs are, or use --no-rows for keys and scores only", err)
	}
	var err error
	if r.columns, err = r.shownColumns(); err != nil {
		return err
	}
	r.across, r.down = r.trainGrouping(), r.queryGrouping()
	return nil
}

// openSources opens what the run was computed from.
func (r *reporting) openSources(ctx context.Context, p *Progress) error {
	options, flags := r.options.ModelFlags()
	if err := restore(flags, r.config); err != nil {
		return err
	}
	common := r.options.Common
	common.Seed = r.record.Seed
	common.Quiet = true // What is unusual in the tables stands in run.json.
	self := r.flag("self") == "true"
	if self {
		options.Query = ""
	}
	m, err := findMethod(options.Method)
	if err != nil {
		return err
	}
	if m.tree == nil {
		return r.openInputs(ctx, &ScoreOptions{Common: common, ModelOptions: *options, By: r.flag("by"), Self: self})
	}
	return r.openTables(ctx, p, &common, options)
}

// openTables opens a tree model and its tables.
func (r *reporting) openTables(ctx context.Context, p *Progress, common *Common, options *ModelOptions) error {
	s, err := openSession(common, options)
	if err != nil {
		return err
	}
	s.by = r.flag("by")
	now, err := s.fingerprints(ctx)
	if err != nil {
		return err
	}
	if err := r.unchanged(now); err != nil {
		return err
	}
	r.s = s
	if err := s.prepare(ctx, p); err != nil {
		return err
	}
	r.of, err = s.readQueries(ctx, p)
	return err
}

func (r *reporting) close() error {
	switch {
	case r.s != nil:
		return r.s.close()
	case r.inputs != nil:
		return r.inputs.close()
	}
	return nil
}

// tables returns the tables whose fields are shown; nil without.
func (r *reporting) tables() (train, query *dataset.Table) {
	switch {
	case r.s != nil:
		return r.s.train, r.s.query
	case r.inputs != nil:
		return r.inputs.trainTexts, r.inputs.queryTexts
	}
	return nil, nil
}

// flag returns a flag of the run's configuration as text.
func (r *reporting) flag(name string) string {
	return strings.Join(texted(r.config[name]), ",")
}

// restore sets flags from the configuration of a run.
func restore(flags *pflag.FlagSet, config map[string]any) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		texts := texted(config[f.Name])
		if err != nil || len(texts) == 0 {
			return
		}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			err = list.Replace(texts)
		} else {
			err = flags.Set(f.Name, texts[0])
		}
		if err != nil {
			err = fmt.Errorf("run.json: configuration.%s: %w", f.Name, err)
		}
	})
	return err
}

// hidden reports whether a column is redacted.
func (r *reporting) hidden(column string) bool {
	return column != "" && slices.Contains(r.options.Redact, column)
}

// labelled reports whether labels and what comes from them may be shown.
func (r *reporting) labelled() bool { return r.s != nil && !r.hidden(r.flag("label")) }

// shownColumns returns the columns that are in both tables, without label, key
// and redacted ones.
func (r *reporting) shownColumns() ([]string, error) {
	var known, shown []string
	query := make(map[string]bool)
	train, asked := r.tables()
	if train == nil {
		if len(r.options.Redact) > 0 {
			return nil, errors.New("--redact: the run was made of vectors, which have no columns to leave out")
		}
		return nil, nil
	}
	for _, c := range train.Columns() {
		known = append(known, c.Name)
	}
	if asked != nil {
		for _, c := range asked.Columns() {
			query[c.Name] = true
			if !slices.Contains(known, c.Name) {
				known = append(known, c.Name)
			}
		}
	}
	for _, c := range r.options.Redact {
		if !slices.Contains(known, c) {
			return nil, fmt.Errorf("--redact %s: no table of the run has such a column; %s", c, suggest(c, known))
		}
	}
	for _, c := range train.Columns() {
		role := c.Name == r.flag("label") || c.Name == r.flag("key")
		if !role && !r.hidden(c.Name) && (asked == nil || query[c.Name]) {
			shown = append(shown, c.Name)
		}
	}
	return shown, nil
}

// key names a row: by its key, or by its number where keys are
// redacted.
func (r *reporting) key(k sink.Key, row int64) string {
	if r.hidden(r.flag("key")) {
		return fmt.Sprintf("row %d", row)
	}
	return k.String()
}

// trainKey names a train row by the key in its table.
func (r *reporting) trainKey(row int64) string {
	if r.hidden(r.flag("key")) {
		return fmt.Sprintf("row %d", row)
	}
	if r.s == nil {
		return r.inputs.trainKeys.String(row)
	}
	return r.s.model.Keys().String(row)
}

// trainLabel and queryLabel return a label for people, "" where there is none
// to show.
func (r *reporting) trainLabel(row int64) string {
	if !r.labelled() {
		return ""
	}
	y := r.s.model.Label(row)
	if r.s.model.Classes() == nil && !math.IsNaN(y) {
		return strconv.FormatFloat(y, 'g', -1, 32) // Train labels are rounded to float32.
	}
	return r.s.className(y)
}

func (r *reporting) queryLabel(row int64) string {
	if !r.labelled() {
		return ""
	}
	return r.s.className(r.s.queries.Label(row))
}

// outputName names an output of the model.
func (r *reporting) outputName(output int32) string {
	if output == sink.NoOutput {
		return ""
	}
	if r.labelled() && r.s.model.Classes() != nil {
		return r.s.className(float64(output))
	}
	return fmt.Sprint(output)
}

// labelsDiffer says whether a query's label is another one than a train row's: for
// classes any other, for numbers one that is further away than a standard
// deviation of the train labels.
func (r *reporting) labelsDiffer() func(train, query int64) bool {
	if !r.labelled() || !r.s.queries.Labelled() {
		return func(int64, int64) bool { return false }
	}
	far := 0.0
	if !r.classes() {
		far = r.labelDeviation()
	}
	return func(train, query int64) bool {
		return math.Abs(r.s.model.Label(train)-r.s.queries.Label(query)) > far
	}
}

// classes reports whether labels are classes.
func (r *reporting) classes() bool {
	return slices.Contains([]string{"binary", "multiclass", "multiclassova"}, r.s.forest.Loss.Name)
}

// labelDeviation is the standard deviation of the train labels.
func (r *reporting) labelDeviation() float64 {
	n := r.s.model.Rows()
	mean, square := 0.0, 0.0
	for i := range n {
		mean += r.s.model.Label(i) / float64(n)
	}
	for i := range n {
		d := r.s.model.Label(i) - mean
		square += float64(d*d) / float64(n)
	}
	return math.Sqrt(square)
}

// clean drops texts that name a redacted column and counts them.
func (r *reporting) clean(texts []string) []string {
	var out []string
	for _, t := range texts {
		if r.names(t) {
			r.dropped++
			continue
		}
		out = append(out, t)
	}
	return out
}

func (r *reporting) names(text string) bool {
	for _, c := range r.options.Redact {
		if regexp.MustCompile(`(^|\W)` + regexp.QuoteMeta(c) + `($|\W)`).MatchString(text) {
			return true
		}
	}
	return false
}
