package app

import (
	"fmt"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
)

// A method is a line of the method table: a name on the command line and the
// scorer behind it.
type method struct {
	name, needs, answers string

	derivative bool // has compat forms and needs a good verdict
	cost       gbdt.Cost
	scorer     func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, seed uint64) (influence.Scorer, error)
}

// methods lists what exists, in the order of --list-methods.
var methods = []method{
	{"boostin", "tree model, train, query", "trace of training: how much a row moved the query while it was being fitted", true, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.BoostIn(q, o)
		}},
	{"boostin-w1", "tree model, train, query", "boostin, each term divided by the number of train rows in the leaf", true, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.BoostInWeighted(q, 1, o)
		}},
	{"boostin-w2", "tree model, train, query", "boostin, each term divided by the square of that number", true, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.BoostInWeighted(q, 2, o)
		}},
	{"boostin-lca", "tree model, train, query", "boostin over lowest common ancestors: rows that part ways in a tree count with the node at which they part", true, gbdt.EachPair,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.BoostInLCA(q, o)
		}},
	{"leafinfluence", "tree model, train, query", "what if the row had been removed: first order, fixed structure, through all later trees", true, gbdt.ReversePass,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.LeafInfluence(q, o)
		}},
	{"leafinfluence-single", "tree model, train, query", "what if the row had been removed: first order, fixed structure, through its own leaves only", true, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.LeafInfluenceSingle(q, o)
		}},
	{"label-gradient", "tree model of one output, train, query", "how the query would move with the label of the row: d(query loss)/d(label)", true, gbdt.ReversePass,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.LabelGradient(q, o)
		}},
	{"leafsim", "tree model, train, query", "similarity: shared leaves, small leaves more, with the sign of agreeing labels", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, _ gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.LeafSim(q), nil
		}},
	{"treesim", "tree model, train, query", "similarity of leaf vectors with the sign of agreeing labels, by --measure dot, cosine or euclidean", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.TreeSim(q, o.Measure), nil
		}},
	{"inputsim", "tree model of numeric features, train, query", "similarity: 1/distance of the raw features, with the sign of agreeing labels", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, o gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.InputSim(q, o.Measure)
		}},
	{"target", "tree model, train, query", "a baseline: random, but above 0 where labels agree; for regressions 1/difference of the labels", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, _ gbdt.Options, seed uint64) (influence.Scorer, error) {
			return m.Target(q, seed), nil
		}},
	{"minority", "tree model, train", "a baseline: rare classes first; for regressions the distance from the median label", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, _ gbdt.Options, seed uint64) (influence.Scorer, error) {
			return m.Minority(q, seed), nil
		}},
	{"random", "tree model, train, query", "standard normal numbers: the control", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, _ gbdt.Options, seed uint64) (influence.Scorer, error) {
			return m.Random(q, seed), nil
		}},
	{"loss", "tree model, train", "the train row's own loss: a baseline for label errors", false, gbdt.LeafJoin,
		func(m *gbdt.Model, q *gbdt.Queries, _ gbdt.Options, _ uint64) (influence.Scorer, error) {
			return m.TrainLoss(q), nil
		}},
}

// laterMethods are named in the contract and not built yet.
var laterMethods = []string{
	"leafrefit", "trex",
	"loo", "subsample", "shapley", "dot", "cosine", "tracin", "tracin-last", "representer", "ekfac", "kfac",
	"tkfac", "diagonal", "identity", "source", "datainf", "trak", "less", "logra", "cg", "lissa", "nystroem", "exact", "idf-overlap",
}

// MethodNames returns the names of the methods that exist.
func MethodNames() []string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.name
	}
	return names
}

// findMethod looks a method up by name.
func findMethod(name string) (method, error) {
	for _, m := range methods {
		if m.name == name {
			return m, nil
		}
	}
	for _, l := range laterMethods {
		if l == name {
			return method{}, fmt.Errorf("method %q is not built yet; available: %s", name, joinNames(MethodNames()))
		}
	}
	return method{}, fmt.Errorf("method %q is not known; %s (--list-methods shows all)", name, suggest(name, MethodNames()))
}

// ListMethods prints the method table.
func ListMethods(s Streams, o Output) error {
	t := &Table{Fields: []string{"method", "needs", "answers"}}
	for _, m := range methods {
		t.Add(m.name, m.needs, m.answers)
	}
	return o.Print(s, t)
}
