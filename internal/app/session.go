package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/gbdt/lightgbm"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/parallel"
)

// A session is a model with its tables on the way from flags to a scorer.
type session struct {
	talking
	options *ModelOptions
	columns gbdt.Columns
	method  *treeMethod
	by      string // column of query groups

	forest       *gbdt.Forest
	train, query *dataset.Table // query is nil for self-influence
	masks        *gbdt.RowMasks // nil without --row-masks

	model   *gbdt.Model
	queries *gbdt.Queries

	inputs map[string]dataset.Fingerprint
}

// openSession opens model and tables; it reads the model and the tables'
// schemas, but no rows.
func openSession(c *Common, o *ModelOptions) (_ *session, err error) {
	s := &session{talking: talking{common: c}, options: o}
	if s.method, err = findTreeMethod(o.Method); err != nil {
		return nil, err
	}
	if err := s.openBLAS(); err != nil {
		return nil, err
	}
	if s.columns, err = o.columns(); err != nil {
		return nil, err
	}
	if s.forest, err = openForest(o.Model); err != nil {
		return nil, err
	}
	n, err := o.iterations(s.forest.Iterations())
	if err != nil {
		return nil, err
	}
	if err := s.openMasks(n); err != nil {
		return nil, err
	}
	if s.forest, err = s.forest.Head(n); err != nil {
		return nil, err
	}
	if s.train, err = dataset.Open(o.Train, dataset.Options{Workers: c.Workers}); err != nil {
		return nil, err
	}
	if o.Query != "" {
		if s.query, err = dataset.Open(o.Query, dataset.Options{Workers: c.Workers}); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// openMasks opens the row masks, which must be those of the whole model file, and
// takes the first n iterations.
func (s *session) openMasks(n int) error {
	if s.options.RowMasks == "" {
		return nil
	}
	all, err := gbdt.OpenRowMasks(s.options.RowMasks)
	if err != nil {
		return err
	}
	if err := all.Check(-1, s.forest.Iterations()); err != nil {
		return err
	}
	s.masks, err = all.Head(n)
	return err
}

// openForest reads a model file of any kind that is known.
func openForest(path string) (*gbdt.Forest, error) {
	switch info, err := os.Stat(path); {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%s: no such file; name a model file", path)
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s: is a folder, not a model file", path)
	}
	return lightgbm.Open(path)
}

// indexBytes is the share of the memory budget that the leaf index may take.
func (s *session) indexBytes() (int64, error) {
	budget, err := s.common.memory()
	return budget / 3, err
}

// prepare reads the train table and checks that it is the model's. The files
// are hashed beside. A *gbdt.MismatchError leaves the model in place.
func (s *session) prepare(ctx context.Context, p *Progress) error {
	limit, err := s.indexBytes()
	if err != nil {
		return err
	}
	restore, err := s.common.limitHeap()
	if err != nil {
		return err
	}
	defer restore()

	o := gbdt.PrepareOptions{Columns: s.columns, LearningRate: s.options.LearningRate, Workers: s.common.Workers, IndexBytes: limit, Tmp: s.common.Tmp, RowMasks: s.masks}
	if o.L2, err = number("--lambda", s.options.Lambda); err != nil {
		return err
	}
	if o.L1, err = number("--alpha", s.options.Alpha); err != nil {
		return err
	}
	rows, _ := s.train.Rows()
	o.Begin = func(phase string) {
		if phase == "read" {
			p.Phase("read train rows", "rows", rows)
		} else {
			p.Phase("recompute leaf values", "rows", rows)
		}
	}
	o.Progress = p.Add
	hashes := s.hash(ctx)
	s.model, err = gbdt.Prepare(ctx, s.forest, s.train, o)
	inputs, herr := hashes()
	s.inputs = inputs
	var mismatch *gbdt.MismatchError
	if err != nil && !errors.As(err, &mismatch) {
		return err
	}
	if herr != nil {
		return herr
	}
	s.note(s.model.Train(), "train")
	return err
}

// hash starts the fingerprints of all inputs; the returned function joins them.
func (s *session) hash(ctx context.Context) func() (map[string]dataset.Fingerprint, error) {
	type result struct {
		prints map[string]dataset.Fingerprint
		err    error
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan result, 1)
	go func() {
		var r result
		r.prints, r.err = s.fingerprints(ctx)
		done <- r
	}()
	return func() (map[string]dataset.Fingerprint, error) {
		defer cancel()
		r := <-done
		return r.prints, r.err
	}
}

// masksInput is the name of the row masks among a run's inputs.
const masksInput = "row_masks"

func (s *session) fingerprints(ctx context.Context) (map[string]dataset.Fingerprint, error) {
	out := make(map[string]dataset.Fingerprint)
	files := map[string]string{"model": s.options.Model}
	if s.masks != nil {
		files[masksInput] = s.options.RowMasks
	}
	for name, path := range files {
		file, err := dataset.FingerprintFile(ctx, path)
		if err != nil {
			return nil, err
		}
		out[name] = dataset.Fingerprint{Files: []dataset.FileFingerprint{file}}
	}
	var err error
	if out["train"], err = s.train.Fingerprint(ctx); err != nil {
		return nil, err
	}
	if s.query != nil {
		if out["query"], err = s.query.Fingerprint(ctx); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readQueries reads the query table and finds the quantity that is asked
// about: the loss, or the margin where queries have no label.
func (s *session) readQueries(ctx context.Context, p *Progress) (influence.Quantity, error) {
	var of influence.Quantity
	var err error
	if s.query != nil {
		rows, _ := s.query.Rows()
		p.Phase("read query rows", "rows", rows)
		columns := s.columns
		if s.by != "" {
			columns.Group = s.by
		}
		if s.queries, err = s.model.Queries(ctx, s.query, columns); err != nil {
			return of, err
		}
		p.Add(s.queries.Rows())
		if s.queries.Rows() == 0 {
			return of, fmt.Errorf("%s has no rows: there is nothing to explain", s.options.Query)
		}
		s.note(s.queries.Bound(), "query")
	}
	asked := s.options.Of
	if asked == "" {
		asked = "loss"
		if s.queries != nil && !s.queries.Labelled() {
			asked = "margin"
			s.warn("the query table has no label column %q: scores are about the margin, not the loss", s.options.Label)
		}
	}
	if of, err = influence.ParseQuantity(asked, s.model.Classes()); err != nil {
		return of, fmt.Errorf("--of: %w", err)
	}
	return of, nil
}

// note says once what was unusual in a table.
func (s *session) note(b *dataset.Bound, which string) {
	if ignored := b.Ignored(); len(ignored) > 0 {
		s.warn("%s: columns that the model does not use are ignored: %s", which, strings.Join(ignored, ", "))
	}
	unseen := b.Unseen()
	for _, name := range slices.Sorted(maps.Keys(unseen)) {
		s.warn("%s: column %q has %d values that training did not know; they count as missing, as in LightGBM", which, name, unseen[name])
	}
}

// scorerOptions are what the flags ask of a method.
func (s *session) scorerOptions() (gbdt.Options, error) {
	budget, err := s.common.memory()
	if err != nil {
		return gbdt.Options{}, err
	}
	o := gbdt.Options{AllowApproximate: s.options.AllowApproximate, MemoryBytes: budget / 3}
	if s.options.Form == "compat" {
		o.Form = gbdt.CompatForm
	}
	if o.Measure, err = gbdt.ParseMeasure(s.options.Measure); err != nil {
		return o, err
	}
	if o.LabelEdit, err = s.labelEdit(); err != nil {
		return o, err
	}
	switch s.options.InitialScore {
	case "fixed":
		o.InitialScore = gbdt.InitialFixed
	case "refit":
		o.InitialScore = gbdt.InitialRefit
	}
	return o, nil
}

// scorer returns the method's scorer.
func (s *session) scorer() (influence.Scorer, error) {
	o, err := s.scorerOptions()
	if err != nil {
		return nil, err
	}
	return s.method.scorer(s.model, s.queries, o, s.common.Seed)
}

// labelEdit reads --label-edit: one new label, or a column of the query table.
func (s *session) labelEdit() (*gbdt.LabelEdit, error) {
	text := s.options.LabelEdit
	switch {
	case text == "":
		return nil, nil
	case !s.method.derivative:
		return nil, fmt.Errorf("--label-edit: method %s does not depend on it", s.method.name)
	case s.columns.LabelEdit != "":
		return &gbdt.LabelEdit{PerQuery: true}, nil
	}
	y, err := s.model.ParseLabel(text)
	if err != nil {
		return nil, fmt.Errorf("--label-edit: %w", err)
	}
	return &gbdt.LabelEdit{Value: y}, nil
}

// trainRows returns the train rows that are scored: all, or those of --rows.
func (s *session) trainRows() (influence.Rows, error) {
	return rowsOf(s.options.Rows, s.model.Keys())
}

// rowsOf returns the rows that --rows names; all where it is empty.
func rowsOf(asked string, known *dataset.Keys) (influence.Rows, error) {
	if asked == "" {
		return influence.RowRange(0, known.Len()), nil
	}
	keys, err := keyList("--rows", asked)
	if err != nil {
		return influence.Rows{}, err
	}
	rows := make([]int64, len(keys))
	for i, k := range keys {
		row, ok := known.Find(k)
		if !ok {
			return influence.Rows{}, fmt.Errorf("--rows: no train row has the key %q", k)
		}
		rows[i] = row
	}
	slices.Sort(rows)
	if len(slices.Compact(slices.Clone(rows))) != len(rows) {
		return influence.Rows{}, fmt.Errorf("--rows names a train row twice")
	}
	return influence.RowList(rows), nil
}

// matched says how columns and model features were matched.
func (s *session) matched() string {
	if s.forest.Generated {
		return "position"
	}
	return "name"
}

// columnNames returns the names of a table's columns.
func columnNames(t *dataset.Table) []string {
	var names []string
	for _, c := range t.Columns() {
		names = append(names, c.Name)
	}
	return names
}

func (s *session) workers() int { return parallel.Workers(s.common.Workers) }

// close frees the model.
func (s *session) close() error {
	if s.model == nil {
		return nil
	}
	return s.model.Close()
}
