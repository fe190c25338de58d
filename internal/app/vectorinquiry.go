package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/infl-dev/infl/ekfac"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// A vectorInquiry multiplies files of vectors.
type vectorInquiry struct {
	talking
	options     *ModelOptions
	method      method
	exports     bool               // directions of queries
	checkpoints []*checkpointSides // one without --checkpoint
	made        influence.Scorer   // nil until it is asked for
	factors     []*ekfac.Factors   // of --factors
	modules     []string           // whose gradients are scored; nil until they are known, and without names
	sets        *removedSets       // nil without --remove, and until they are read
	tokens      *tokens            // nil without --per token, and until they are found
}

// openVectors opens the files of both sides.
func openVectors(c *Common, o *ScoreOptions, m method) (_ inquiry, err error) {
	v := &vectorInquiry{talking: talking{common: c}, options: &o.ModelOptions, method: m, exports: o.ExportDirection != ""}
	defer func() {
		if err != nil {
			err = errors.Join(err, v.close())
		}
	}()
	if err := v.openBLAS(); err != nil {
		return nil, err
	}
	if v.checkpoints, err = openCheckpoints(c, &o.ModelOptions, m.vectors, o.Self); err != nil {
		return nil, err
	}
	if err := v.checkLevels(); err != nil {
		return nil, err
	}
	if err := v.openFactors(); err != nil {
		return nil, err
	}
	for _, name := range v.sideNames() {
		for _, b := range v.sides()[name].files {
			for _, note := range b.Notes() {
				v.warn("%s", note)
			}
		}
	}
	return v, nil
}

// train and query are the sides that name the rows.
func (v *vectorInquiry) train() *vectorSide { return v.checkpoints[0].train }
func (v *vectorInquiry) query() *vectorSide { return v.checkpoints[0].query }

// sides returns the open sides by the names of their fingerprints.
func (v *vectorInquiry) sides() map[string]*vectorSide {
	out := map[string]*vectorSide{}
	for _, c := range v.checkpoints {
		maps.Copy(out, c.sides())
	}
	return out
}

func (v *vectorInquiry) sideNames() []string { return slices.Sorted(maps.Keys(v.sides())) }

func (v *vectorInquiry) sizes() map[string]int64 {
	out := map[string]int64{}
	for name, side := range v.sides() {
		out[name] = side.fileBytes()
	}
	return out
}

func (v *vectorInquiry) fingerprints(ctx context.Context) (map[string]dataset.Fingerprint, error) {
	out := map[string]dataset.Fingerprint{}
	for name, side := range v.sides() {
		print, err := side.fingerprint(ctx)
		if err != nil {
			return nil, err
		}
		out[name] = print
	}
	for i, dir := range v.options.Factors {
		print, err := factorPrint(ctx, dir)
		if err != nil {
			return nil, err
		}
		out[factorName(i, len(v.options.Factors))] = print
	}
	single := map[string]string{}
	for _, c := range v.checkpoints {
		if c.optimizer != "" {
			single[c.name+"/optimizer"] = c.optimizer
		}
	}
	if file, ok := strings.CutPrefix(v.options.Remove, "@"); ok {
		single["remove"] = file
	}
	for name, path := range single {
		print, err := dataset.FingerprintFile(ctx, path)
		if err != nil {
			return nil, err
		}
		out[name] = dataset.Fingerprint{Files: []dataset.FileFingerprint{print}}
	}
	return out, nil
}

func (v *vectorInquiry) phases() int { return 3 }

// scorer returns the method's scorer, which may read files when it is made.
func (v *vectorInquiry) scorer(ctx context.Context) (influence.Scorer, error) {
	if v.made != nil {
		return v.made, nil
	}
	s, err := v.makeScorer(ctx, v.written())
	v.made = s
	return s, err
}

// A variant is how a scorer differs from others of the same flags. The zero value cuts and
// changes nothing.
type variant struct {
	rank         int     // that the method cuts something to; 0 for none
	dampingTimes float64 // what --damping is multiplied with; 0 for 1
	directed     bool    // it knows the directions of queries
}

// written is the variant of the scores that are written, which --rescore does not cut.
func (v *vectorInquiry) written() variant {
	if v.options.Rescore > 0 {
		return variant{}
	}
	return variant{rank: v.options.Rank}
}

// makeScorer makes a scorer of the method.
func (v *vectorInquiry) makeScorer(ctx context.Context, of variant) (influence.Scorer, error) {
	budget, err := v.common.memory()
	if err != nil {
		return nil, err
	}
	sets, err := v.readSets(ctx)
	if err != nil {
		return nil, err
	}
	projection, err := v.projection()
	if err != nil {
		return nil, err
	}
	gradients, err := gradientsOf(v.checkpoints, projection, v.common.Workers)
	if err != nil {
		return nil, err
	}
	if err := v.finer(gradients); err != nil {
		return nil, err
	}
	if v.modules, err = v.keepFitted(gradients, v.moduleNames()); err != nil {
		return nil, err
	}
	a := vectorArguments{
		variant: of, modules: v.modules, factors: v.factors,
		GradientOptions: v.options.GradientOptions, sides: v.checkpoints, checkpoints: gradients,
		form: v.options.Form, seed: v.common.Seed,
		product: influence.ProductOptions{Workers: v.common.Workers, MemoryBytes: budget / 2},
	}
	if sets != nil {
		a.remove = sets.rows
	}
	s, err := v.method.vectors.scorer(a)
	if err != nil || v.options.Per != perModule {
		return s, err
	}
	return influence.ByLayer(s)
}

// projection reads --projection; the size is 0 without.
func (v *vectorInquiry) projection() (influence.Projection, error) {
	if v.options.Projection == "" {
		return influence.Projection{}, nil
	}
	return influence.ParseProjection(v.options.Projection, v.common.Seed)
}

