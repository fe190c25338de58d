package influence

import (
	"context"

	"github.com/infl-dev/infl/internal/kernel"
)

// Directions returns what the gradients of train rows are multiplied with in the scores
// of queries: for each block of gradients a matrix with a row for each query position of
// area, in float64, that belongs to the caller.
//
//	d_q = b_q·H⁻¹     I(i, q) = Σ over blocks ⟨d_q, a_i⟩
//
// So d_q is a direction of the parameters: a step from θ to θ − ε·d_q changes the loss of
// train row i by −ε·I(i, q) to first order, for every row, whoever computes it. Scores
// that are divided by a norm are meant before that. Cost: what the scorer's inverses
// cost for so many queries.
//
// It is an error where scores are no such products: where a block has several terms, as
// with several checkpoints, or vectors are divided by their norms, or there are no
// queries; and where a query's vector is not finite.
func Directions(ctx context.Context, s Scorer, area Range) ([]kernel.Matrix[float64], error) {
	p, ok := s.(*productScorer)
	if !ok || !p.directed() {
		return nil, &UnsupportedError{What: "directions of " + s.Describe().Method, Reason: "its scores are not inner products with one vector for each query and block"}
	}
	_, queries := p.sides()
	j := Job{Query: RowRange(0, queries)}
	var out []kernel.Matrix[float64]
	for _, t := range p.terms {
		f := t.factors[0]
		m, _, err := readQueries(ctx, j, f, false, area)
		if err != nil {
			return nil, err
		}
		if m, err = f.inverted(ctx, m); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// directed reports whether there is one direction for each query and layer.
func (s *productScorer) directed() bool {
	if s.variants > 0 {
		return false
	}
	for i, t := range s.terms {
		if len(t.factors) != 1 || t.unit || t.weight != 1 || t.layer != i || t.factors[0].query == nil || t.factors[0].bias {
			return false
		}
	}
	return true
}
