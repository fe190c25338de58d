package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// same reads a file with a train key on each line: the candidates of every query.
func (c *candidateFinder) same() (sink.Candidates, error) {
	keys, err := keyList("--prefilter", "@"+c.prefilter.file)
	if err != nil {
		return nil, err
	}
	positions := c.positions()
	var list []int64
	for _, key := range keys {
		position, err := c.position(positions, key)
		if err != nil {
			return nil, err
		}
		list = append(list, position)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	out := make(sink.Candidates, c.work.job.Query.Len())
	for q := range out {
		out[q] = slices.Clone(list)
	}
	return out, nil
}

// A finder finds rows by their keys.
type finder interface {
	Find(key string) (row int64, ok bool)
}

// position returns the position of the train row with a key.
func (c *candidateFinder) position(positions func(row int64) (int64, bool), key string) (int64, error) {
	row, ok := c.work.out.TrainKeys.(finder).Find(key)
	if !ok {
		return 0, fmt.Errorf("--prefilter %s: no train row has the key %q", c.prefilter.file, key)
	}
	position, ok := positions(row)
	if !ok {
		return 0, fmt.Errorf("--prefilter %s: the train row with the key %q is not among --rows", c.prefilter.file, key)
	}
	return position, nil
}

// listed reads a table with the columns query_key and train_key, such as scores.parquet
// of another run: the candidates of each query.
func (c *candidateFinder) listed(ctx context.Context) (sink.Candidates, error) {
	table, err := dataset.Open(c.prefilter.file, dataset.Options{Workers: c.options.Workers})
	if err != nil {
		return nil, err
	}
	b, err := table.Bind(dataset.Binding{Extra: []string{"query_key", "train_key"}})
	if err != nil {
		return nil, err
	}
	positions := c.positions()
	out := make(sink.Candidates, c.work.job.Query.Len())
	for f, err := range b.Frames(ctx) {
		if err != nil {
			return nil, err
		}
		for i, key := range f.Text[0] {
			q, ok := c.work.out.QueryKeys.(finder).Find(key)
			if !ok {
				return nil, fmt.Errorf("%s: row %d: no query row has the key %q", c.prefilter.file, f.First+int64(i), key)
			}
			position, err := c.position(positions, f.Text[1][i])
			if err != nil {
				return nil, err
			}
			out[q] = append(out[q], position)
		}
	}
	for q := range out {
		slices.Sort(out[q])
		out[q] = slices.Compact(out[q])
	}
	return out, nil
}
