package lightgbm

import (
	"math"
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
	"poisson": "poisson", "gamma": "gamma", "tweedie": "tweedie", "huber": "huber", "fair": "fair",
	"cross_entropy": "cross_entropy", "xentropy": "cross_entropy",
	"cross_entropy_lambda": "cross_entropy_lambda", "xentlambda": "cross_entropy_lambda",
	"regression_l1": "regression_l1", "l1": "regression_l1", "mae": "regression_l1", "mean_absolute_error": "regression_l1",
	"quantile": "quantile",
	"mape":     "mape", "mean_absolute_percentage_error": "mape",
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
	if err := p.lossParameters(loss); err != nil {
		return err
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
				return 0, p.failAt(line.at, "objective", "sigmoid: %v", err)
			}
		}
	}
	if s <= 0 {
		return 0, p.failAt(line.at, "objective", "sigmoid %v is not positive", s)
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
		return p.failAt(p.settings.values["scale_pos_weight"].at, "scale_pos_weight", "0 is not positive")
	}
	return err
}

// lossParameters fills what the losses of one output have of parameters.
func (p *parser) lossParameters(loss *gbdt.LossSpec) (err error) {
	switch loss.Name {
	case "poisson":
		loss.MaxDelta, err = p.amount("poisson_max_delta_step", 0.7)
	case "huber":
		loss.Alpha, err = p.between("alpha", 0.9, 0, math.MaxFloat64)
	case "fair":
		loss.FairC, err = p.between("fair_c", 1, 0, math.MaxFloat64)
	case "tweedie":
		// The power 1 is allowed, 2 is not.
		loss.TweediePower, err = p.between("tweedie_variance_power", 1.5, math.Nextafter(1, 0), 2)
	case "quantile":
		loss.Renewed = true
		loss.Alpha, err = p.between("alpha", 0.9, 0, 1)
	case "regression_l1", "mape":
		loss.Renewed = true
	}
	return err
}

// checkOutputs compares the number of outputs with the objective's.
func (p *parser) checkOutputs(line value) error {
	k, name := p.forest.K, p.forest.Loss.Name
	switch {
	case name == "multiclass" || name == "multiclassova":
		classes, err := p.headerInt("num_class", 2, 1<<30)
		if err != nil {
			return err
		}
		if int64(k) != classes {
			return p.failAt(line.at, "objective", "%d outputs for %d classes", k, classes)
		}
	case objectives[name] != "" && k != 1:
		return p.failAt(line.at, "objective", "%s has one output, not %d", name, k)
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
