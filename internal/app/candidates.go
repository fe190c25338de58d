package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/draw"
)

// A candidateFinder finds the train positions of work that each query is scored with.
type candidateFinder struct {
	options   *ScoreOptions
	prefilter prefilter
	work      *work
}

func (c *candidateFinder) find(ctx context.Context) (sink.Candidates, error) {
	switch c.prefilter.kind {
	case "random":
		return c.random(), nil
	case "idf-overlap":
		return c.overlapping(ctx)
	case "nearest":
		return c.nearest(ctx)
	}
	print, err := dataset.FingerprintFile(ctx, c.prefilter.file)
	if err != nil {
		return nil, err
	}
	c.work.inputs["candidates"] = dataset.Fingerprint{Files: []dataset.FileFingerprint{print}}
	name := strings.ToLower(c.prefilter.file)
	switch filepath.Ext(strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")) {
	case ".parquet", ".csv", ".tsv", ".jsonl", ".arrow":
		return c.listed(ctx)
	}
	return c.same()
}

// random draws rows for each query.
func (c *candidateFinder) random() sink.Candidates {
	out := make(sink.Candidates, c.work.job.Query.Len())
	for q := range out {
		row := c.work.job.Query.At(int64(q))
		out[q] = draw.Subset(rand.NewPCG(c.options.Seed, uint64(row)), c.work.job.Train.Len(), c.prefilter.keep)
	}
	return out
}

// overlapping takes the rows with the largest overlap of rare words, if there is any.
func (c *candidateFinder) overlapping(ctx context.Context) (sink.Candidates, error) {
	o := c.options
	var tables [2]*textTable
	var err error
	for i, side := range c.sides() {
		if tables[i], err = openTexts(&o.Common, side.path, o.Text); err != nil {
			return nil, err
		}
		if err := c.note(ctx, side, tables[i].Fingerprint); err != nil {
			return nil, err
		}
	}
	x, err := indexTexts(ctx, &o.Common, tables[0], tables[1], o.tokenizer(), nil)
	if err != nil {
		return nil, err
	}
	if err := c.sameRows(x.Documents(), tables[1].keys.Len()); err != nil {
		return nil, err
	}
	return c.best(ctx, influence.IDFOverlap(x, o.Workers))
}

// nearest takes the rows with the largest cosines above 0.
func (c *candidateFinder) nearest(ctx context.Context) (_ sink.Candidates, err error) {
	o := c.options
	var vectors [2]influence.Vectors
	for i, side := range c.sides() {
		opened, openErr := openVectorSide(&o.Common, side.path, o.Dtype)
		if openErr != nil {
			return nil, openErr
		}
		defer func() { err = errors.Join(err, opened.close()) }()
		if err := c.note(ctx, side, opened.fingerprint); err != nil {
			return nil, err
		}
		if vectors[i], err = influence.Concat(opened.blocks...); err != nil {
			return nil, err
		}
	}
	if err := c.sameRows(vectors[0].Rows(), vectors[1].Rows()); err != nil {
		return nil, err
	}
	budget, err := o.memory()
	if err != nil {
		return nil, err
	}
	s, err := influence.Cosine(vectors[0], vectors[1], influence.ProductOptions{Workers: o.Workers, MemoryBytes: budget / 2})
	if err != nil {
		return nil, err
	}
	return c.best(ctx, s)
}

// A comparedSide is a file whose rows a filter compares.
type comparedSide struct {
	path  string
	input string // its name among the inputs; "" where it is one already
}

// sides returns the files of the train rows and of the queries.
func (c *candidateFinder) sides() [2]comparedSide {
	if o := c.options; o.PrefilterTrain != "" {
		return [2]comparedSide{{o.PrefilterTrain, "prefilter-train"}, {o.PrefilterQuery, "prefilter-query"}}
	}
	return [2]comparedSide{{path: c.options.Train}, {path: c.options.Query}}
}

// note adds the content of a side to the inputs of the run.
func (c *candidateFinder) note(ctx context.Context, side comparedSide, fingerprint func(context.Context) (dataset.Fingerprint, error)) error {
	if side.input == "" {
		return nil
	}
	print, err := fingerprint(ctx)
	c.work.inputs[side.input] = print
	return err
}

// sameRows returns an error where a filter compares other rows than the job has.
func (c *candidateFinder) sameRows(n, q int64) error {
	sides := c.sides()
	if want := c.work.out.TrainKeys.Len(); n != want {
		return fmt.Errorf("%s: has %d rows to filter by, --train has %d", sides[0].path, n, want)
	}
	if want := c.work.out.QueryKeys.Len(); q != want {
		return fmt.Errorf("%s: has %d rows to filter by, --query has %d", sides[1].path, q, want)
	}
	return nil
}

// signed has the lists of a scorer keep scores > 0 at one end, and nothing of 0.
type signed struct{ influence.Scorer }

func (s signed) Describe() influence.Description {
	d := s.Scorer.Describe()
	d.Signed = true
	return d
}

// best returns the positions of the rows with the largest scores above 0.
func (c *candidateFinder) best(ctx context.Context, s influence.Scorer) (sink.Candidates, error) {
	j := influence.Job{Train: c.work.job.Train, Query: influence.RowRange(0, c.work.job.Query.Len())}
	positions := c.positions()
	out := make(sink.Candidates, j.Query.Len())
	err := c.options.eachTop(ctx, sink.Top, signed{s}, j, c.prefilter.keep, func(e sink.Entry) {
		if e.Side == sink.Helpful {
			position, _ := positions(e.TrainRow)
			out[e.QueryRow] = append(out[e.QueryRow], position)
		}
	})
	for q := range out {
		slices.Sort(out[q])
	}
	return out, err
}

// positions returns what finds the position of a train row in the job.
func (c *candidateFinder) positions() func(row int64) (position int64, ok bool) {
	rows := c.work.job.Train
	if r, contiguous := rows.Contiguous(); contiguous {
		return func(row int64) (int64, bool) { return row - r.Lo, row >= r.Lo && row < r.Hi }
	}
	known := make(map[int64]int64, rows.Len())
	for i := range rows.Len() {
		known[rows.At(i)] = i
	}
	return func(row int64) (int64, bool) {
		position, ok := known[row]
		return position, ok
	}
}
