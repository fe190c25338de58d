package app

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/infl-dev/infl/influence"
)

// curvatureMethod is a method that multiplies with an inverse curvature.
func curvatureMethod(scorer func(influence.Checkpoint, influence.CurvatureOptions) (influence.Scorer, error), flags ...string) *vectorMethod {
	return &vectorMethod{
		directed: true, flags: append(flags, "--damping", "--normalize", "--projection", "--remove", "--per"), normalize: []string{"l-relatif", "theta-relatif"},
		scorer: func(a vectorArguments) (influence.Scorer, error) {
			o, err := a.curvature()
			if err != nil {
				return nil, err
			}
			return scorer(a.checkpoints[0], o)
		},
	}
}

// nystroem cannot do without a rank.
var nystroem = func() *vectorMethod {
	m := curvatureMethod(influence.Nystroem, "--labels")
	m.flags, m.ranked = append(m.flags, "--rank"), true
	return m
}()

// curvature are the options of methods that multiply with an inverse curvature.
func (a vectorArguments) curvature() (o influence.CurvatureOptions, err error) {
	o = influence.CurvatureOptions{ProductOptions: a.product, Rank: a.rank, Seed: a.seed, Remove: a.remove}
	switch a.Normalize {
	case "l-relatif":
		o.Normalize = influence.LRelatIF
	case "theta-relatif":
		o.Normalize = influence.ThetaRelatIF
	}
	if o.Hessian, err = a.hessian(); err != nil {
		return o, err
	}
	o.Damping, err = parseDamping(a.Damping, influence.Damping{Heuristic: true})
	o.Damping.Times = a.dampingTimes
	return o, err
}

// parseDamping reads --damping.
func parseDamping(text string, otherwise influence.Damping) (influence.Damping, error) {
	switch text {
	case "":
		return otherwise, nil
	case "heuristic":
		return influence.Damping{Heuristic: true}, nil
	}
	number, tikhonov := strings.CutPrefix(text, "tikhonov:")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v >= 0) || v-v != 0 {
		return influence.Damping{}, fmt.Errorf("--damping %q is not known; use heuristic, a number that is not negative, or tikhonov:NUMBER", text)
	}
	return influence.Damping{Value: v, Tikhonov: tikhonov}, nil
}

// sweepPrefix begins a --damping of several dampings.
const sweepPrefix = "sweep:"

// sweeps reports whether --damping names several.
func sweeps(damping string) bool { return strings.HasPrefix(damping, sweepPrefix) }

// sweepOf reads --damping sweep:A,B,…; nil for another damping.
func sweepOf(text string) ([]float64, error) {
	list, ok := strings.CutPrefix(text, sweepPrefix)
	if !ok {
		return nil, nil
	}
	var out []float64
	for _, part := range strings.Split(list, ",") {
		d, err := parseDamping(part, influence.Damping{})
		if err != nil || part == "" || d.Heuristic || d.Tikhonov || slices.Contains(out, d.Value) {
			return nil, fmt.Errorf("--damping %q: %q is no number that is not negative, or stands there twice; name them as in sweep:0.001,0.01,0.1", text, part)
		}
		out = append(out, d.Value)
	}
	return out, nil
}

var trak = &vectorMethod{
	flags: []string{"--checkpoint", "--damping"}, compat: true,
	scorer: func(a vectorArguments) (influence.Scorer, error) {
		damping, err := parseDamping(a.Damping, influence.Damping{})
		if err != nil {
			return nil, err
		}
		var models []influence.TrakModel
		for i, c := range a.checkpoints {
			f, err := joinSides(c)
			if err != nil {
				return nil, err
			}
			out, err := a.sides[i].beside("out_to_loss")
			if err != nil {
				return nil, err
			}
			models = append(models, influence.TrakModel{Train: f.train, Query: f.query, OutToLoss: out.blocks[0]})
		}
		return influence.Trak(models, damping, a.form == "compat", a.product)
	},
}

var less = &vectorMethod{
	flags: []string{"--checkpoint"}, rated: true,
	scorer: func(a vectorArguments) (influence.Scorer, error) {
		var out []influence.LessCheckpoint
		for i, c := range a.checkpoints {
			adam, err := a.sides[i].adam()
			if err != nil {
				return nil, err
			}
			out = append(out, influence.LessCheckpoint{Checkpoint: c, Adam: adam})
		}
		return influence.Less(out, a.product)
	},
}

// joinSides returns the gradients of all layers of a checkpoint, for each side.
func joinSides(c influence.Checkpoint) (out struct{ train, query influence.Vectors }, err error) {
	if out.train, err = influence.Concat(c.Train...); err != nil || c.Query == nil {
		return out, err
	}
	out.query, err = influence.Concat(c.Query...)
	return out, err
}

// beside opens a further file of vectors in the folder of the checkpoint.
func (s *checkpointSides) beside(name string) (*vectorSide, error) {
	if side := s.more[name]; side != nil {
		return side, nil
	}
	if s.dir == "" {
		return nil, fmt.Errorf("--checkpoint is needed: a folder with the sides train and query, and with %s", name)
	}
	path, err := sidePath(s.dir, name)
	if err != nil {
		return nil, err
	}
	side, err := openVectorSide(s.common, path, s.dtype)
	if err != nil {
		return nil, err
	}
	if s.more == nil {
		s.more = map[string]*vectorSide{}
	}
	s.more[name] = side
	return side, nil
}
