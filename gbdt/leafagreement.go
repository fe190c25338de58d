package gbdt

import "github.com/infl-dev/infl/influence"

// leafAgreement counts the trees in which a train row and a query share a leaf:
//
//	S(q, i) = Σ_{t,c} [leaf_{t,c}(i) = leaf_{t,c}(q)]
//
// Source: the proximity of Breiman, Random Forests, Machine Learning 45 (2001),
// here as a count.
type leafAgreement struct {
	model *Model
	ones  [][]float64
}

// LeafAgreement returns the number of trees, 0 to T·K, in which a train row falls
// into the same leaf as the query: whole numbers, exact in either precision up to
// 2²⁴ trees. Labels, weights and the verdict play no role. queries may be nil for
// jobs with Self, where every score is T·K. The scorer is safe for concurrent use;
// a query costs n·T·K comparisons.
func (m *Model) LeafAgreement(queries *Queries) influence.Scorer {
	return &joinScorer{model: m, queries: queries, est: &leafAgreement{model: m}}
}

func (s *leafAgreement) clone() estimator { return &leafAgreement{model: s.model} }
func (s *leafAgreement) second() bool     { return false }
func (s *leafAgreement) seeding() seeding { return noSeed }

func (s *leafAgreement) describe() influence.Description {
	return influence.Description{
		Method:        "leaf-agreement",
		Source:        "Breiman, Machine Learning 45 (2001), proximity of random forests, as a count",
		Unit:          "trees",
		PositiveMeans: "the model treats the train row and the query alike in so many trees",
		NegativeMeans: "does not occur",
		Approximate:   []string{"a similarity, not an effect"},
	}
}

func (s *leafAgreement) coefficients(r *rowBlock, _ int) [][]float64 {
	if s.ones == nil {
		s.ones = scratch(s.model.k)
		for _, ones := range s.ones {
			fill(ones, 1)
		}
	}
	return cut(s.ones, r.m)
}