// describe says what the scores are.
func (v *vectorInquiry) describe(s influence.Scorer) influence.Description {
	d := s.Describe()
	if p, err := v.projection(); err == nil && p.Size > 0 {
		d.Approximate = append(slices.Clone(d.Approximate), fmt.Sprintf("gradients are projected at random, to %d numbers a block by %s", p.Size, p.Kind))
	}
	for _, name := range v.sideNames() {
		for _, note := range v.sides()[name].approximations() {
			if !slices.Contains(d.Approximate, note) {
				d.Approximate = append(slices.Clone(d.Approximate), note)
			}
		}
	}
	return d
}

// plan estimates a score from the files' headers.
func (v *vectorInquiry) plan(ctx context.Context, o *ScoreOptions) (influence.Plan, error) {
	s, err := v.scorer(ctx)
	if err == nil && o.Rescore > 0 {
		s, err = v.makeScorer(ctx, variant{rank: o.Rank})
	}
	if err != nil {
		return influence.Plan{}, err
	}
	rows := v.train().rows()
	switch {
	case v.sets != nil:
		rows = int64(len(v.sets.rows))
	case v.tokens != nil:
		rows = v.tokens.starts[rows]
	}
	if o.Rows != "" {
		keys, err := keyList("--rows", o.Rows)
		if err != nil {
			return influence.Plan{}, err
		}
		rows = min(rows, int64(len(keys)))
	}
	var queries *dataset.Keys
	if v.query() != nil {
		queries = dataset.RowKeys(v.query().rows())
	}
	j, out, err := o.keep(influence.RowRange(0, rows), dataset.RowKeys(v.train().rows()), queries)
	if err != nil {
		return influence.Plan{}, err
	}
	if o.sumsOnly() && o.By == "" {
		pool(&j, &out, s)
	}
	p, err := s.Plan(ctx, j)
	if err != nil {
		return p, err
	}
	l, err := s.Layout(j)
	if err != nil {
		return p, err
	}
	kept := extent{l.Train, l.Query, l.Precision}
	p.OutputBytes = kept.outputBytes(o)
	p.MemoryBytes += kept.sinkBytes(o) + 32<<20
	return p, nil
}

// ready hashes the files and reads the names of their rows.
func (v *vectorInquiry) ready(ctx context.Context, o *ScoreOptions, at stage) (w work, err error) {
	if _, err := v.common.limitHeap(); err != nil { // Mapped files are not in the heap.
		return w, err
	}
	at.progress.Phase("read inputs", "", 0)
	if w.inputs, err = v.fingerprints(ctx); err != nil {
		return w, err
	}
	if err := v.train().readNames(ctx, v.options.Key, v.options.Group); err != nil {
		return w, err
	}
	var queries *dataset.Keys
	if v.query() != nil {
		if v.query().rows() == 0 {
			return w, fmt.Errorf("%s has no rows: there is nothing to explain", v.query().path)
		}
		if err := v.query().readNames(ctx, v.options.Key, o.By); err != nil {
			return w, err
		}
		queries = v.query().keys
	}
	at.measured.lap("prepare")
	if w.scorer, err = v.scorer(ctx); err != nil {
		return w, err
	}
	if err := proveStationary(ctx, at.run, w.scorer); err != nil {
		return w, v.explain(err)
	}
	if o.Rescore > 0 {
		if w.coarse, err = v.makeScorer(ctx, variant{rank: o.Rank}); err != nil {
			return w, err
		}
	}
	train, err := rowsOf(o.Rows, v.train().keys)
	if err != nil {
		return w, err
	}
	if w.job, w.out, err = o.keep(train, v.train().keys, queries); err != nil {
		return w, err
	}
	if w.out.Dampings, err = sweepOf(v.options.Damping); err != nil {
		return w, err
	}
	switch {
	case v.options.Per == perModule:
		w.out.Modules = v.modules
	case v.tokens != nil:
		w.out.Tokens = v.tokens.starts
		w.job.Train = v.tokens.tokenRows(train)
		w.out.TrainRows = w.job.Train
	}
	if v.sets != nil {
		w.job.Train = influence.RowRange(0, int64(len(v.sets.rows)))
		w.out.TrainRows, w.out.TrainKeys = w.job.Train, v.sets.names
	}
	w.out.Description = v.describe(w.scorer)
	if g := v.train().groups; g != nil && v.sets == nil && (o.Self || w.out.Aggregate) {
		w.out.TrainGroups = g
	}
	if o.By != "" {
		w.out.QueryGroups = groupsOf(v.query().groups)
	}
	if o.sumsOnly() {
		pool(&w.job, &w.out, w.scorer)
	}
	w.explain = v.explain
	return w, nil
}

// explain adds the file and the key to an error about a vector.
func (v *vectorInquiry) explain(err error) error {
	var e *influence.NonFiniteError
	if !errors.As(err, &e) {
		return err
	}
	side := v.train()
	switch {
	case e.Side == "query":
		side = v.query()
	case v.tokens != nil:
		return fmt.Errorf("%s: %w; rows are tokens here", side.path, err)
	case v.sets != nil:
		return fmt.Errorf("%s: %w", side.path, err)
	}
	if len(v.checkpoints) > 1 {
		return fmt.Errorf("%w (key %s)", err, side.keys.String(e.Row))
	}
	return fmt.Errorf("%s: %w (key %s)", side.path, err, side.keys.String(e.Row))
}

func (v *vectorInquiry) close() error {
	var errs []error
	for _, f := range v.factors {
		errs = append(errs, f.Close())
	}
	for _, c := range v.checkpoints {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}
