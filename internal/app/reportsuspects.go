package app

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/app/report"
)

// shownSuspects is the number of train rows in a table of suspects.
const shownSuspects = 12

// suspects are train rows that deserve a look, each list in order.
type suspects struct {
	labels, harmful, largest                []int64
	labelsFound, harmfulFound, largestFound int
	least                                   int32 // harmed queries that a suspect has at least
}

// rows is the set of all suspects.
func (s *suspects) rows() map[int64]bool {
	out := make(map[int64]bool)
	for _, list := range [][]int64{s.labels, s.harmful, s.largest} {
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
		s.largestFound = len(order)
		for _, i := range order[:min(shownSuspects, len(order))] {
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
	s.labelsFound, s.harmfulFound = len(s.labels), len(s.harmful)
	s.labels = s.labels[:min(shownSuspects, len(s.labels))]
	s.harmful = s.harmful[:min(shownSuspects, len(s.harmful))]
	return s
}

// readSelfKeys names the suspects of a run without lists.
func (r *reporting) readSelfKeys(l *lists, s *suspects) error {
	for row := range s.rows() {
		l.keys[row] = fmt.Sprintf("row %d", row)
		if r.s != nil && !r.hidden(r.flag("key")) {
			l.keys[row] = r.s.model.Keys().String(row)
		}
	}
	return nil
}

// suspectTables lays the suspects out with their evidence.
func (r *reporting) suspectTables(ctx context.Context, s *suspects, l *lists, f *fields) ([]report.Suspect, error) {
	var out []report.Suspect
	losses, err := r.ownLosses(ctx, s)
	if err != nil {
		return nil, err
	}
	if r.measures() {
		if r.hasLosses() && r.labelled() {
			out = append(out, r.labelErrors(s, l, f, losses))
		}
		out = append(out, r.harmfulToMany(s, l, f, losses))
	}
	if len(s.largest) > 0 {
		out = append(out, r.largestSelf(s, l, f))
	}
	return out, nil
}

func (r *reporting) labelErrors(s *suspects, l *lists, f *fields, losses map[int64]float64) report.Suspect {
	other := "another label"
	if !r.classes() {
		other = fmt.Sprintf("a label more than %.4g away (a standard deviation)", r.labelDeviation())
	}
	t := report.Suspect{
		Title: "Likely label errors",
		Rule: fmt.Sprintf("Train rows that are among the most harmful of at least %d queries, more than half of which have %s, and whose scores in all lists sum to less than 0. Ordered by queries harmed with another label less queries helped.",
			s.least, other),
		Evidence: []string{"harms", "with another label", "their labels", "helps", "mean score", "own loss"},
		Columns:  r.columns, Found: s.labelsFound, Rows: []report.SuspectRow{},
	}
	for _, row := range s.labels {
		x := r.tally.of(row)
		t.Rows = append(t.Rows, r.suspectRow(row, l, f,
			report.Counted(int64(x.harms)), report.Counted(int64(x.others)), report.Evidence{Text: r.harmedLabels(l.harmed[row])},
			report.Counted(int64(x.helps)), report.Measured(x.sum/float64(x.harms+x.helps)), report.Measured(losses[row])))
	}
	return t
}

func (r *reporting) harmfulToMany(s *suspects, l *lists, f *fields, losses map[int64]float64) report.Suspect {
	t := report.Suspect{
		Title:    "Harmful to many queries",
		Rule:     fmt.Sprintf("Train rows that are among the most harmful of at least %d queries, the most often first. A row that helps as many is influential rather than wrong.", s.least),
		Evidence: []string{"harms", "helps", "mean score"},
		Columns:  r.columns, Found: s.harmfulFound, Rows: []report.SuspectRow{},
	}
	if losses != nil {
		t.Evidence = append(t.Evidence, "own loss")
	}
	for _, row := range s.harmful {
		x := r.tally.of(row)
		evidence := []report.Evidence{report.Counted(int64(x.harms)), report.Counted(int64(x.helps)), report.Measured(x.sum / float64(x.harms+x.helps))}
		if losses != nil {
			evidence = append(evidence, report.Measured(losses[row]))
		}
		t.Rows = append(t.Rows, r.suspectRow(row, l, f, evidence...))
	}
	return t
}

func (r *reporting) largestSelf(s *suspects, l *lists, f *fields) report.Suspect {
	t := report.Suspect{
		Title: "Largest scores", Rule: "The train rows with the largest scores. A score above 0 says: " + r.record.PositiveMeans + ".",
		Evidence: []string{"score"}, Columns: r.columns, Found: s.largestFound,
	}
	if r.record.Method == "loss" {
		t.Title = "Rows that the model disagrees with"
	}
	value := make(map[int64]float64, len(s.largest))
	for i, row := range r.values.rows {
		value[row] = r.values.values[i]
	}
	for _, row := range s.largest {
		t.Rows = append(t.Rows, r.suspectRow(row, l, f, report.Measured(value[row])))
	}
	return t
}

func (r *reporting) suspectRow(row int64, l *lists, f *fields, evidence ...report.Evidence) report.SuspectRow {
	return report.SuspectRow{Key: l.keys[row], Row: row, Label: r.trainLabel(row), Evidence: evidence, Fields: cells(f.train[row], nil)}
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
	names := sortedKeys(labels)
	slices.SortStableFunc(names, func(a, b string) int { return labels[b] - labels[a] })
	var parts []string
	for i, name := range names {
		if i == 3 && len(names) > 4 {
			parts = append(parts, fmt.Sprintf("%d more", len(names)-3))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, labels[name]))
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
func (r *reporting) ownLosses(ctx context.Context, s *suspects) (map[int64]float64, error) {
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

// twins finds shown rows that are equal in all columns of the model.
func (r *reporting) twins(l *lists, s *suspects, f *fields) *report.Twins {
	if r.s == nil {
		return nil
	}
	model := r.modelColumns()
	if !slices.Contains(model, true) {
		return nil
	}
	out := &report.Twins{Rule: "Rows on this page that are equal in every shown column that the model reads: repeats in the train table, and queries that were trained on."}
	trainKeys := l.keys
	labels := make(map[int64]string)
	for _, q := range l.queries {
		for _, a := range q.answers {
			for _, side := range a.sides {
				for _, row := range side.rows {
					trainKeys[row.TrainRow] = r.key(row.TrainKey, row.TrainRow)
				}
			}
		}
	}
	for row := range trainKeys {
		labels[row] = r.trainLabel(row)
	}
	sets := make(map[string]report.TwinSet)
	var order []string
	add := func(texts []string, t report.Twin) {
		if texts == nil {
			return
		}
		id := identity(texts, model)
		if sets[id] == nil {
			order = append(order, id)
		}
		sets[id] = append(sets[id], t)
	}
	rows := make([]int64, 0, len(trainKeys))
	for row := range trainKeys {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	for _, row := range rows {
		add(f.train[row], report.Twin{Side: "train", Key: trainKeys[row], Label: labels[row]})
	}
	for _, q := range l.queries {
		add(f.query[q.row], report.Twin{Side: "query", Key: q.key, Label: r.queryLabel(q.row)})
	}
	for _, id := range order {
		if len(sets[id]) > 1 {
			out.Sets = append(out.Sets, sets[id])
		}
	}
	return out
}

// identity joins the fields that the model reads; numbers count by value.
func identity(texts []string, model []bool) string {
	var b strings.Builder
	for i, text := range texts {
		if !model[i] {
			continue
		}
		if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(v) {
			text = strconv.FormatFloat(v, 'g', -1, 64)
		}
		fmt.Fprintf(&b, "%d:%s;", len(text), text)
	}
	return b.String()
}
