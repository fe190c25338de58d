package model

import (
	"fmt"
	"slices"
)

// check says what is wrong with the content of model.json, naming the field.
func (d *document) check() error {
	switch {
	case d.Format != formatName:
		return fmt.Errorf("format is %q, not %q", d.Format, formatName)
	case d.Version != formatVersion:
		return fmt.Errorf("version is %d; this version reads %d", d.Version, formatVersion)
	case !slices.Contains(Kinds(), d.Kind):
		return fmt.Errorf("kind is %q; there are %v", d.Kind, Kinds())
	case d.Loss != CrossEntropy && d.Loss != HalfSquared:
		return fmt.Errorf("loss is %q; there are %s and %s", d.Loss, CrossEntropy, HalfSquared)
	case d.Kind == Ridge && d.Loss != HalfSquared, d.Kind == Softmax && d.Loss != CrossEntropy:
		return fmt.Errorf("loss is %q, which a model of kind %s does not have", d.Loss, d.Kind)
	case len(d.Layers) == 0 || len(d.Layers) > maxLayers:
		return fmt.Errorf("layers has %d entries", len(d.Layers))
	case d.Kind != MLP && len(d.Layers) > 1:
		return fmt.Errorf("layers has %d entries; a model of kind %s has one", len(d.Layers), d.Kind)
	case len(d.Layers) > 1 && !slices.Contains(Activations(), d.Activation):
		return fmt.Errorf("activation is %q; there are %v", d.Activation, Activations())
	case !isPositive(d.Training.Denominator):
		return fmt.Errorf("training.denominator is %v; it must be positive", d.Training.Denominator)
	case d.Training.L2 != 0 && !isPositive(d.Training.L2):
		return fmt.Errorf("training.l2 is %v", d.Training.L2)
	}
	if err := d.checkLayers(); err != nil {
		return err
	}
	return d.checkScaling()
}

func (d *document) checkLayers() error {
	names := map[string]bool{}
	for i, l := range d.Layers {
		switch {
		case names[l.Name]:
			return fmt.Errorf("layers[%d].name %q stands twice", i, l.Name)
		case l.In < 1 || l.In > maxWidth || l.Out < 1 || l.Out > maxWidth:
			return fmt.Errorf("layers[%d] has %d inputs and %d outputs", i, l.In, l.Out)
		case i > 0 && l.In != d.Layers[i-1].Out:
			return fmt.Errorf("layers[%d].in is %d, the layer before has %d outputs", i, l.In, d.Layers[i-1].Out)
		}
		names[l.Name] = true
	}
	inputs, outputs := d.Layers[0].In, d.Layers[len(d.Layers)-1].Out
	switch {
	case d.Features != nil && len(d.Features) != inputs:
		return fmt.Errorf("features has %d names, layers[0] has %d inputs", len(d.Features), inputs)
	case d.Classes != nil && len(d.Classes) != outputs:
		return fmt.Errorf("classes has %d names, the last layer has %d outputs", len(d.Classes), outputs)
	case d.Loss == HalfSquared && outputs != 1:
		return fmt.Errorf("the last layer has %d outputs; the loss %s needs one", outputs, d.Loss)
	case d.Loss == CrossEntropy && outputs < 2:
		return fmt.Errorf("the last layer has one output; the loss %s needs two or more", d.Loss)
	}
	return nil
}

func (d *document) checkScaling() error {
	s := d.Scaling
	if s == nil {
		return nil
	}
	if len(s.Mean) != d.Layers[0].In || len(s.Scale) != d.Layers[0].In {
		return fmt.Errorf("scaling has %d means and %d scales, layers[0] has %d inputs", len(s.Mean), len(s.Scale), d.Layers[0].In)
	}
	for j, v := range s.Scale {
		if !isPositive(v) {
			return fmt.Errorf("scaling.scale[%d] is %v; it must be positive", j, v)
		}
	}
	return nil
}
