package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/infl-dev/infl/ekfac"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// factored is a method that inverts a curvature of infl fit.
func factored(s ekfac.Strategy) *vectorMethod {
	m := &vectorMethod{
		flags: []string{"--normalize", "--remove", "--per"}, normalize: []string{"l-relatif", "theta-relatif"},
		scorer: func(a vectorArguments) (influence.Scorer, error) {
			curvature, err := a.curvature()
			if err != nil {
				return nil, err
			}
			return ekfac.Scores(a.factors, a.checkpoints[0], a.modules, ekfac.ScoreOptions{CurvatureOptions: curvature, Strategy: s, Form: ekfac.Form(a.form)})
		},
	}
	if s != ekfac.Identity {
		m.flags, m.compat = append(m.flags, "--factors", "--damping"), true
	}
	return m
}

// openFactors opens --factors, which must be of the model of the sides.
func (v *vectorInquiry) openFactors() (err error) {
	if v.options.Factors == "" {
		return nil
	}
	if v.factors, err = ekfac.Open(v.options.Factors); err != nil {
		return err
	}
	for _, side := range v.sides() {
		if side.capture == nil {
			continue
		}
		if err := v.factors.Matches(side.capture); err != nil {
			return err
		}
	}
	return nil
}

// keepFitted leaves the blocks without factors out of the checkpoint and returns the names
// of the others.
func (v *vectorInquiry) keepFitted(c *influence.Checkpoint, names []string) ([]string, error) {
	if v.factors == nil {
		return names, nil
	}
	fitted := map[string]bool{}
	for _, m := range v.factors.Modules() {
		fitted[m.Name] = true
	}
	var which []int
	var kept, left []string
	for l, name := range names {
		if fitted[name] {
			which, kept = append(which, l), append(kept, name)
		} else {
			left = append(left, name)
		}
	}
	if len(which) == 0 {
		return nil, fmt.Errorf("%s: has factors of none of the modules of %s", v.options.Factors, v.train().path)
	}
	if len(left) > 0 {
		v.warn("%s: without factors, and left out: %s", v.train().path, joinNames(left))
		c.Train, c.Query = picked(c.Train, which), picked(c.Query, which)
		if c.Scored != nil {
			c.Scored = picked(c.Scored, which)
		}
	}
	return kept, nil
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
