package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
)

var representer = &vectorMethod{
	flags:  []string{"--damping", "--no-bias", "--free-bias"},
	levels: lastLevels,
	scorer: representerScorer,
}

func representerScorer(a vectorArguments) (influence.Scorer, error) {
	s := a.sides[0]
	if s.query == nil {
		return nil, errors.New("--self: representer points explain queries")
	}
	p := influence.RepresenterPoints{Bias: influence.PenalisedBias}
	switch {
	case !a.bias():
		p.Bias = influence.NoBias
	case a.FreeBias:
		p.Bias = influence.FreeBias
	}
	if err := a.addCoefficients(&p); err != nil {
		return nil, err
	}
	var errs [3]error
	p.TrainFeatures, errs[0] = s.train.block("features")
	p.QueryFeatures, errs[1] = s.query.block("features")
	p.Classes, errs[2] = s.query.classes(context.Background())
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return influence.Representer(p, a.product)
}

// addCoefficients opens what the coefficients of train rows come from: themselves, or
// logits, or gradients.
func (a vectorArguments) addCoefficients(p *influence.RepresenterPoints) (err error) {
	train := a.sides[0].train
	if p.Alpha, err = train.block("alpha"); err == nil {
		return nil
	}
	damping, err := parseDamping(a.Damping, influence.Damping{})
	if p.L2 = damping.Value; err != nil || p.L2 == 0 {
		return errors.Join(err, errors.New("--damping is needed: the L2 regularisation of the last layer, or a file alpha"))
	}
	if p.Logits, err = train.block("logits"); err == nil {
		return nil
	}
	if p.Gradients, err = train.block("gradients"); err != nil {
		return fmt.Errorf("%w; alpha and logits would do too", err)
	}
	return nil
}

// classes returns which logit is asked about of each row: its number in the file
// classes or among the labels of a capture, else the row's label, which is where the
// gradient of its loss is negative.
func (s *vectorSide) classes(ctx context.Context) ([]int, error) {
	if s.capture != nil && s.capture.Labels() != nil {
		var out []int
		for _, y := range s.capture.Labels() {
			out = append(out, int(y))
		}
		return out, nil
	}
	given, err := s.block("classes")
	if err != nil {
		gradients, withoutGradients := s.block("gradients")
		if withoutGradients != nil {
			return nil, err
		}
		return s.labels(ctx, gradients)
	}
	numbers, err := influence.ReadVectors(ctx, given)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(numbers))
	for q, v := range numbers {
		if v != float64(int(v)) {
			return nil, fmt.Errorf("%s: the class of row %d is %v, which is not a whole number", s.path, q, v)
		}
		out[q] = int(v)
	}
	return out, nil
}

// labels returns the only class of each row in which its gradient is negative.
func (s *vectorSide) labels(ctx context.Context, gradients influence.Vectors) ([]int, error) {
	numbers, err := influence.ReadVectors(ctx, gradients)
	if err != nil {
		return nil, err
	}
	k := gradients.Cols()
	out := make([]int, gradients.Rows())
	for q := range out {
		negative := 0
		for class, g := range numbers[q*k : (q+1)*k] {
			if g < 0 {
				out[q], negative = class, negative+1
			}
		}
		if negative != 1 {
			return nil, fmt.Errorf("%s: the gradient of row %d is negative in %d classes, so that it does not tell the label; write a file classes", s.path, q, negative)
		}
	}
	return out, nil
}

// proveStationary records how stationary the last layer of representer points is. Where
// it is not, the gate has failed.
func proveStationary(ctx context.Context, run *sink.Run, s influence.Scorer) error {
	representer, ok := s.(*influence.RepresenterScorer)
	if !ok {
		return nil
	}
	found, known, err := representer.Stationarity(ctx)
	var moved *influence.NotStationaryError
	if errors.As(err, &moved) {
		err = &GateError{err}
	} else if err != nil || !known {
		return err
	}
	return errors.Join(err, run.Update(func(r *sink.Record) {
		r.Gates = []map[string]any{{"name": "stationarity", "passed": err == nil, "residual": found.Residual, "relative": found.Relative}}
	}))
}
