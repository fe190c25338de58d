package lightgbm

import (
	"fmt"
	"math"
)

// settings are the training parameters of the file that are used here, under
// the names that the library writes.
type settings struct {
	known  bool // the file has parameters
	values map[string]value
}

var settingKeys = map[string]bool{
	"boosting": true, "learning_rate": true, "lambda_l1": true, "lambda_l2": true, "cat_l2": true,
	"max_cat_to_onehot": true, "boost_from_average": true, "categorical_feature": true,
	"bagging_fraction": true, "pos_bagging_fraction": true, "neg_bagging_fraction": true, "bagging_freq": true,
	"top_rate": true, "other_rate": true, "num_threads": true,
	"data_sample_strategy": true, "path_smooth": true, "max_delta_step": true, "monotone_constraints": true,
	"use_quantized_grad": true, "initscore_filename": true, "linear_tree": true, "reg_sqrt": true,
	"is_unbalance": true, "scale_pos_weight": true, "sigmoid": true, "poisson_max_delta_step": true,
	"alpha": true, "fair_c": true, "tweedie_variance_power": true,
}

// text returns a parameter, or the empty string.
func (s settings) text(key string) string { return s.values[key].text }

// number returns a parameter, or the library's default where the file does
// not have it.
func (p *parser) number(key string, library float64) (float64, error) {
	v, ok := p.settings.values[key]
	if !ok {
		return library, nil
	}
	f, err := parseFloat([]byte(v.text))
	if err != nil {
		return 0, p.failAt(v.at, key, "%v", err)
	}
	return f, nil
}

// amount is number for parameters that cannot be negative.
func (p *parser) amount(key string, library float64) (float64, error) {
	f, err := p.number(key, library)
	if err == nil && (f < 0 || math.Signbit(f)) {
		return 0, p.failAt(p.settings.values[key].at, key, "%v is negative", f)
	}
	return f, err
}

// between is number for parameters that lie between lo and hi.
func (p *parser) between(key string, library, lo, hi float64) (float64, error) {
	f, err := p.number(key, library)
	if err == nil && (f <= lo || f >= hi) {
		return 0, p.failAt(p.settings.values[key].at, key, "%v is out of range", f)
	}
	return f, err
}

// flag returns a yes-or-no parameter.
func (p *parser) flag(key string, library bool) (bool, error) {
	v, ok := p.settings.values[key]
	if !ok {
		return library, nil
	}
	switch v.text {
	case "1", "true", "+":
		return true, nil
	case "0", "false", "-":
		return false, nil
	}
	return false, p.failAt(v.at, key, "%q is neither 0 nor 1", abridged(v.text))
}

// assignment returns "key=value" as the user would write it.
func assignment(key string, v float64) string { return fmt.Sprintf("%s=%v", key, v) }
