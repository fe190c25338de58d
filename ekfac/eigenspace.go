package ekfac

import (
	"context"
	"slices"
	"sync"

	"github.com/infl-dev/infl/influence"
)

// inEigenbases has the gradients of blocks made in the eigenbases of their curvature, and
// changes inverses to those for them, where that is fewer operations than taking queries
// there and back: the scores are the same,
//
//	⟨b·H⁻¹, a⟩ = ⟨(Q_Sᵀ·B·Q_A) ∘ 1/(Λ + λ), Q_Sᵀ·A·Q_A⟩
//
// and the rows of linear maps are rotated at a cost of 2·(out² + in²) each. For what a
// row has to do with itself that is nearly always so. Queries that are cut go there alone:
// their factors come back.
func inEigenbases(c influence.Checkpoint, inverses []influence.Inverse, workers int) influence.Checkpoint {
	c.Train, c.Query = slices.Clone(c.Train), slices.Clone(c.Query)
	for l, v := range inverses {
		cut, isCut := v.(*cut)
		if isCut && c.Query != nil {
			shared := &sharedBases{inverse: cut.Inverse}
			if query, ok := rowsToRotate(cut.Inverse, 2, c.Query[l]); ok {
				cut.rotated = true
				c.Query[l] = influence.Rotate(query[0], workers, shared.bases)
			}
			continue
		}
		whole, _ := v.(*Inverse)
		if isCut {
			whole = cut.Inverse
		}
		shared := &sharedBases{inverse: whole}
		sides := []influence.Vectors{c.Train[l]}
		if c.Query != nil {
			sides = append(sides, c.Query[l])
		}
		rows, ok := rowsToRotate(whole, 4, sides...)
		if !ok {
			continue
		}
		inverses[l] = shared.diagonal()
		c.Train[l] = influence.Rotate(rows[0], workers, shared.bases)
		if c.Query != nil {
			c.Query[l] = influence.Rotate(rows[1], workers, shared.bases)
		}
	}
	return c
}

// rowsToRotate returns sides of scores as rows of linear maps; false where they are not, or
// where rotating them takes more operations than times·out·in·(out + in) for each vector of
// the last side.
func rowsToRotate(v *Inverse, times float64, sides ...influence.Vectors) ([]influence.OuterSums, bool) {
	o, i := float64(v.out), float64(v.in)
	cost := 0.0
	var all []influence.OuterSums
	for _, side := range sides {
		sums, ok := side.(influence.OuterSums)
		if !ok || sums.RowsEach() == 0 {
			return nil, false
		}
		cost += float64(sums.Rows()) * sums.RowsEach() * 2 * (o*o + i*i)
		all = append(all, sums)
	}
	return all, cost < times*float64(sides[len(sides)-1].Rows())*o*i*(o+i)
}

// sharedBases are the eigenbases of an inverse for whoever rotates rows.
type sharedBases struct {
	mu      sync.Mutex
	inverse *Inverse
}

func (s *sharedBases) curvature(ctx context.Context) (*Curvature, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.inverse.read(ctx)
	return s.inverse.curvature, err
}

func (s *sharedBases) bases(ctx context.Context) (influence.Bases, error) {
	c, err := s.curvature(ctx)
	if err != nil {
		return influence.Bases{}, err
	}
	return influence.Bases{Outputs: c.Output.Vectors, Inputs: c.Input.Vectors}, nil
}

// diagonal is the inverse for gradients that are in its eigenbases.
func (s *sharedBases) diagonal() diagonal {
	v := s.inverse
	return diagonal{&Inverse{invert: v.invert, out: v.out, in: v.in, workers: v.workers,
		load: func(ctx context.Context) (*Curvature, error) {
			c, err := s.curvature(ctx)
			if err != nil {
				return nil, err
			}
			return &Curvature{Module: c.Module, Eigenvalues: c.Eigenvalues}, nil
		}}}
}

// A diagonal is an [Inverse] for gradients that are in its eigenbases. It is an
// [influence.DiagonalInverse].
type diagonal struct{ *Inverse }

// Diagonal implements [influence.DiagonalInverse].
func (d diagonal) Diagonal(ctx context.Context) ([]float64, error) {
	err := d.prepare(ctx)
	return d.factors.Data, err
}

// Bytes implements [influence.Inverse].
func (d diagonal) Bytes(int64) int64 { return d.ownBytes() }

// Operations implements [influence.Inverse].
func (d diagonal) Operations(vectors int64) float64 {
	return float64(vectors) * float64(d.out) * float64(d.in)
}
