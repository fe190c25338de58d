package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// validateDirections lists what is wrong with --export-direction.
func (o *ScoreOptions) validateDirections() error {
	if o.ExportDirection == "" {
		return nil
	}
	var errs []error
	if m, err := findMethod(o.Method); err == nil && (m.vectors == nil || !m.vectors.directed) {
		errs = append(errs, idleFlags(o.Method, []string{"--export-direction"}))
	}
	if o.Self {
		errs = append(errs, errors.New("--export-direction: directions are those of queries; leave --self out"))
	}
	if sweeps(o.Damping) {
		errs = append(errs, errors.New("--export-direction: each damping has directions of its own; name one damping"))
	}
	if o.Projection != "" {
		errs = append(errs, errors.New("--export-direction: projected gradients have no direction among the weights; leave --projection out"))
	}
	return errors.Join(errs...)
}

// exportDirections writes the direction of each query into a folder, if that is asked
// for.
func (o *ScoreOptions) exportDirections(ctx context.Context, s inquiry) error {
	v, ok := s.(*vectorInquiry)
	if !ok || o.ExportDirection == "" || o.DryRun {
		return nil
	}
	queries := v.query().capture
	if queries == nil {
		return fmt.Errorf("%s: --export-direction needs a capture folder, which says how the modules hold their weights", v.query().path)
	}
	of := variant{directed: true} // Directions are not cut.
	if v.method.vectors.ranked {
		of.rank = v.options.Rank
	}
	scorer, err := v.makeScorer(ctx, of)
	if err != nil {
		return err
	}
	w, err := capture.CreateDirections(o.ExportDirection, queries.Manifest(), capture.DirectionOptions{
		Modules: v.modules, Dtype: dataset.Dtype(o.Dtype), Method: v.describe(scorer), Replace: o.Fresh,
	})
	if err != nil {
		return err
	}
	if err := v.eachDirection(ctx, scorer, w.Write); err != nil {
		return v.explain(err)
	}
	if err := w.Close(); err != nil || o.Out != "" {
		return err
	}
	t := &Table{Fields: []string{"directions", "queries", "modules", "method"}}
	t.Add(o.ExportDirection, queries.Len(), len(v.modules), o.Method)
	return o.Output.Print(o.Streams, t)
}

// eachDirection calls use for the direction of each query of a capture, in order. As
// many are held at a time as a quarter of the memory takes.
func (v *vectorInquiry) eachDirection(ctx context.Context, s influence.Scorer, use func(row int64, key string, parts [][]float64) error) error {
	budget, err := v.common.memory()
	if err != nil {
		return err
	}
	numbers := int64(1)
	for _, name := range v.modules {
		m, _ := v.query().capture.Manifest().Module(name)
		numbers += m.Out * m.Columns()
	}
	keys, n, atOnce := v.query().capture.Keys(), v.query().rows(), max(1, budget/4/(8*numbers))
	for lo := int64(0); lo < n; lo += atOnce {
		area := influence.Range{Lo: lo, Hi: min(lo+atOnce, n)}
		blocks, err := influence.Directions(ctx, s, area)
		if err != nil {
			return err
		}
		for row := area.Lo; row < area.Hi; row++ {
			if err := errors.Join(ctx.Err(), use(row, keys.String(row), rowOfEach(blocks, int(row-lo)))); err != nil {
				return err
			}
		}
	}
	return nil
}

// rowOfEach returns a row of each matrix.
func rowOfEach(blocks []kernel.Matrix[float64], row int) (parts [][]float64) {
	for _, m := range blocks {
		parts = append(parts, m.Row(row))
	}
	return parts
}
