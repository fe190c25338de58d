package app

import (
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
)

// Values of --labels: which labels the curvature is made of.
const (
	datasetLabels = "dataset" // those of the capture: the empirical Fisher matrix
	exactLabels   = "exact"   // all, by their probabilities: the exact Hessian
)

// hessian returns the rows of the exact Hessian, for a capture of one linear layer; none
// without --labels exact.
func (a vectorArguments) hessian() ([]influence.Vectors, error) {
	if a.Labels != exactLabels {
		return nil, nil
	}
	s := a.sides[0].train
	refused := func(format string, args ...any) ([]influence.Vectors, error) {
		return nil, fmt.Errorf("%s: --labels exact needs a capture of one linear layer, with one row of inputs and output gradients for each example, and its loss: %s", s.path, fmt.Sprintf(format, args...))
	}
	if s.capture == nil {
		return refused("it is no capture")
	}
	m := s.capture.Manifest()
	module := m.Modules[0]
	loss, lossErr := influence.ParseOutputLoss(m.Loss.Name)
	inputs, outputs := s.capture.InputRows(module.Name), s.capture.OutputRows(module.Name)
	switch {
	case len(m.Modules) > 1:
		return refused("it has %d modules", len(m.Modules))
	case module.Kind != capture.Linear || inputs == nil || outputs == nil:
		return refused("module %q has other rows", module.Name)
	case m.Loss.Measurement != "loss":
		return refused("its gradients are those of the %s", m.Loss.Measurement)
	case lossErr != nil:
		return refused("%v", lossErr)
	}
	rows, err := influence.HessianRows(inputs, outputs, module.Bias, loss)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	return []influence.Vectors{rows}, nil
}
