package app

import (
	"fmt"

	"github.com/infl-dev/infl/influence/model"
)

// inspectTrained says what a model of infl train is.
func inspectTrained(path string, add func(string, any)) error {
	m, err := model.Load(path)
	if err != nil {
		return err
	}
	print, err := m.Fingerprint()
	if err != nil {
		return err
	}
	add("kind", fmt.Sprintf("%s model of infl train", m.Kind))
	add("loss", string(m.Loss))
	for _, l := range m.Layers {
		add("layer "+l.Name, fmt.Sprintf("%d inputs, %d outputs, bias", l.In, l.Out))
	}
	if m.Activation != "" {
		add("activation", string(m.Activation))
	}
	add("parameters", m.Parameters())
	if m.Features != nil {
		add("feature_names", m.Features)
	}
	if m.Classes != nil {
		add("classes", m.Classes)
	}
	add("standardized", m.Scaling != nil)
	t := m.Training
	add("train rows", t.Rows)
	add("objective", fmt.Sprintf("%g, largest gradient %.1e", t.Objective, t.Gradient))
	add("l2", t.L2)
	if m.Kind == model.MLP {
		add("training", fmt.Sprintf("%s, learning rate %g, %d epochs, batches of %d, seed %d", t.Optimizer, t.LearningRate, t.Epoch, t.BatchSize, t.Seed))
	}
	add("fingerprint", print)
	return nil
}
