package app

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/app/report"
)

// title names the run by its method and what the scores are about.
func (r *reporting) title() string {
	if r.flag("self") == "true" {
		return r.record.Method + ", each train row about itself"
	}
	if !r.record.Signed && r.proof.Verdict == "" {
		return r.record.Method
	}
	q := r.quantity()
	of := q.Kind.String()
	switch {
	case q.Kind != influence.Loss && q.Output == influence.Every:
		of += " of every output"
	case q.Kind != influence.Loss && q.Output == influence.Predicted:
		of += " of the predicted output"
	case q.Kind != influence.Loss:
		of += " of output " + r.outputName(int32(q.Output))
	}
	return r.record.Method + " on the " + of
}

// verdict says what was computed and which checks passed.
func (r *reporting) verdict() report.Verdict {
	v := report.Verdict{
		Summary:  r.summary(),
		Question: "The scores answer: " + question(&answer{description: r.record.Description, quantity: r.quantity()}),
		Positive: r.record.PositiveMeans,
		Checks:   r.checks(),
		Facts:    r.facts(),
		Warnings: r.clean(r.record.Warnings), Approximations: r.clean(r.record.Approximate),
	}
	if r.record.NegativeMeans != "does not occur" {
		v.Negative = r.record.NegativeMeans
	}
	if r.options.NoRows {
		v.Notes = append(v.Notes, "The page was made with --no-rows: keys and scores only. None of the run’s inputs were read, so there are no fields, labels, predictions or groups.")
	}
	if r.s != nil {
		if again := costOfRetraining(r.s.forest, r.s.model.Rows(), 0); again != nil {
			v.Notes = append(v.Notes, "Retraining: "+again.text())
		}
	}
	if n := len(r.options.Redact); n > 0 && !r.options.NoRows {
		v.Notes = append(v.Notes, fmt.Sprintf("%d columns are left out on request (--redact).", n))
	}
	if r.dropped > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("%d lines of the run's record name such a column and are left out too.", r.dropped))
	}
	if !r.tally.lists && r.flag("self") != "true" {
		v.Notes = append(v.Notes, "The run kept no lists of train rows per query (--top 0), so no single query is shown.")
	}
	return v
}

// summary is the verdict in a sentence or two.
func (r *reporting) summary() string {
	belongs := ""
	switch {
	case r.proof.Verdict == gbdt.Exact:
		belongs = " The model file and the train table belong together: every leaf value was recomputed."
	case r.proof.Verdict != "":
		belongs = fmt.Sprintf(" The model file was understood with the verdict %s.", r.proof.Verdict)
	}
	train := "the train rows"
	if r.values != nil {
		train = report.Count(int64(len(r.values.rows))) + " train rows"
	}
	if r.flag("self") == "true" {
		return fmt.Sprintf("Scores of %s about themselves.%s", train, belongs)
	}
	what := "taught the model its answers to"
	if !r.record.Signed {
		what = "are closest to"
	}
	return fmt.Sprintf("Which of %s %s %s queries.%s", train, what, report.Count(r.queryCount()), belongs)
}

// checks names each gate of the run, what the verdict consists of, and whether the
// inputs are still the same.
func (r *reporting) checks() []report.Check {
	var out []report.Check
	gates, _ := r.record.Gates.([]any)
	for _, g := range gates {
		if gate, ok := g.(map[string]any); ok {
			c := report.Check{Name: fmt.Sprint(gate["name"]), Result: report.Failed}
			if gate["passed"] == true {
				c.Result = report.Passed
			}
			if gate["name"] == "fidelity" {
				c.Detail = strings.Join(append([]string{"verdict " + string(r.proof.Verdict)}, r.clean(r.proof.Reasons)...), "; ")
			}
			out = append(out, c)
		}
	}
	if r.proof.Verdict != "" {
		out = append(out, r.treeChecks()...)
	}
	if l := r.lists; r.tally.lists {
		detail := "not computed again"
		if l.weighed > 0 {
			detail = fmt.Sprintf("%s of %s shown scores come out the same when they are computed again", report.Count(int64(l.weighed-l.differing)), report.Count(int64(l.weighed)))
		}
		out = append(out, checked("scores", l.weighed > 0, l.differing == 0, detail))
	}
	return append(out, checked("inputs unchanged", !r.options.NoRows, true, "they have the fingerprints of the run"))
}

