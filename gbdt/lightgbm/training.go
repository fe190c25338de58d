package lightgbm

import (
	"errors"
	"strings"

	"github.com/infl-dev/infl/gbdt"
)

// The library's defaults for what is used also without parameters.
const (
	defaultCatL2     = 10
	defaultCatOneHot = 4
)

// finishTraining fills Forest.Train.
func (p *parser) finishTraining() error {
	t := &p.forest.Train
	t.Known = p.settings.known
	t.CatL2, t.BoostFromAverage = defaultCatL2, true
	if t.Known {
		var errs [5]error
		t.LearningRate, errs[0] = p.amount("learning_rate", 0.1)
		t.L1, errs[1] = p.amount("lambda_l1", 0)
		t.L2, errs[2] = p.amount("lambda_l2", 0)
		t.CatL2, errs[3] = p.amount("cat_l2", defaultCatL2)
		t.BoostFromAverage, errs[4] = p.flag("boost_from_average", true)
		for _, err := range errs {
			if err != nil {
				return err
			}
		}
	}
	return p.findLost()
}

// findLost lists the settings by which leaf values depend on more than the
// file holds.
func (p *parser) findLost() error {
	t := &p.forest.Train
	lost := func(what string) { t.Lost = append(t.Lost, what) }
	frequency, err := p.number("bagging_freq", 0)
	if err != nil {
		return err
	}
	for _, key := range []string{"bagging_fraction", "pos_bagging_fraction", "neg_bagging_fraction"} {
		fraction, err := p.number(key, 1)
		if err != nil {
			return err
		}
		if fraction < 1 && frequency > 0 {
			t.Bagged = append(t.Bagged, assignment(key, fraction))
		}
	}
	for _, key := range []string{"boosting", "data_sample_strategy"} {
		if p.settings.text(key) != "goss" {
			continue
		}
		t.Bagged = append(t.Bagged, key+"=goss")
		var errs [3]error
		var threads float64
		t.TopRate, errs[0] = p.amount("top_rate", 0.2)
		t.OtherRate, errs[1] = p.amount("other_rate", 0.1)
		threads, errs[2] = p.amount("num_threads", 0)
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
		t.Threads = int(threads)
	}
	for _, key := range []string{"path_smooth", "max_delta_step"} {
		v, err := p.number(key, 0)
		if err != nil {
			return err
		}
		if v > 0 {
			lost(assignment(key, v))
		}
	}
	quantized, err := p.flag("use_quantized_grad", false)
	if err != nil {
		return err
	}
	if quantized {
		lost("use_quantized_grad=1")
	}
	if constrained(p.settings.text("monotone_constraints")) || constrained(p.header.values["monotone_constraints"].text) {
		lost("monotone_constraints")
	}
	if file := p.settings.text("initscore_filename"); file != "" {
		lost("initscore_filename=" + file)
	}
	return nil
}

// constrained reports whether a list of monotone constraints has an entry
// other than 0.
func constrained(list string) bool {
	for _, entry := range strings.FieldsFunc(list, func(c rune) bool { return c == ' ' || c == ',' }) {
		if entry != "0" {
			return true
		}
	}
	return false
}

// markCategoricalLeaves marks the leaves whose values were made with the
// additional categorical L2: those directly under a split of many categories
// against many. Splits of features with few categories are one against the
// rest, which has none.
func (p *parser) markCategoricalLeaves() error {
	oneHot, err := p.number("max_cat_to_onehot", defaultCatOneHot)
	if err != nil {
		return err
	}
	for i := range p.forest.Trees {
		t := &p.forest.Trees[i]
		for node, rule := range t.Rules {
			if rule&gbdt.Categorical == 0 || float64(p.infos[t.Feature[node]].entries) <= oneHot {
				continue
			}
			for _, child := range [2]int32{t.Left[node], t.Right[node]} {
				if child >= 0 {
					continue
				}
				if t.LeafCat == nil {
					t.LeafCat = make([]bool, t.Leaves())
				}
				t.LeafCat[^child] = true
			}
		}
	}
	return nil
}
