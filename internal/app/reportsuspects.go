package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/app/report"
)

// shownSuspects is the number of train rows in a table of suspects.
const shownSuspects = 12

// maxLargest bounds the rows with the largest scores about themselves; all of them
// are in rows.parquet.
const maxLargest = 1000

// suspects are train rows that deserve a look, each list in order.
type suspects struct {
	labels, harmful, largest []int64
	least                    int32 // harmed queries that a suspect has at least
}

func (s *suspects) all() [][]int64 { return [][]int64{s.labels, s.harmful, s.largest} }

// shown are the rows that the page shows of each list.
func (s *suspects) shown() [][]int64 {
	var out [][]int64
	for _, list := range s.all() {
		out = append(out, list[:min(shownSuspects, len(list))])
	}
	return out
}

// rows is the set of all suspects.
func (s *suspects) rows() map[int64]bool {
	out := make(map[int64]bool)
	for _, list := range s.all() {
		for _, row := range list {
			out[row] = true
		}
	}
	return out
}

// measures reports whether scores are effects on the loss, so that a harmful
// row is one that the model would do better without.
func (r *reporting) measures() bool {
	d := r.record.Description
	return d.Signed && r.quantity().Kind == influence.Loss && r.tally.lists && (d.LOOFactor != nil || strings.HasPrefix(d.Method, "boostin"))
}

func (r *reporting) findSuspects() *suspects {
	s := &suspects{least: int32(max(2, (len(r.tally.mass)+99)/100))}
	if r.values != nil && r.values.column == "self" {
		order := make([]int, len(r.values.rows))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.values.values[b], r.values.values[a]) })
		for _, i := range order[:min(maxLargest, len(order))] {
			s.largest = append(s.largest, r.values.rows[i])
		}
	}
	if !r.measures() {
		return s
	}
	train := r.tally.train
	for row, t := range train {
		if t.harms < s.least {
			continue
		}
		s.harmful = append(s.harmful, int64(row))
		if 2*t.others > t.harms && t.sum < 0 {
			s.labels = append(s.labels, int64(row))
		}
	}
	slices.SortStableFunc(s.harmful, func(a, b int64) int {
		return cmp.Or(cmp.Compare(train[b].harms, train[a].harms), cmp.Compare(train[a].sum, train[b].sum))
	})
	slices.SortStableFunc(s.labels, func(a, b int64) int {
		x, y := train[a], train[b]
		return cmp.Or(cmp.Compare(y.others-y.helps, x.others-x.helps), cmp.Compare(x.sum, y.sum))
	})
	return s
}

// readSelfKeys names the suspects of a run without lists.
func (r *reporting) readSelfKeys(l *lists) error {
	for row := range r.suspects.rows() {
		l.keys[row] = fmt.Sprintf("row %d", row)
		if r.s != nil || r.inputs != nil {
			l.keys[row] = r.trainKey(row)
		}
	}
	return nil
}

// suspectTables lays the suspects out with their evidence.
func (r *reporting) suspectTables(ctx context.Context, f *fields) ([]report.Suspect, error) {
	var out []report.Suspect
	losses, err := r.ownLosses(ctx)
	if err != nil {
		return nil, err
	}
	if r.measures() {
		if r.hasLosses() && r.labelled() {
			out = append(out, r.labelErrors(f, losses))
		}
		out = append(out, r.harmfulToMany(f, losses))
	}
	if len(r.suspects.largest) > 0 {
		out = append(out, r.largestSelf(f))
	}
	if r.s != nil {
		out = append(out, r.duplicateTable(r.duplicates, f))
	}
	return out, nil
}

func (r *reporting) labelErrors(f *fields, losses map[int64]float64) report.Suspect {
	other := "another label"
	if !r.classes() {
		other = fmt.Sprintf("a label more than %.4g away (a standard deviation)", r.labelDeviation())
	}
	t := report.Suspect{
		Title: "Likely label errors",
		Rule: fmt.Sprintf("Train rows that are among the most harmful of at least %d queries, more than half of which have %s, and whose scores in all lists sum to less than 0. Ordered by queries harmed with another label less queries helped.",
			r.suspects.least, other),
		Evidence: []string{"harms", "with another label", "their labels", "helps", "mean score", "own loss"},
		File:     "likely-label-errors.csv",
	}
	r.fill(&t, r.suspects.labels, f, func(row int64) []report.Evidence {
		x := r.tally.of(row)
		return []report.Evidence{
			report.Counted(int64(x.harms)), report.Counted(int64(x.others)), {Text: r.harmedLabels(r.lists.harmed[row])},
			report.Counted(int64(x.helps)), report.Measured(x.mean()), report.Measured(losses[row]),
		}
	})
	return t
}

