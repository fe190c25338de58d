package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/evaluate"
)

// noiseColumns are the columns of rows.parquet that can tell suspicious rows, the
// preferred first. Large self-influence is suspicious, and so are small sums of scores
// whose sign parts helpful from harmful rows; of other scores large ones are.
var noiseColumns = []string{"self", "sum", "mean"}

// noiseProtocol asks whether the scores find rows that are known to be wrong.
var noiseProtocol = &protocol{
	name:    "noise",
	metrics: []string{"auc", "average_precision", "noisy_share"},
	flags:   []string{"--noisy", "--column"},
	validate: func(o *EvalOptions) error {
		if o.Noisy == "" {
			return errors.New("--noisy is needed: @FILE with the keys of the train rows that are wrong")
		}
		return nil
	},
	evaluate: func(ctx context.Context, e *evaluation) (*findings, error) {
		column, err := e.noiseColumn()
		if err != nil {
			return nil, err
		}
		keys, values, err := e.scores.trainValues(ctx, column)
		if err != nil {
			return nil, err
		}
		wrong, err := e.noisy(keys)
		if err != nil {
			return nil, err
		}
		if column != "self" && e.scores.record.Signed {
			for i := range values {
				values[i] = -values[i]
			}
		}
		return e.noise(column, values, wrong)
	},
}

// noise compares suspicions with what is known.
func (e *evaluation) noise(column string, suspicion []float64, wrong []bool) (*findings, error) {
	auc, err := evaluate.AUC(suspicion, wrong)
	if err != nil {
		return nil, err
	}
	precision, err := evaluate.AveragePrecision(suspicion, wrong)
	if err != nil {
		return nil, err
	}
	looks, err := evaluate.Inspect(suspicion, wrong, e.options.Inspect)
	if err != nil {
		return nil, err
	}
	f := &findings{series: &Table{Fields: []string{"inspected_share", "inspected_rows", "found_rows", "found_share"}}}
	for _, l := range looks {
		f.series.Add(l.Share, l.Rows, l.Found, float64(l.Found)/float64(l.Of))
	}
	noisy := looks[0].Of
	f.metrics = e.metrics(map[string]metric{
		"auc": metric(auc), "average_precision": metric(precision), "noisy_share": metric(float64(noisy) / float64(len(wrong))),
	}, map[string]any{"column": column, "noisy_rows": noisy, "train_rows": len(wrong)})
	return f, nil
}

// noiseColumn returns the column that ranks the rows: that of --column, or the first
// that the run has.
func (e *evaluation) noiseColumn() (string, error) {
	if !e.scores.has("rows.parquet") {
		return "", fmt.Errorf("%s: has no rows.parquet; run its infl score with --self or --aggregate", e.scores.dir)
	}
	table, err := dataset.Open(filepath.Join(e.scores.dir, "rows.parquet"), dataset.Options{Workers: e.options.Workers})
	if err != nil {
		return "", err
	}
	present := columnNames(table)
	if slices.Contains(present, "query_group") {
		return "", fmt.Errorf("%s: has scores by group of queries; run its infl score without --by", e.scores.dir)
	}
	known := slices.DeleteFunc(slices.Clone(noiseColumns), func(name string) bool { return !slices.Contains(present, name) })
	switch want := e.options.Column; {
	case len(known) == 0:
		return "", fmt.Errorf("%s: rows.parquet has none of %s; run its infl score with --self or --aggregate", e.scores.dir, joinNames(noiseColumns))
	case want == "":
		return known[0], nil
	case !slices.Contains(known, want):
		return "", fmt.Errorf("--column %s: %s has no such scores of train rows; %s", want, e.scores.dir, suggest(want, known))
	}
	return e.options.Column, nil
}

// noisy returns which of the rows with such keys are wrong.
func (e *evaluation) noisy(keys *dataset.Keys) ([]bool, error) {
	list, err := keyList("--noisy", e.options.Noisy)
	if err != nil {
		return nil, err
	}
	wrong := make([]bool, keys.Len())
	for _, key := range list {
		row, ok := keys.Find(key)
		if !ok {
			return nil, fmt.Errorf("--noisy: no train row of %s has the key %q", e.scores.dir, key)
		}
		wrong[row] = true
	}
	if !slices.Contains(wrong, false) {
		return nil, errors.New("--noisy names all train rows")
	}
	return wrong, nil
}

// trainValues reads a column of rows.parquet with the keys of the rows.
func (s *scoredRun) trainValues(ctx context.Context, column string) (*dataset.Keys, []float64, error) {
	table, err := dataset.Open(filepath.Join(s.dir, "rows.parquet"), dataset.Options{})
	if err != nil {
		return nil, nil, err
	}
	bound, err := table.Bind(dataset.Binding{Key: "train_key", Features: []dataset.Feature{{Name: column}}})
	if err != nil {
		return nil, nil, err
	}
	var values []float64
	for frame, err := range bound.Frames(ctx) {
		if err != nil {
			return nil, nil, err
		}
		values = append(values, frame.X[0][:frame.N]...)
	}
	if slices.ContainsFunc(values, math.IsNaN) {
		return nil, nil, fmt.Errorf("%s: the column %s of rows.parquet has values that are no numbers", s.dir, column)
	}
	return bound.Keys(), values, nil
}

// rowsOf returns the rows that --rows names by key; all where it is empty.
func (s *scoredRun) rowsOf(ctx context.Context, asked string) (influence.Rows, error) {
	if asked == "" {
		return influence.RowRange(0, int64(s.matrix.Cols())), nil
	}
	known, err := s.keys(ctx)
	if err != nil {
		return influence.Rows{}, err
	}
	return rowsOf(asked, known)
}

// keys are those of the rows that have scores.
func (s *scoredRun) keys(ctx context.Context) (*dataset.Keys, error) {
	if !s.has("rows.parquet") {
		return dataset.RowKeys(int64(s.matrix.Cols())), nil
	}
	known, _, err := s.trainValues(ctx, "train_row")
	return known, err
}
