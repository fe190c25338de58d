package app

import (
	"fmt"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
)

// A treeMethod is a method on a tree model.
type treeMethod struct {
	name       string
	derivative bool // has compat forms and needs a good verdict
	cost       gbdt.Cost
	scorer     func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, seed uint64) (influence.Scorer, error)
}

// findTreeMethod looks a method on tree models up by name.
func findTreeMethod(name string) (*treeMethod, error) {
	m, err := findMethod(name)
	if err != nil {
		return nil, err
	}
	if m.tree == nil {
		return nil, errNotOfTrees(name)
	}
	return m.tree, nil
}

// errNotOfTrees says that a command explains tree models only.
func errNotOfTrees(name string) error {
	return fmt.Errorf("method %q reads no tree model; only infl score has it", name)
}

// treeMethods lists what exists, in the order of --list-methods.
var treeMethods = []method{
	treeRow("boostin", "tree model, train, query", "trace of training: how much a row moved the query while it was being fitted", true, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.BoostIn(q, o)
		}),
	treeRow("boostin-w1", "tree model, train, query", "boostin, each term divided by the number of train rows in the leaf", true, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.BoostInWeighted(q, 1, o)
		}),
	treeRow("boostin-w2", "tree model, train, query", "boostin, each term divided by the square of that number", true, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.BoostInWeighted(q, 2, o)
		}),
	treeRow("boostin-lca", "tree model, train, query", "boostin over lowest common ancestors: rows that part ways in a tree count with the node at which they part", true, gbdt.EachPair,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.BoostInLCA(q, o)
		}),
	treeRow("leafinfluence", "tree model, train, query", "what if the row had been removed: first order, fixed structure, through all later trees", true, gbdt.ReversePass,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.LeafInfluence(q, o)
		}),
	treeRow("leafinfluence-single", "tree model, train, query", "what if the row had been removed: first order, fixed structure, through its own leaves only", true, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.LeafInfluenceSingle(q, o)
		}),
	treeRow("label-gradient", "tree model of one output, train, query", "how the query would move with the label of the row: d(query loss)/d(label)", true, gbdt.ReversePass,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.LabelGradient(q, o)
		}),
	treeRow("leafsim", "tree model, train, query", "similarity: shared leaves, small leaves more, with the sign of agreeing labels", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, _ gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.LeafSim(q), nil
		}),
	treeRow("treesim", "tree model, train, query", "similarity of leaf vectors with the sign of agreeing labels, by --measure dot, cosine or euclidean", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.TreeSim(q, o.Measure), nil
		}),
	treeRow("inputsim", "tree model of numeric features, train, query", "similarity: 1/distance of the raw features, with the sign of agreeing labels", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.InputSim(q, o.Measure)
		}),
	treeRow("target", "tree model, train, query", "a baseline: random, but above 0 where labels agree; for regressions 1/difference of the labels", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, _ gbdt.Options, seed uint64) (influence.Scorer, error) {
			return m.Target(q, seed), nil
		}),
	treeRow("minority", "tree model, train", "a baseline: rare classes first; for regressions the distance from the median label", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, _ gbdt.Options, seed uint64) (influence.Scorer, error) {
			return m.Minority(q, seed), nil
		}),
	treeRow("random", "tree model, train, query", "standard normal numbers: the control", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, _ gbdt.Options, seed uint64) (influence.Scorer, error) {
			return m.Random(q, seed), nil
		}),
	treeRow("loss", "tree model, train", "the train row's own loss: a baseline for label errors", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, _ gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.TrainLoss(q), nil
		}),
}

// treeRow is a line of the method table.
func treeRow(name, needs, answers string, derivative bool, cost gbdt.Cost, scorer func(*gbdt.Model, *gbdt.Queries, gbdt.Options, uint64) (influence.Scorer, error)) method {
	return method{name: name, needs: needs, answers: answers, tree: &treeMethod{name, derivative, cost, scorer}}
}