func (r *reporting) harmfulToMany(f *fields, losses map[int64]float64) report.Suspect {
	t := report.Suspect{
		Title:    "Harmful to many queries",
		Rule:     fmt.Sprintf("Train rows that are among the most harmful of at least %d queries, the most often first. A row that helps as many is influential rather than wrong.", r.suspects.least),
		Evidence: []string{"harms", "helps", "mean score"},
		File:     "harmful-to-many.csv",
	}
	if losses != nil {
		t.Evidence = append(t.Evidence, "own loss")
	}
	r.fill(&t, r.suspects.harmful, f, func(row int64) []report.Evidence {
		x := r.tally.of(row)
		evidence := []report.Evidence{report.Counted(int64(x.harms)), report.Counted(int64(x.helps)), report.Measured(x.mean())}
		if losses != nil {
			evidence = append(evidence, report.Measured(losses[row]))
		}
		return evidence
	})
	return t
}

func (r *reporting) largestSelf(f *fields) report.Suspect {
	t := report.Suspect{
		Title:    "Largest scores",
		Rule:     fmt.Sprintf("The train rows with the largest scores, up to %s. A score above 0 says: %s.", report.Count(maxLargest), r.record.PositiveMeans),
		Evidence: []string{"score"},
		File:     "largest-scores.csv",
	}
	if r.record.Method == "loss" {
		t.Title = "Rows that the model disagrees with"
	}
	value := make(map[int64]float64, len(r.values.rows))
	for i, row := range r.values.rows {
		value[row] = r.values.values[i]
	}
	r.fill(&t, r.suspects.largest, f, func(row int64) []report.Evidence { return []report.Evidence{report.Measured(value[row])} })
	return t
}

// fill adds the rows of a table of suspects: the first to the page, all to its CSV.
func (r *reporting) fill(t *report.Suspect, rows []int64, f *fields, evidence func(row int64) []report.Evidence) {
	t.Columns, t.Found, t.Rows = r.columns, len(rows), []report.SuspectRow{}
	head := []string{"train_key", "train_row"}
	if r.labelled() {
		head = append(head, "label")
	}
	for _, name := range t.Evidence {
		head = append(head, strings.ReplaceAll(name, " ", "_"))
	}
	t.Keys = [][]string{head}
	for i, row := range rows {
		x := report.SuspectRow{Key: r.lists.keys[row], Row: row, Label: r.trainLabel(row), Evidence: evidence(row)}
		if i < shownSuspects {
			x.Fields = cells(f.train[row], nil)
			t.Rows = append(t.Rows, x)
		}
		line := []string{x.Key, fmt.Sprint(row)}
		if r.labelled() {
			line = append(line, x.Label)
		}
		for _, e := range x.Evidence {
			line = append(line, e.Exact())
		}
		t.Keys = append(t.Keys, line)
	}
}

// harmedLabels writes the labels of harmed queries, the most frequent first;
// of numbers the mean.
func (r *reporting) harmedLabels(labels map[string]int) string {
	if !r.classes() {
		sum, n := 0.0, 0
		for _, label := range sortedKeys(labels) {
			v, err := strconv.ParseFloat(label, 64)
			if err == nil {
				sum += float64(v * float64(labels[label]))
				n += labels[label]
			}
		}
		return "mean " + report.Number(sum/float64(max(n, 1))).String()
	}
	return counts(labels)
}

// counts writes how often each text occurs, the most frequent first.
func counts(texts map[string]int) string {
	names := sortedKeys(texts)
	slices.SortStableFunc(names, func(a, b string) int { return texts[b] - texts[a] })
	var parts []string
	for i, name := range names {
		if i == 3 && len(names) > 4 {
			parts = append(parts, fmt.Sprintf("%d more", len(names)-3))
			break
		}
		parts = append(parts, fmt.Sprintf("%s × %d", name, texts[name]))
	}
	return strings.Join(parts, ", ")
}

func sortedKeys(m map[string]int) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// ownLosses returns the loss of each suspect under the model; nil without one.
func (r *reporting) ownLosses(ctx context.Context) (map[int64]float64, error) {
	s := r.suspects
	if !r.labelled() || len(s.labels)+len(s.harmful) == 0 {
		return nil, nil
	}
	var rows []int64
	for row := range s.rows() {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	m, err := sink.Dense(ctx, r.s.model.TrainLoss(nil), influence.Job{Train: influence.RowList(rows), Self: true, Precision: influence.Float64})
	if err != nil {
		return nil, err
	}
	out := make(map[int64]float64, len(rows))
	for i, row := range rows {
		out[row] = m.Scores[i]
	}
	return out, nil
}
