package app

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/infl-dev/infl/internal/app/report"
)

// shownMembers bounds the rows of a set whose keys and fields are shown.
const shownMembers = 5

// shownNames bounds the columns that are named of a set.
const shownNames = 8

// A duplicate is a set of train rows that the model cannot tell apart.
type duplicate struct {
	rows     []int64
	disagree bool
}

// findDuplicates finds the train rows that share the leaves of all trees: sets
// whose labels disagree first, then the largest, then by first row.
func (r *reporting) findDuplicates(ctx context.Context) ([]duplicate, error) {
	if r.s == nil {
		return nil, nil
	}
	sets, err := r.s.model.SameLeaves(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]duplicate, len(sets))
	far := 0.0
	if r.labelled() && !r.classes() {
		far = r.labelDeviation()
	}
	for i, rows := range sets {
		out[i].rows = rows
		if r.labelled() {
			lo, hi := math.Inf(1), math.Inf(-1)
			for _, row := range rows {
				lo, hi = min(lo, r.s.model.Label(row)), max(hi, r.s.model.Label(row))
			}
			out[i].disagree = hi-lo > far
		}
	}
	slices.SortStableFunc(out, func(a, b duplicate) int {
		switch {
		case a.disagree != b.disagree && a.disagree:
			return -1
		case a.disagree != b.disagree:
			return 1
		}
		return cmp.Compare(len(b.rows), len(a.rows))
	})
	return out, nil
}

// shown are the rows of a set that the page names.
func (d duplicate) shown() []int64 { return d.rows[:min(len(d.rows), shownMembers)] }

// duplicateTable lays the sets out, one in a line.
func (r *reporting) duplicateTable(all []duplicate, f *fields) report.Suspect {
	t := report.Suspect{
		Title:    "Near-duplicates",
		Rule:     "Sets of train rows that fall into the same leaf of every tree: repeated rows, and rows that the model cannot tell apart. Largest first.",
		Evidence: []string{"rows", "the others"},
		Columns:  r.columns, Found: len(all), File: "near-duplicates.csv", Rows: []report.SuspectRow{},
		Keys: [][]string{{"set", "train_key", "train_row"}},
	}
	if r.labelled() {
		t.Rule = strings.Replace(t.Rule, "Largest first.", "Those whose labels disagree come first, then the largest.", 1)
		if !r.classes() {
			t.Rule += fmt.Sprintf(" Labels disagree where they are more than %.4g apart (a standard deviation).", r.labelDeviation())
		}
		t.Evidence = append(t.Evidence, "labels")
		t.Keys[0] = append(t.Keys[0], "label")
	}
	if len(r.columns) > 0 {
		t.Rule += fmt.Sprintf(" Fields are those of the first row; columns in which the set differs are those of its first %d rows.", shownMembers)
		t.Evidence = append(t.Evidence, "differ in")
	}
	for i, d := range all {
		if i < shownSuspects {
			t.Rows = append(t.Rows, r.duplicateRow(d, f))
		}
		for _, row := range d.rows {
			line := []string{fmt.Sprint(i + 1), r.trainKey(row), fmt.Sprint(row)}
			if r.labelled() {
				line = append(line, r.trainLabel(row))
			}
			t.Keys = append(t.Keys, line)
		}
	}
	return t
}

func (r *reporting) duplicateRow(d duplicate, f *fields) report.SuspectRow {
	first := d.rows[0]
	var others []string
	labels := make(map[string]int)
	for i, row := range d.rows {
		labels[r.trainLabel(row)]++
		if i > 0 && i < shownMembers {
			others = append(others, r.trainKey(row))
		}
	}
	if more := len(d.rows) - shownMembers; more > 0 {
		others = append(others, report.Count(int64(more))+" more")
	}
	x := report.SuspectRow{
		Key: r.trainKey(first), Row: first, Label: r.trainLabel(first), Fields: cells(f.train[first], nil),
		Evidence: []report.Evidence{report.Counted(int64(len(d.rows))), {Text: strings.Join(others, ", ")}},
	}
	if r.labelled() {
		text := counts(labels)
		if d.disagree {
			text += ": disagree"
		}
		x.Evidence = append(x.Evidence, report.Evidence{Text: text})
	}
	if len(r.columns) > 0 {
		x.Evidence = append(x.Evidence, report.Evidence{Text: r.differing(d, f)})
	}
	return x
}

// differing names the shown columns in which the rows of a set differ.
func (r *reporting) differing(d duplicate, f *fields) string {
	var names []string
	for c, name := range r.columns {
		differ := slices.ContainsFunc(d.shown(), func(row int64) bool { return !sameValue(f.train[row][c], f.train[d.rows[0]][c]) })
		if differ {
			names = append(names, name)
		}
	}
	switch more := len(names) - shownNames; {
	case len(names) == 0:
		return "nothing"
	case more > 0:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shownNames], ", "), more)
	}
	return strings.Join(names, ", ")
}
