package app

import (
	"errors"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/ekfac"
	"github.com/infl-dev/infl/influence"
)

// A vectorMethod is a method on files of vectors.
type vectorMethod struct {
	flags     []string // of GradientOptions, those that it depends on
	rated     bool     // checkpoints need learning rates
	ranked    bool     // needs --rank
	compat    bool     // has the form of the reference implementation
	directed  bool     // multiplies train gradients with one direction of the weights for each query
	levels    []string // of captures, those that it does with; nil for all that hold vectors
	normalize []string // what --normalize may be beside none
	scorer    func(a vectorArguments) (influence.Scorer, error)
}

// vectorArguments are the open inputs and the flags of a method.
type vectorArguments struct {
	GradientOptions
	variant
	sides       []*checkpointSides
	checkpoints []influence.Checkpoint // the gradients of the sides
	product     influence.ProductOptions

	factors []*ekfac.Factors // of --factors
	modules []string         // names of the blocks of gradients; none for a single file

	remove []influence.Rows // sets of train rows; nil without --remove
	form   string
	seed   uint64
}

// cosine reports whether gradients are divided by their norms.
func (a vectorArguments) cosine() bool { return a.Normalize == "cosine" }

// bias reports whether the last layer has a bias. A capture knows.
func (a vectorArguments) bias() bool {
	if c := a.sides[0].train.capture; c != nil {
		modules := c.Manifest().Modules
		return modules[len(modules)-1].Bias && !a.NoBias
	}
	return !a.NoBias
}

// vectorMethods lists what exists, in the order of --list-methods.
var vectorMethods = []method{
	{name: "dot", needs: "train and query vectors", answers: "similarity: the inner product of the vectors", vectors: &vectorMethod{
		normalize: []string{"cosine"}, flags: []string{"--normalize", "--per"},
		scorer: func(a vectorArguments) (influence.Scorer, error) {
			c := a.checkpoints[0]
			switch {
			case a.cosine():
				return compare(a, influence.Cosine)
			case a.Per != "", a.sides[0].train.scaled() && (c.Query == nil || len(c.Query) == len(c.Train)):
				return influence.DotOfLayers(c, a.product)
			}
			return compare(a, influence.Dot)
		}}},
	{name: "cosine", needs: "train and query vectors", answers: "similarity: the cosine of the angle between the vectors", vectors: &vectorMethod{
		scorer: func(a vectorArguments) (influence.Scorer, error) { return compare(a, influence.Cosine) }}},
	{name: "tracin", needs: "checkpoints of gradients", answers: "how far steps on the row moved the query's loss: gradient products summed over checkpoints", vectors: &vectorMethod{
		flags: []string{"--checkpoint", "--normalize", "--projection", "--per"}, rated: true, normalize: []string{"cosine"},
		scorer: func(a vectorArguments) (influence.Scorer, error) {
			return influence.TracIn(a.checkpoints, a.cosine(), a.product)
		}}},
	{name: "tracin-last", needs: "checkpoints of last-layer features and output gradients", answers: "tracin of the last layer alone, without forming its gradients", vectors: &vectorMethod{
		flags: []string{"--checkpoint", "--normalize", "--no-bias"}, rated: true, normalize: []string{"cosine"}, levels: lastLevels,
		scorer: func(a vectorArguments) (influence.Scorer, error) {
			layers, err := a.lastLayers()
			if err != nil {
				return nil, err
			}
			return influence.TracInLast(layers, a.bias(), a.cosine(), a.product)
		}}},
	{name: "representer", needs: "last-layer features, and logits, output gradients or coefficients", answers: "how much of the query's logit the row makes", vectors: representer},
	{name: "ekfac", needs: "a capture or gradients, and factors of infl fit", answers: "what if the row had been removed: the inverse of a Kronecker product with corrected eigenvalues, module by module", vectors: factored(ekfac.EKFAC)},
	{name: "kfac", needs: "a capture or gradients, and factors of infl fit", answers: "what if the row had been removed: the inverse of a Kronecker product, module by module", vectors: factored(ekfac.KFAC)},
	{name: "tkfac", needs: "a capture or gradients, and factors of infl fit", answers: "what if the row had been removed: the inverse of a Kronecker product scaled to its trace, module by module", vectors: factored(ekfac.TKFAC)},
	{name: "diagonal", needs: "a capture or gradients, and factors of infl fit", answers: "what if the row had been removed: the inverse of the mean squares of gradients", vectors: factored(ekfac.Diagonal)},
	{name: "identity", needs: "a capture or gradients", answers: "the inner product of gradients: the curvature is taken for the identity", vectors: factored(ekfac.Identity)},
	{name: "source", needs: "checkpoints of captures, and factors of infl fit for each", answers: "what if the row had been left out of training: training unrolled in segments, each with its own curvature", vectors: source},
	{name: "datainf", needs: "gradients", answers: "what if the row had been removed: the inverse Hessian as a mean of inverses", vectors: curvatureMethod(influence.DataInf)},
	{name: "trak", needs: "checkpoints of projected margin gradients, with out_to_loss", answers: "how the row moves the query's margin in the linearised model, over an ensemble", vectors: trak},
	{name: "less", needs: "checkpoints of gradients, with the state of Adam", answers: "how far a step of Adam on the row goes along the query's gradient", vectors: less},
	{name: "logra", needs: "gradients projected layer by layer", answers: "what if the row had been removed: the inverse Hessian of projected gradients", vectors: curvatureMethod(influence.LoGra)},
	{name: "cg", needs: "gradients", answers: "what if the row had been removed: the inverse Hessian by conjugate gradients", vectors: curvatureMethod(influence.CG, "--labels")},
	{name: "lissa", needs: "gradients", answers: "what if the row had been removed: the inverse Hessian by a series", vectors: curvatureMethod(influence.LiSSA, "--labels")},
	{name: "nystroem", needs: "gradients", answers: "what if the row had been removed: the inverse Hessian in --rank directions", vectors: nystroem},
	{name: "exact", needs: "gradients of up to 20,000 numbers a block", answers: "what if the row had been removed: the inverse Hessian, dense", vectors: curvatureMethod(influence.Exact, "--labels")},
}

