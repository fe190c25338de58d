package gbdt

import "github.com/infl-dev/infl/influence"

// Form chooses between corrected formulas and those of the reference
// implementation.
type Form uint8

const (
	ExactForm  Form = iota // ExactForm is the derivative as it is.
	CompatForm             // CompatForm follows tree_influence (Brophy, Hammoudeh, Lowd 2023) to the letter.
)

// String returns "exact" or "compat".
func (f Form) String() string {
	if f == CompatForm {
		return "compat"
	}
	return "exact"
}

// An estimator is a score that factors over (tree, leaf):
//
//	S(q, i) = Σ_{t,c} A_{t,c}(i) · B_{t,c}(q) · [leaf_{t,c}(i) = leaf_{t,c}(q)]
//
// It has the coefficients A of train rows; B is the seed of the query's
// quantity, or 1.
type estimator interface {
	describe() influence.Description

	// second reports whether coefficients needs DG and DH.
	second() bool

	// seeding says where the query's seed is taken.
	seeding() seeding

	// coefficients returns A for the rows of r in iteration t, K slices that
	// are valid until the next call. It is called for t = 0, 1, … T−1 after r
	// has the leaves and derivatives of t; at t = 0 it forgets earlier rows.
	coefficients(r *rowBlock, t int) [][]float64

	// clone returns an estimator with its own scratch memory.
	clone() estimator
}

type seeding uint8

const (
	noSeed      seeding = iota // B = 1
	runningSeed                // B is the seed at the margins before iteration t
	finalSeed                  // B is the seed at the end of training
)

// scratch is memory for K slices of a block of rows.
func scratch(k int) [][]float64 { return columns(k, blockRows) }

// columns returns k slices of m numbers.
func columns(k, m int) [][]float64 {
	s := make([][]float64, k)
	for c := range s {
		s[c] = make([]float64, m)
	}
	return s
}
