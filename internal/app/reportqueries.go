package app

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/app/report"
)

// How many queries a report shows, and how many train rows on either side.
const (
	worstQueries  = 12
	spreadQueries = 6
	shownTop      = 5
)

// lists are the shown part of scores.parquet.
type lists struct {
	queries []shownQuery
	harmed  map[int64]map[string]int // labels of the queries that a suspect harms, by train row
	keys    map[int64]string         // of suspects

	weighed, differing int // shown scores that were computed again; those that came out otherwise
}

// A shownQuery is a chosen query with its lists, one answer for each output or module.
type shownQuery struct {
	row     int64
	key     string
	answers []shownAnswer
	nearest []sink.Entry
}

type shownAnswer struct {
	output  int32
	module  string  // of the model; "" for the whole
	damping float64 // of the curvature; 0 where the run has one for all
	sides   [2]shownSide
	total   float64 // absolute score of all train rows; 0 where it was not computed
}

type shownSide struct {
	rows []sink.ScoreRow
	kept int
	mass float64
}

// chooseQueries picks the queries with the largest loss, and some that are
// spread evenly over the rest. Without losses it goes by the absolute score of
// a query's lists.
func (r *reporting) chooseQueries() []int64 {
	rows := make([]int64, 0, len(r.tally.mass))
	for row := range r.tally.mass {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	weight := func(row int64) float64 { return r.tally.mass[row] }
	if r.hasLosses() {
		weight = func(row int64) float64 {
			if v := r.queryLoss(row); !math.IsNaN(v) {
				return v
			}
			return math.Inf(-1)
		}
	}
	slices.SortStableFunc(rows, func(a, b int64) int {
		switch x, y := weight(a), weight(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	if len(rows) <= worstQueries+spreadQueries {
		return rows
	}
	chosen := slices.Clone(rows[:worstQueries])
	rest := rows[worstQueries:]
	for i := range spreadQueries {
		chosen = append(chosen, rest[i*(len(rest)-1)/(spreadQueries-1)])
	}
	return chosen
}

// hasLosses reports whether the losses of queries are known and may be shown.
func (r *reporting) hasLosses() bool {
	if r.s == nil {
		return r.inputs != nil && r.inputs.queryLosses != nil
	}
	return r.s.queries != nil && r.s.queries.Labelled()
}

// queryLoss returns the loss of a query; NaN where it is not known.
func (r *reporting) queryLoss(row int64) float64 {
	if r.s == nil {
		return r.inputs.queryLosses[row]
	}
	return r.s.queries.Loss(row)
}

// rule says which queries and train rows are shown.
func (r *reporting) rule(shown int) string {
	by := "with the largest absolute score in their lists"
	if r.hasLosses() {
		by = "with the largest loss"
	}
	text := fmt.Sprintf("All %s queries, those %s first.", report.Count(int64(shown)), by)
	if len(r.tally.mass) > shown {
		text = fmt.Sprintf("%d of %s queries: the %d %s, then %d spread evenly over the rest in the same order.",
			shown, report.Count(int64(len(r.tally.mass))), worstQueries, by, spreadQueries)
	}
	text += fmt.Sprintf(" Of each, the first %d train rows on either side; the lists in scores.parquet hold up to %s.", shownTop, r.flag("top")) + r.shareRule()
	if r.s != nil && len(r.tally.outputs) > 2 && r.classes() {
		text += " Of the outputs, those of the predicted and of the labelled class."
	}
	if len(r.columns) > 0 {
		text += " Fields that differ from the query are marked."
	}
	return text
}

// readLists reads scores.parquet again for what is shown of it.
func (r *reporting) readLists(ctx context.Context, chosen []int64) (*lists, error) {
	l := &lists{queries: make([]shownQuery, len(chosen)), harmed: make(map[int64]map[string]int), keys: make(map[int64]string)}
	if !r.tally.lists {
		return l, r.readSelfKeys(l)
	}
	at := make(map[int64]int, len(chosen))
	for i, row := range chosen {
		at[row] = i
	}
	wanted := r.suspects.rows()
	err := sink.ReadScores(ctx, r.dir, func(row sink.ScoreRow) error {
		low := row.Side == sink.Harmful || row.Side == sink.Low
		if wanted[row.TrainRow] {
			l.keys[row.TrainRow] = r.key(row.TrainKey, row.TrainRow)
			if low && r.s != nil {
				if l.harmed[row.TrainRow] == nil {
					l.harmed[row.TrainRow] = make(map[string]int)
				}
				l.harmed[row.TrainRow][r.queryLabel(row.QueryRow)]++
			}
		}
		i, ok := at[row.QueryRow]
		if !ok {
			return nil
		}
		q := &l.queries[i]
		q.row, q.key = row.QueryRow, r.key(row.QueryKey, row.QueryRow)
		if n := len(q.answers); n == 0 || q.answers[n-1].output != row.Output || q.answers[n-1].module != row.Module || q.answers[n-1].damping != row.Damping {
			q.answers = append(q.answers, shownAnswer{output: row.Output, module: row.Module, damping: row.Damping})
		}
		side := &q.answers[len(q.answers)-1].sides[0]
		if low {
			side = &q.answers[len(q.answers)-1].sides[1]
		}
		side.kept++
		side.mass += math.Abs(row.Score)
		if int(row.Rank) <= shownTop {
			side.rows = append(side.rows, row)
		}
		return nil
	})
	return l, err
}

// queries fills the section of queries; nil where the run kept no lists.
func (r *reporting) queries(f *fields) *report.Queries {
	l := r.lists
	if !r.tally.lists {
		return nil
	}
	out := &report.Queries{
		Rule: r.rule(len(l.queries)), Total: int64(len(r.tally.mass)), Columns: r.columns,
		HasLabels: r.labelled() && r.s.queries.Labelled(), List: []report.Query{},
	}
	names, _ := r.sideNames()
	out.Ends = [2]string{"most " + names[0], "most " + names[1]}
	for _, q := range l.queries {
		x := report.Query{Key: q.key, Row: q.row, Fields: cells(f.query[q.row], nil)}
		if r.labelled() {
			x.Label, x.Prediction = r.queryLabel(q.row), r.s.prediction(q.row)
		}
		if r.hasLosses() && (r.s == nil || r.labelled()) {
			if v := r.queryLoss(q.row); !math.IsNaN(v) {
				n := report.Number(v)
				x.Loss = &n
			}
		}
		if r.down != nil && r.down.by != "label" {
			x.Group = r.down.names[r.down.of(q.row)]
		}
		for _, a := range q.answers {
			if r.shows(q.row, a.output) {
				x.Answers = append(x.Answers, r.answer(a, f.query[q.row], f))
			}
		}
		for _, e := range q.nearest {
			x.Nearest = append(x.Nearest, report.Near{
				Key: r.trainKey(e.TrainRow), Row: e.TrainRow, Trees: int(e.Score), Label: r.trainLabel(e.TrainRow),
				Fields: cells(f.train[e.TrainRow], f.query[q.row]),
			})
			out.Trees = len(r.s.forest.Trees)
		}
		out.List = append(out.List, x)
	}
	return out
}

// shows reports whether the page has room for an output of a query: of several
// classes, for the predicted and the labelled one.
func (r *reporting) shows(row int64, output int32) bool {
	if r.s == nil || len(r.tally.outputs) < 3 || !r.classes() {
		return true
	}
	return int(output) == r.s.queries.Class(row) || float64(output) == r.s.queries.Label(row)
}

func (r *reporting) answer(a shownAnswer, query []string, f *fields) report.Answer {
	var out report.Answer
	if r.swept() {
		out.Damping = strconv.FormatFloat(a.damping, 'g', -1, 64)
	}
	if out.Module = a.module; out.Module == "" && len(r.tally.outputs) > 1 {
		out.Output = r.outputName(a.output)
	}
	mass := a.total
	if r.s == nil {
		mass = a.sides[0].mass + a.sides[1].mass
	}
	share := func(v float64) report.Number {
		if mass == 0 {
			return 0
		}
		return report.Number(math.Abs(v) / mass)
	}
	names, means := r.sideNames()
	for i, side := range a.sides {
		out.Sides[i] = report.Side{Name: names[i], Means: means[i], Kept: side.kept, Share: share(side.mass), Rows: []report.TrainRow{}}
		for _, row := range side.rows {
			out.Sides[i].Rows = append(out.Sides[i].Rows, report.TrainRow{
				Rank: row.Rank, Key: r.entryName(row), Row: row.TrainRow, Score: report.Number(row.Score), Share: share(row.Score),
				Label: r.trainLabel(row.TrainRow), Fields: cells(f.train[row.TrainRow], query),
			})
		}
	}
	return out
}

// swept reports whether the run has scores for several dampings.
func (r *reporting) swept() bool { return sweeps(r.flag("damping")) }

// entryName names what a row of a list is about: a train row, or a token of one.
func (r *reporting) entryName(row sink.ScoreRow) string {
	name := r.key(row.TrainKey, row.TrainRow)
	if row.Token != sink.NoToken {
		name += fmt.Sprintf(", token %d", row.Token)
	}
	return name
}

// sideNames are the two ends of the scores and what they mean.
func (r *reporting) sideNames() (names, means [2]string) {
	means = [2]string{r.record.PositiveMeans, r.record.NegativeMeans}
	switch {
	case !r.record.Signed:
		return [2]string{"high", "low"}, [2]string{"the largest scores: " + r.record.PositiveMeans, "the smallest scores"}
	case r.quantity().Kind != influence.Loss:
		return [2]string{"up", "down"}, means
	}
	return [2]string{"helpful", "harmful"}, means
}

// quantity is what of the queries the scores are about, from the model where
// it is read, else from what the run says.
func (r *reporting) quantity() influence.Quantity {
	if r.s != nil {
		return r.of
	}
	of := r.flag("of")
	if of == "" && !r.tally.outputs[sink.NoOutput] && len(r.tally.outputs) > 0 {
		of = "margin"
	}
	if q, err := influence.ParseQuantity(of, nil); err == nil {
		return q
	}
	// The class has a name that only the model knows.
	for _, k := range []influence.Kind{influence.Margin, influence.Probability} {
		if len(of) > len(k.String()) && of[:len(k.String())] == k.String() {
			return influence.Quantity{Kind: k, Output: influence.Predicted}
		}
	}
	return influence.Quantity{}
}

// fields are the shown fields of rows, by row number.
type fields struct{ train, query map[int64][]string }

// readFields reads the fields of all rows that the page shows.
func (r *reporting) readFields(ctx context.Context) (*fields, error) {
	f := &fields{train: make(map[int64][]string), query: make(map[int64][]string)}
	if len(r.columns) == 0 {
		return f, nil
	}
	trainTable, queryTable := r.tables()
	train := make(map[int64]bool)
	add := func(rows []int64) {
		for _, row := range rows {
			train[row] = true
		}
	}
	for _, list := range r.suspects.shown() {
		add(list)
	}
	for _, d := range r.duplicates[:min(shownSuspects, len(r.duplicates))] {
		add(d.shown())
	}
	for _, rows := range r.cells {
		add(rows)
	}
	var query []int64
	for _, q := range r.lists.queries {
		query = append(query, q.row)
		for _, e := range q.nearest {
			train[e.TrainRow] = true
		}
		for _, a := range q.answers {
			for _, side := range a.sides {
				for _, row := range side.rows {
					train[row.TrainRow] = true
				}
			}
		}
	}
	rows := make([]int64, 0, len(train))
	for row := range train {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	got, err := trainTable.Take(ctx, rows, r.columns)
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		f.train[row] = got[i]
	}
	if len(query) == 0 {
		return f, nil
	}
	if got, err = queryTable.Take(ctx, query, r.columns); err != nil {
		return nil, err
	}
	for i, row := range query {
		f.query[row] = got[i]
	}
	return f, nil
}

// cells cuts fields for the page; those that differ from the query's are
// marked.
func cells(texts, query []string) []report.Cell {
	var out []report.Cell
	for i, text := range texts {
		c := report.NewCell(text)
		c.Differs = query != nil && !sameValue(text, query[i])
		out = append(out, c)
	}
	return out
}
