package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
)

// WhyOptions are the flags of infl why.
type WhyOptions struct {
	Common
	ModelOptions

	Row    []string // keys, or row numbers where no key matches; empty means the first row
	Top    int
	Redact []string
	NoRows bool
}

// maxWhyRows bounds the queries of one call; score is made for more.
const maxWhyRows = 50

// Validate lists what is wrong with the options.
func (o *WhyOptions) Validate() error {
	if m, err := findMethod(o.Method); err == nil && m.tree == nil {
		return errNotOfTrees(o.Method)
	}
	var errs []error
	if o.Top < 1 {
		errs = append(errs, fmt.Errorf("--top %d; it must be at least 1", o.Top))
	}
	if len(o.Row) > maxWhyRows {
		errs = append(errs, fmt.Errorf("why explains up to %d rows, %d were asked for; use infl score for more", maxWhyRows, len(o.Row)))
	}
	return errors.Join(o.ModelOptions.Validate(true), o.Output.Validate(), errors.Join(errs...))
}

// Why explains predictions: for each asked query row the train rows that taught
// it, with their fields, the columns in which they differ from the query, and
// each row's share.
func Why(ctx context.Context, o *WhyOptions) error {
	if err := o.Validate(); err != nil {
		return err
	}
	s, err := openSession(&o.Common, &o.ModelOptions)
	if err != nil {
		return err
	}
	answers, err := s.why(ctx, o)
	if err := errors.Join(err, s.close()); err != nil {
		return err
	}
	if o.Output.resolve(o.Streams) == "table" {
		return printAnswers(o.Streams, answers)
	}
	return o.Output.Print(o.Streams, answerTable(answers))
}

// An answer explains one query entry.
type answer struct {
	key           string
	row           int64
	output        *int32
	outputName    string
	prediction    string
	label         string
	verdict       *gbdt.Fidelity
	description   influence.Description
	quantity      influence.Quantity
	columns       []string // of fields
	fields        []string // of the query
	rows          []taught
	helps, harms  int // train rows with a score > 0 and < 0
	train         int64
	positiveShare float64     // share of all |scores| that is positive
	retraining    *retraining // nil where it would take long
}

// taught is a train row of an answer.
type taught struct {
	side   string
	rank   int
	key    string
	row    int64
	score  float64
	share  float64  // |score| over the sum of |scores| of all train rows
	trace  *float64 // BoostIn beside leafinfluence; nil with other methods
	label  string
	fields []string
	differ []string // names of the columns that differ from the query
}

func (s *session) why(ctx context.Context, o *WhyOptions) ([]answer, error) {
	p := o.progress(5)
	defer p.Close()
	if err := s.prepare(ctx, p); err != nil {
		return nil, err
	}
	of, err := s.readQueries(ctx, p)
	if err != nil {
		return nil, err
	}
	rows, err := s.queryRows(o.Row)
	if err != nil {
		return nil, err
	}
	scorer, err := s.scorer()
	if err != nil {
		return nil, err
	}
	train, err := s.trainRows()
	if err != nil {
		return nil, err
	}
	precision, err := influence.ParsePrecision(o.Dtype)
	if err != nil {
		return nil, err
	}
	job := influence.Job{Train: train, Query: influence.RowList(rows), Of: of, Precision: precision}
	p.Phase("score", "pairs", train.Len()*int64(len(rows)))
	m, err := sink.Dense(ctx, scorer, job)
	if err != nil {
		return nil, err
	}
	p.Add(train.Len() * int64(len(rows)))
	var answers []answer
	for e := range m.Layout.Query {
		answers = append(answers, s.answer(o, m, e, job, gbdt.Describe(scorer, of)))
	}
	if s.method.name == "leafinfluence" {
		if err := s.traces(ctx, job, m.Layout, answers); err != nil {
			return nil, err
		}
	}
	p.Phase("fetch rows", "rows", 0)
	return answers, s.fetch(ctx, o, answers)
}

// traces puts BoostIn beside the scores of the rows that are shown: what a row did
// in training, beside what would be without it.
func (s *session) traces(ctx context.Context, job influence.Job, layout influence.Layout, answers []answer) error {
	o, err := s.scorerOptions()
	if err != nil {
		return err
	}
	scorer, err := s.model.BoostIn(s.queries, o)
	if err != nil {
		return err
	}
	for e := range answers {
		a := &answers[e]
		if len(a.rows) == 0 {
			continue
		}
		rows := make([]int64, len(a.rows))
		for i, t := range a.rows {
			rows[i] = t.row
		}
		job.Train, job.Query = influence.RowList(rows), influence.RowList([]int64{a.row})
		m, err := sink.Dense(ctx, scorer, job)
		if err != nil {
			return err
		}
		for i := range a.rows {
			trace := m.At(int64(e%layout.PerRow), int64(i))
			a.rows[i].trace = &trace
		}
	}
	return nil
}

// queryRows finds the asked rows: by key, else by row number.
func (s *session) queryRows(asked []string) ([]int64, error) {
	if len(asked) == 0 {
		return []int64{0}, nil
	}
	rows := make([]int64, len(asked))
	for i, a := range asked {
		row, ok := s.queries.Keys().Find(a)
		if n, err := strconv.ParseInt(a, 10, 64); !ok && err == nil && n >= 0 && n < s.queries.Rows() {
			row, ok = n, true
		}
		if !ok {
			return nil, fmt.Errorf("--row %s: no query row has this key, and it is not a row number from 0 to %d", a, s.queries.Rows()-1)
		}
		rows[i] = row
	}
	return rows, nil
}

