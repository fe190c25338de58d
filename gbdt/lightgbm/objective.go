package lightgbm

import (
	"strings"

	"github.com/infl-dev/infl/gbdt"
)

// objectives maps the names that are read to those of gbdt.LossSpec.
var objectives = map[string]string{
	"regression": "regression", "regression_l2": "regression", "l2": "regression", "mse": "regression",
	"mean_squared_error": "regression", "rmse": "regression", "root_mean_squared_error": "regression", "l2_root": "regression",
	"binary":     "binary",
	"multiclass": "multiclass", "softmax": "multiclass",
	"multiclassova": "multiclassova", "multiclass_ova": "multiclassova", "ova": "multiclassova", "ovr": "multiclassova",
	"poisson": "poisson",
}

// finishObjective fills Forest.Loss and Forest.Unsupported.
func (p *parser) finishObjective() error {
	line := p.header.values["objective"]
	name, options := cutWord(line.text)
	loss := &p.forest.Loss
	loss.Name = name
	if known, ok := objectives[name]; ok {
		loss.Name = known
	}
	var err error
	if loss.Sigmoid, err = p.sigmoid(line, options); err != nil {
		return err
	}
	if err := p.labelWeights(loss); err != nil {
		return err
	}
	if loss.Name == "poisson" {
		if loss.MaxDelta, err = p.amount("poisson_max_delta_step", 0.7); err != nil {
			return err
		}
	}
	if err := p.checkOutputs(line); err != nil {
		return err
	}
	return p.findUnsupported(name, hasWord(options, "sqrt"))
}

// sigmoid returns the slope of the logistic losses, which the objective line
// holds: "binary sigmoid:1.5". Other losses have none, so it is 0.
func (p *parser) sigmoid(line value, options string) (float64, error) {
	if name := p.forest.Loss.Name; name != "binary" && name != "multiclassova" {
		return 0, nil
	}
	s, err := p.number("sigmoid", 1)
	if err != nil {
		return 0, err
	}
	for word := ""; options != ""; {
		word, options = cutWord(options)
		if text, ok := strings.CutPrefix(word, "sigmoid:"); ok {
			if s, err = parseFloat([]byte(text)); err != nil {
				return 0, p.failAt(line.line, "objective", "sigmoid: %v", err)
			}
		}
	}
	if s <= 0 {
		return 0, p.failAt(line.line, "objective", "sigmoid %v is not positive", s)
	}
	return s, nil
}

func (p *parser) labelWeights(loss *gbdt.LossSpec) error {
	if loss.Name != "binary" && loss.Name != "multiclassova" {
		return nil
	}
	var err error
	if loss.Unbalance, err = p.flag("is_unbalance", false); err != nil {
		return err
	}
	loss.ScalePosWeight, err = p.amount("scale_pos_weight", 1)
	if err == nil && loss.ScalePosWeight == 0 {
		return p.failAt(p.settings.values["scale_pos_weight"].line, "scale_pos_weight", "0 is not positive")
	}
	return err
}

// checkOutputs compares the number of outputs with the objective's.
func (p *parser) checkOutputs(line value) error {
	k := p.forest.K
	switch p.forest.Loss.Name {
	case "regression", "binary", "poisson":
		if k != 1 {
			return p.failAt(line.line, "objective", "%s has one output, not %d", p.forest.Loss.Name, k)
		}
	case "multiclass", "multiclassova":
		classes, err := p.headerInt("num_class", 2, 1<<30)
		if err != nil {
			return err
		}
		if int64(k) != classes {
			return p.failAt(line.line, "objective", "%d outputs for %d classes", k, classes)
		}
	}
	return nil
}

func hasWord(text, word string) bool {
	for w := ""; text != ""; {
		if w, text = cutWord(text); w == word {
			return true
		}
	}
	return false
}
