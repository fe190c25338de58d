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
// S is the product of leaf vectors φ with the entry 1/n_leaf for each leaf that a
// row falls into; treesim has other measures of them too.
//
// Source: Brophy, Hammoudeh, Lowd, JMLR 24 (2023), LeafSim, and TreeSim with the
// kernel lpw.
type leafSim struct {
	model   *Model
	signed  bool
	method  string // "leafsim" or "treesim"
	measure Measure
	a       [][]float64
}

func (s *leafSim) clone() estimator {
	c := *s
	c.a = scratch(s.model.k)
	return &c
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
	if s.method == "treesim" {
		d.Method, d.Source = s.method, "Brophy, Hammoudeh, Lowd, JMLR 24 (2023), TreeSim (kernel lpw)"
		switch s.measure {
		case Cosine:
			d.Unit = "cosine of the leaf vectors"
		case Euclidean:
			d.Unit = "1/distance of the leaf vectors"
		}
	}
	if !s.signed {
		d.PositiveMeans, d.NegativeMeans, d.Signed = "the train row is like the query", "does not occur", false
	}
	return d
}

func (s *leafSim) coefficients(r *rowBlock, t int) [][]float64 {
	m := s.model
	for c := range s.a {
		a := s.a[c][:r.m]
		for i, l := range r.leaf[c] {
			a[i] = s.weight(t*m.k+c, l)
		}
	}
	return cut(s.a, r.m)
}

// weight is 1/n_leaf², the square of the leaf's entry in a leaf vector; 0 where
// no train row falls.
func (s *leafSim) weight(u int, leaf uint32) float64 {
	n := float64(s.model.inLeaf[s.model.offset[u]+int(leaf)])
	if n == 0 {
		return 0
	}
	return 1 / (n * n)
}

// norms returns ‖φ‖² of n rows with the given leaves; nil where the measure does
// not depend on them.
func (s *leafSim) norms(leaf [][]uint32, n int) []float64 {
	if s.measure == Dot {
		return nil
	}
	out := make([]float64, n)
	for u := range leaf {
		for i, l := range leaf[u][:n] {
			out[i] += s.weight(u, l)
		}
	}
	return out
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