// treeChecks are what the verdict about a tree model consists of.
func (r *reporting) treeChecks() []report.Check {
	f := r.proof
	leaves := "no leaf value can be recomputed"
	if f.TreesChecked > 0 {
		leaves = fmt.Sprintf("%s of %s leaves of %s trees recomputed; largest difference %.1g of a tree’s largest leaf", report.Count(int64(f.Leaves-f.LeavesOff)), report.Count(int64(f.Leaves)), report.Count(int64(f.TreesChecked)), f.LeafDeviation)
	}
	return []report.Check{
		checked("leaf values", f.TreesChecked > 0, f.LeavesOff == 0, leaves),
		checked("leaf counts", f.CountsKnown, f.CountsOff == 0, "train rows in each leaf against the model file"),
		checked("predictions", f.PredictionsRead, f.PredictionsOff == 0, "against the library’s own (--predictions)"),
	}
}

// checked is a check that was done or not, and its outcome.
func checked(name string, done, good bool, detail string) report.Check {
	c := report.Check{Name: name, Result: report.NotChecked, Detail: detail}
	if done {
		c.Result = report.Failed
		if good {
			c.Result = report.Passed
		}
	}
	return c
}

func (r *reporting) facts() []report.Fact {
	var out []report.Fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, report.Fact{Name: name, Value: value})
		}
	}
	add("method", strings.TrimSpace(r.record.Method+" "+r.record.Form))
	if r.values != nil {
		add("train rows scored", report.Count(int64(len(r.values.rows))))
	}
	if r.tally.lists {
		add("queries", report.Count(int64(len(r.tally.mass))))
		add("kept per query and side", r.flag("top"))
	}
	if n := r.proof.TreesChecked; n > 0 {
		add("trees", report.Count(int64(n)))
	}
	add("unit of a score", r.record.Unit)
	if f := r.record.LOOFactor; f != nil {
		add("leave-one-out factor", report.Number(*f).String())
	} else {
		add("leave-one-out factor", "none: no such estimate")
	}
	add("if the damping were another", r.damping.text())
	add("precision", r.flag("dtype"))
	add("seed", fmt.Sprint(r.record.Seed))
	for _, name := range slices.Sorted(maps.Keys(r.record.Versions)) {
		if name != "schema" {
			add("version of "+name, r.record.Versions[name])
		}
	}
	return out
}

// card says where the numbers come from.
func (r *reporting) card() report.Card {
	c := report.Card{Replay: "infl score --replay RUN/run.json --out NEW", Inputs: []report.Input{}}
	for _, role := range slices.Sorted(maps.Keys(r.prints)) {
		for _, f := range r.prints[role].Files {
			c.Inputs = append(c.Inputs, report.Input{Role: role, Name: f.Name, Bytes: f.Bytes, XXH3: blocks(f)})
		}
	}
	for _, o := range r.record.Outputs {
		c.Files = append(c.Files, report.Input{Role: "result", Name: filepath.Base(o.Name), Bytes: o.Bytes, XXH3: o.XXH3})
	}
	if r.record.Source != "" {
		c.Facts = append(c.Facts, report.Fact{Name: "source of the method", Value: r.record.Source})
	}
	for _, text := range r.clean(r.proof.Inferred) {
		c.Facts = append(c.Facts, report.Fact{Name: "inferred, not in the model file", Value: text})
	}
	c.Limits = []string{"No score here comes from retraining. What a set of rows does together is not the sum of what each does."}
	switch {
	case r.record.LOOFactor == nil:
		c.Limits = append(c.Limits, "The scores order train rows; they are no estimate of what happens without a row.")
	case r.proof.Verdict != "":
		c.Limits = append(c.Limits, "The scores hold for small changes at the trees’ fixed structure; most trees change their structure once a row goes.")
	default:
		c.Limits = append(c.Limits, "The scores hold for small changes around the captured weights, to first order. infl eval says how well they foretell training without rows.")
	}
	if r.tally.lists {
		c.Limits = append(c.Limits, fmt.Sprintf("Counts, sums by group and suspects come from the lists of each query, up to %s rows on either side, unless the text says otherwise. Suspects are questions, not findings: look at the rows.", r.flag("top")))
	}
	c.Limits = append(c.Limits, "The page shows a sample. All results are in the Parquet files of the run, the numbers of the figures in the CSV files beside the page.")
	return c
}

// maxBlocks bounds the shown block hashes of a file.
const maxBlocks = 4

func blocks(f dataset.FileFingerprint) string {
	if n := len(f.Blocks); n > maxBlocks {
		return strings.Join(f.Blocks[:maxBlocks], " ") + fmt.Sprintf(" and %d more", n-maxBlocks)
	}
	return strings.Join(f.Blocks, " ")
}
