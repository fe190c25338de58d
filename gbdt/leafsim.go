package gbdt

import "github.com/infl-dev/infl/influence"

// leafSim counts shared leaves, small leaves more:
//
//	S(q, i) = Σ_{t,c} [same leaf]/n_leaf² · sign(i, q)
//
// For classes the sign is +1 where the labels agree and −1 else. For a
// regression with margin p of the query it is +1 where both labels lie on the
// same side of p, counting y_q ≤ p and y_i < p as below, and −1 else. Without a
// label (any quantity but the loss) the sign is left out. n_leaf counts all train
// rows that fall into the leaf, also those that row masks hid from the tree: where
// rows fall does not depend on who was seen.
//
// Source: Brophy, Hammoudeh, Lowd, JMLR 24 (2023), LeafSim.
type leafSim struct {
	model  *Model
	signed bool
	a      [][]float64
}

func (s *leafSim) clone() estimator {
	return &leafSim{model: s.model, signed: s.signed, a: scratch(s.model.k)}
}
func (s *leafSim) second() bool     { return false }
func (s *leafSim) seeding() seeding { return noSeed }

func (s *leafSim) describe() influence.Description {
	d := influence.Description{
		Method:        "leafsim",
		Source:        "Brophy, Hammoudeh, Lowd, JMLR 24 (2023), LeafSim",
		Unit:          "shared leaves, each divided by the square of its number of train rows",
		PositiveMeans: "the train row is like the query and its label speaks for the query's label",
		NegativeMeans: "the train row is like the query and its label speaks against the query's label",
		Approximate:   []string{"a similarity, not an effect"},
		Signed:        true,
	}
	if !s.signed {
		d.PositiveMeans, d.NegativeMeans, d.Signed = "the train row is like the query", "does not occur", false
	}
	return d
}

func (s *leafSim) coefficients(r *rowBlock, t int) [][]float64 {
	m := s.model
	for c := range s.a {
		off := m.offset[t*m.k+c]
		a := s.a[c][:r.m]
		for i, l := range r.leaf[c] {
			a[i] = 0
			if n := float64(m.inLeaf[off+int(l)]); n > 0 {
				a[i] = 1 / (n * n)
			}
		}
	}
	return cut(s.a, r.m)
}

// agreement returns the sign for train label y and a query with label yq and
// first margin p.
func (m *Model) agreement(y, yq, p float64) float64 {
	if m.loss.Classifier() {
		if m.loss.Agree(y, yq) {
			return 1
		}
		return -1
	}
	if (yq <= p) != (y >= p) {
		return 1
	}
	return -1
}
