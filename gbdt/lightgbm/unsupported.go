package lightgbm

import "github.com/infl-dev/infl/influence"

// A reason says why an objective cannot be explained and what comes nearest.
type reason struct{ why, instead string }

const pairwise = "pairwise gradients need the query groups, which the model file does not hold"

// unsupportedObjectives are the objectives of the library without a loss here.
var unsupportedObjectives = map[string]reason{
	"lambdarank":  {pairwise, "train with objective=regression or binary on the relevance"},
	"rank_xendcg": {pairwise, "train with objective=regression or binary on the relevance"},
}

// objectiveAliases are other names of unsupported objectives.
var objectiveAliases = map[string]string{
	"rank_xendcg_mart": "rank_xendcg", "xendcg": "rank_xendcg", "xe_ndcg": "rank_xendcg", "xe_ndcg_mart": "rank_xendcg",
}

// findUnsupported lists what the model uses and cannot be explained. The name
// is the one of the objective line.
func (p *parser) findUnsupported(name string, sqrt bool) error {
	refuse := func(what, why, instead string) {
		p.forest.Unsupported = append(p.forest.Unsupported, &influence.UnsupportedError{What: what, Reason: why, Instead: instead})
	}
	p.refuseObjective(name, refuse)

	transformed, err := p.flag("reg_sqrt", false)
	if err != nil {
		return err
	}
	if sqrt || transformed && p.forest.Loss.Name == "regression" {
		refuse("reg_sqrt=true", "the model predicts the root of the target and squares its prediction", "train with objective=regression on the root itself")
	}
	boosting := p.settings.text("boosting")
	if boosting == "dart" {
		refuse("boosting=dart", "gradients of training used dropped trees, which the file does not hold", "train with boosting=gbdt")
	}
	if boosting == "rf" || p.header.average {
		refuse("boosting=rf", "the trees are averaged and none is trained on the errors of those before", "train with boosting=gbdt")
	}
	linear, err := p.flag("linear_tree", false)
	if err != nil {
		return err
	}
	if linear || p.linear {
		refuse("linear_tree=true", "leaves are linear models, not values", "train with linear_tree=false")
	}
	loss := p.forest.Loss
	if loss.Name == "multiclassova" && (loss.Unbalance || loss.ScalePosWeight != 1) {
		refuse("is_unbalance or scale_pos_weight with multiclassova", "label weights are supported for objective=binary only", "train without them, or give weights to the rows")
	}
	return nil
}

func (p *parser) refuseObjective(name string, refuse func(what, why, instead string)) {
	if _, supported := objectives[name]; supported {
		return
	}
	if name == "" || name == "custom" || name == "none" {
		refuse("objective=custom", "the file does not hold the gradients of the user's own objective", "train with a built-in objective such as regression or binary")
		return
	}
	standard := name
	if known, ok := objectiveAliases[name]; ok {
		standard = known
	}
	if r, ok := unsupportedObjectives[standard]; ok {
		refuse("objective="+name, r.why, r.instead)
		return
	}
	refuse("objective="+abridged(name), "the objective is not known", "train with an objective such as regression, binary, multiclass or poisson")
}