// compare scores the vectors of both sides, all blocks of a row as one.
func compare(a vectorArguments, scorer func(train, query influence.Vectors, o influence.ProductOptions) (influence.Scorer, error)) (influence.Scorer, error) {
	sides, err := joinSides(a.checkpoints[0])
	if err != nil {
		return nil, err
	}
	return scorer(sides.train, sides.query, a.product)
}

// gradientsOf returns the gradients of all sides, each block projected by a seed of its
// own where that is asked for, or where the other side is.
func gradientsOf(sides []*checkpointSides, p influence.Projection, workers int) ([]influence.Checkpoint, error) {
	out := make([]influence.Checkpoint, len(sides))
	for i, s := range sides {
		out[i].Rate = s.rate
		train, query, err := s.projections(p)
		if err != nil {
			return nil, err
		}
		if out[i].Train, err = s.train.project(train, workers); err != nil {
			return nil, err
		}
		if s.query == nil {
			continue
		}
		if out[i].Query, err = s.query.project(query, workers); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// projections returns what each side goes through: the projection that is asked for, or
// that of the other side, where it is a store of projected gradients.
func (s *checkpointSides) projections(asked influence.Projection) (train, query influence.Projection, err error) {
	for _, side := range []*vectorSide{s.train, s.query} {
		if side != nil && side.projection() != nil && asked.Size > 0 {
			return train, query, fmt.Errorf("%s: is projected already; leave --projection out", side.path)
		}
	}
	if asked.Size > 0 || s.query == nil {
		return asked, asked, nil
	}
	if query, err = s.train.matching(s.query); err != nil {
		return train, query, err
	}
	train, err = s.query.matching(s.train)
	return train, query, err
}

// lastLayers returns the files features and gradients of all sides.
func (a vectorArguments) lastLayers() ([]influence.LastLayer, error) {
	out := make([]influence.LastLayer, len(a.sides))
	for i, s := range a.sides {
		out[i].Rate = s.rate
		var errs [4]error
		out[i].TrainInputs, errs[0] = s.train.block("features")
		out[i].TrainGradients, errs[1] = s.train.block("gradients")
		if s.query != nil {
			out[i].QueryInputs, errs[2] = s.query.block("features")
			out[i].QueryGradients, errs[3] = s.query.block("gradients")
		}
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// idle returns the flags that are set and that the method does not depend on.
func (m *vectorMethod) idle(o *GradientOptions) []string {
	return slices.DeleteFunc(o.set(), func(flag string) bool { return slices.Contains(m.flags, flag) })
}

// validateDamping reads --damping; only methods with factors sweep over several.
func (m *vectorMethod) validateDamping(o *ModelOptions) error {
	if slices.Contains(m.flags, "--factors") && sweeps(o.Damping) {
		_, err := sweepOf(o.Damping)
		if o.Per == perModule {
			err = errors.Join(err, errors.New("--damping sweep: and --per module: scores have a damping or a module; leave one of them out"))
		}
		return err
	}
	_, err := parseDamping(o.Damping, influence.Damping{})
	return err
}

// validate lists what is wrong with the inputs and the flags of the method.
func (m *vectorMethod) validate(o *ModelOptions, needQuery bool) error {
	var errs []error
	switch {
	case len(o.Checkpoints) == 0:
		errs = append(errs, needed(o.Train, "--train", "the vectors of the train rows"))
		if needQuery {
			errs = append(errs, needed(o.Query, "--query", "the vectors of the query rows"))
		}
	case o.Train != "" || o.Query != "":
		errs = append(errs, errors.New("--checkpoint names folders with both sides; leave --train and --query out"))
	}
	for _, c := range o.Checkpoints {
		_, _, err := splitCheckpoint(c)
		errs = append(errs, err)
	}
	errs = append(errs, m.validateDamping(o))
	if o.Projection != "" {
		_, err := influence.ParseProjection(o.Projection, 0)
		errs = append(errs, err)
		if o.Dtype == "float64" {
			errs = append(errs, errors.New("--projection computes in float32; leave --dtype float64 out"))
		}
	}
	if o.Rank < 0 {
		errs = append(errs, fmt.Errorf("--rank %d; it must be above 0", o.Rank))
	}
	if !needQuery && o.Rank > 0 && !m.ranked {
		errs = append(errs, errors.New("--rank: self-influence has no queries of low rank; leave it out"))
	}
	if m.ranked && o.Rank == 0 {
		errs = append(errs, errors.New("--rank is needed: how many directions of the curvature are kept"))
	}
	if o.Labels != "" && o.Labels != datasetLabels && o.Labels != exactLabels {
		errs = append(errs, fmt.Errorf("--labels %q is not known; use dataset or exact", o.Labels))
	}
	if o.Labels == exactLabels && o.Projection != "" {
		errs = append(errs, errors.New("--labels exact is about gradients as they are; leave --projection out"))
	}
	if o.FreeBias && o.NoBias {
		errs = append(errs, errors.New("--no-bias and --free-bias: the last layer has either no bias or one that is not regularised"))
	}
	if slices.Contains(m.flags, "--factors") {
		errs = append(errs, m.validateFactors(o))
	}
	known := append([]string{"none"}, m.normalize...)
	if o.Normalize != "" && slices.Contains(m.flags, "--normalize") && !slices.Contains(known, o.Normalize) {
		errs = append(errs, fmt.Errorf("--normalize %q is not known for this method; use %s", o.Normalize, joinNames(known)))
	}
	return errors.Join(errs...)
}
