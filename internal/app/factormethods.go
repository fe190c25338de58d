package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/ekfac"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// factored is a method that inverts a curvature of infl fit.
func factored(s ekfac.Strategy) *vectorMethod {
	m := &vectorMethod{
		directed: true, flags: []string{"--normalize", "--remove", "--per"}, normalize: []string{"l-relatif", "theta-relatif"},
		scorer: func(a vectorArguments) (influence.Scorer, error) {
			swept, err := sweepOf(a.Damping)
			if err != nil {
				return nil, err
			}
			if swept != nil {
				return a.sweep(s, swept)
			}
			curvature, err := a.curvature()
			if err != nil {
				return nil, err
			}
			var f *ekfac.Factors
			if s != ekfac.Identity {
				f = a.factors[0]
			}
			return ekfac.Scores(f, a.checkpoints[0], a.modules, ekfac.ScoreOptions{CurvatureOptions: curvature, Strategy: s, Form: ekfac.Form(a.form), Directed: a.directed})
		},
	}
	if s != ekfac.Identity {
		m.flags, m.compat = append(m.flags, "--factors", "--damping", "--rank", "--rescore"), true
		m.levels = wholeLevels
	}
	return m
}

// sweep scores with several dampings.
func (a vectorArguments) sweep(s ekfac.Strategy, values []float64) (influence.Scorer, error) {
	a.Damping = "" // Of this copy of the arguments.
	curvature, err := a.curvature()
	if err != nil {
		return nil, err
	}
	var dampings []influence.Damping
	for _, v := range values {
		dampings = append(dampings, influence.Damping{Value: v})
	}
	return ekfac.Sweep(a.factors[0], a.checkpoints[0], a.modules, dampings, ekfac.ScoreOptions{CurvatureOptions: curvature, Strategy: s, Form: ekfac.Form(a.form)})
}

// source unrolls training over checkpoints.
var source = &vectorMethod{
	flags: []string{"--checkpoint", "--factors"}, rated: true, compat: true, levels: wholeLevels,
	scorer: func(a vectorArguments) (influence.Scorer, error) {
		var segments []ekfac.Segment
		before := int64(0)
		for i, c := range a.checkpoints {
			step, err := a.sides[i].step()
			if err != nil {
				return nil, err
			}
			if step <= before {
				return nil, fmt.Errorf("--checkpoint %s: is at step %d, after one at step %d; name them in order of training, each at a step above 0", a.sides[i].dir, step, before)
			}
			segments = append(segments, ekfac.Segment{Factors: a.factors[i], Train: c.Train, Rate: c.Rate, Steps: step - before})
			before = step
		}
		last := a.checkpoints[len(a.checkpoints)-1]
		return ekfac.Source(segments, last.Query, a.modules, ekfac.SourceOptions{ProductOptions: a.product, Form: ekfac.Form(a.form)})
	},
}

// step is the step of training at which a checkpoint was captured.
func (s *checkpointSides) step() (int64, error) {
	if s.train.capture == nil {
		return 0, fmt.Errorf("--checkpoint %s: the steps of training between checkpoints are known of captures only", s.dir)
	}
	return s.train.capture.Manifest().Checkpoint.Step, nil
}

// validateFactors wants a folder for each checkpoint.
func (m *vectorMethod) validateFactors(o *ModelOptions) error {
	switch {
	case len(o.Factors) == 0:
		return needed("", "--factors", "the folder that infl fit wrote")
	case len(o.Factors) != max(1, len(o.Checkpoints)):
		return fmt.Errorf("--factors names %d folders for %d checkpoints; each needs its own, in the same order", len(o.Factors), max(1, len(o.Checkpoints)))
	case slices.Contains(m.flags, "--checkpoint") && len(o.Checkpoints) == 0:
		return needed("", "--checkpoint", "a folder with train and query captures, for each segment of training")
	}
	return nil
}

// openFactors opens --factors, which must be of the models of the sides.
func (v *vectorInquiry) openFactors() error {
	for i, dir := range v.options.Factors {
		f, err := ekfac.Open(dir)
		if err != nil {
			return err
		}
		v.factors = append(v.factors, f)
		if tool := f.Tool(); tool != "" {
			v.warn("%s: %s does not note of which weights factors are; they must be those of %s", dir, tool, v.checkpoints[i].train.path)
		}
		for _, side := range []*vectorSide{v.checkpoints[i].train, v.checkpoints[i].query} {
			if side == nil || side.capture == nil {
				continue
			}
			if err := f.Matches(side.capture); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepFitted leaves the blocks without factors out of checkpoints and returns the names of
// the others.
func (v *vectorInquiry) keepFitted(checkpoints []influence.Checkpoint, names []string) ([]string, error) {
	if len(v.factors) == 0 {
		return names, nil
	}
	fitted := map[string]int{} // in how many of the factors
	for _, f := range v.factors {
		for _, m := range f.Modules() {
			fitted[m.Name]++
		}
	}
	var which []int
	var kept, left []string
	for l, name := range names {
		if fitted[name] == len(v.factors) {
			which, kept = append(which, l), append(kept, name)
		} else {
			left = append(left, name)
		}
	}
	if len(which) == 0 {
		return nil, fmt.Errorf("%s: has factors of none of the modules of %s", v.options.Factors[0], v.train().path)
	}
	if len(left) == 0 {
		return kept, nil
	}
	v.warn("%s: without factors, and left out: %s", v.train().path, joinNames(left))
	for i := range checkpoints {
		c := &checkpoints[i]
		c.Train, c.Query, c.Scored = picked(c.Train, which), picked(c.Query, which), picked(c.Scored, which)
	}
	return kept, nil
}

// factorName names the i-th of n folders of factors among the inputs of a run.
func factorName(i, n int) string {
	if n == 1 {
		return "factors"
	}
	return fmt.Sprintf("factors %d", i)
}

// factorPrint is the fingerprint of the files of factors.
func factorPrint(ctx context.Context, dir string) (dataset.Fingerprint, error) {
	var out dataset.Fingerprint
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return errors.Join(err, ctx.Err())
		}
		print, err := dataset.FingerprintFile(ctx, path)
		out.Files = append(out.Files, print)
		return err
	})
	return out, err
}