// answer picks the top of one query entry.
func (s *session) answer(o *WhyOptions, m sink.Matrix, e int64, job influence.Job, d influence.Description) answer {
	row := job.Query.At(e / int64(m.Layout.PerRow))
	a := answer{
		key: s.queries.Keys().String(row), row: row, verdict: s.model.Fidelity(), description: d, quantity: job.Of,
		train: job.Train.Len(), prediction: s.prediction(row), label: s.className(s.queries.Label(row)),
	}
	if m.Layout.Output != nil {
		out := m.Layout.Output[e]
		a.output, a.outputName = &out, s.className(float64(out))
	}
	scores := m.Scores[e*m.Layout.Train : (e+1)*m.Layout.Train]
	order := make([]int, len(scores))
	total, positive := 0.0, 0.0
	for i, v := range scores {
		order[i] = i
		total += math.Abs(v)
		switch {
		case v > 0:
			a.helps++
			positive += v
		case v < 0:
			a.harms++
		}
	}
	if total > 0 {
		a.positiveShare = positive / total
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Or(cmp.Compare(scores[y], scores[x]), x-y) })
	lowest := slices.Clone(order)
	slices.SortFunc(lowest, func(x, y int) int { return cmp.Or(cmp.Compare(scores[x], scores[y]), x-y) })
	add := func(side string, rank, i int) {
		train := job.Train.At(int64(i))
		t := taught{side: side, rank: rank, key: s.model.Keys().String(train), row: train, score: scores[i], label: s.className(s.model.Label(train))}
		if total > 0 {
			t.share = math.Abs(scores[i]) / total
		}
		a.rows = append(a.rows, t)
	}
	high, low := "helpful", "harmful"
	if !d.Signed {
		high, low = "high", "low"
	} else if job.Of.Kind != influence.Loss {
		high, low = "up", "down"
	}
	for r, i := range order[:min(o.Top, len(order))] {
		if !d.Signed || scores[i] > 0 {
			add(high, r+1, i)
		}
	}
	for r, i := range lowest[:min(o.Top, len(lowest))] {
		if d.Signed && scores[i] < 0 {
			add(low, r+1, i)
		}
	}
	a.retraining = costOfRetraining(s.forest, s.model.Rows(), len(a.rows))
	return a
}

// prediction says what the model predicts for a query row.
func (s *session) prediction(row int64) string {
	if p := s.queries.Probability(row); p != nil {
		class := s.queries.Class(row)
		v := p[0]
		switch {
		case len(p) > 1:
			v = p[class]
		case class == 0:
			v = 1 - p[0]
		}
		return fmt.Sprintf("%s (probability %.4g)", s.className(float64(class)), v)
	}
	return fmt.Sprintf("%.6g", s.queries.Output(row))
}

// className writes a label as the user knows it.
func (s *session) className(y float64) string {
	if math.IsNaN(y) {
		return ""
	}
	if c := s.model.Classes(); c != nil && y >= 0 && int(y) < len(c) && y == math.Trunc(y) {
		return c[int(y)]
	}
	bits := 64
	if float64(float32(y)) == y {
		bits = 32 // LightGBM holds labels in float32: 0.1, not 0.10000000149.
	}
	return strconv.FormatFloat(y, 'g', -1, bits)
}

// fetch reads the fields of the query rows and of their train rows.
func (s *session) fetch(ctx context.Context, o *WhyOptions, answers []answer) error {
	if o.NoRows {
		return nil
	}
	columns, err := s.shownColumns(o.Redact)
	if err != nil {
		return err
	}
	var train, query []int64
	for _, a := range answers {
		query = append(query, a.row)
		for _, t := range a.rows {
			train = append(train, t.row)
		}
	}
	trainFields, err := s.train.Take(ctx, train, columns)
	if err != nil {
		return err
	}
	queryFields, err := s.takeQuery(ctx, query, columns)
	if err != nil {
		return err
	}
	at := 0
	for i := range answers {
		a := &answers[i]
		a.columns, a.fields = columns, queryFields[i]
		for j := range a.rows {
			t := &a.rows[j]
			t.fields = trainFields[at]
			at++
			for c, name := range columns {
				if name != o.Key && name != o.Label && !sameValue(t.fields[c], a.fields[c]) {
					t.differ = append(t.differ, name)
				}
			}
		}
	}
	return nil
}

// takeQuery reads fields of query rows; columns that only the train table has
// stay empty.
func (s *session) takeQuery(ctx context.Context, rows []int64, columns []string) ([][]string, error) {
	has := make(map[string]bool)
	for _, c := range s.query.Columns() {
		has[c.Name] = true
	}
	var there []string
	for _, c := range columns {
		if has[c] {
			there = append(there, c)
		}
	}
	got, err := s.query.Take(ctx, rows, there)
	if err != nil {
		return nil, err
	}
	out := make([][]string, len(rows))
	for i := range out {
		out[i] = make([]string, len(columns))
		for c, name := range columns {
			if k := slices.Index(there, name); k >= 0 {
				out[i][c] = got[i][k]
			}
		}
	}
	return out, nil
}

// shownColumns returns the columns of the train table less the redacted ones.
func (s *session) shownColumns(redact []string) ([]string, error) {
	names := columnNames(s.train)
	shown := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(redact, name) })
	for _, r := range redact {
		if !slices.Contains(names, r) {
			return nil, fmt.Errorf("--redact %s: the train table has no such column; %s", r, suggest(r, names))
		}
	}
	return shown, nil
}

// sameValue compares two cells, numbers as numbers.
func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}
