package ekfac

import (
	"context"
	"slices"
	"sync"

	"github.com/infl-dev/infl/influence"
)

// inEigenbases has the gradients of blocks made in the eigenbases of their curvature, and
// changes inverses to those for them, where queries are not cut and that is fewer
// operations than taking queries there and back: the scores are the same,
//
//	⟨b·H⁻¹, a⟩ = ⟨(Q_Sᵀ·B·Q_A) ∘ 1/(Λ + λ), Q_Sᵀ·A·Q_A⟩
//
// and the rows of linear maps are rotated at a cost of 2·(out² + in²) each. For what a
// row has to do with itself that is nearly always so.
func inEigenbases(c influence.Checkpoint, inverses []influence.Inverse, workers int) influence.Checkpoint {
	c.Train, c.Query = slices.Clone(c.Train), slices.Clone(c.Query)
	for l := range inverses {
		v, whole := inverses[l].(*Inverse)
		train, ok := c.Train[l].(influence.OuterSums)
		if !whole || !ok || train.RowsEach() == 0 {
			continue
		}
		rows, vectors := float64(train.Rows())*train.RowsEach(), train.Rows()
		var query influence.OuterSums
		if c.Query != nil {
			if query, ok = c.Query[l].(influence.OuterSums); !ok || query.RowsEach() == 0 {
				continue
			}
			vectors = query.Rows()
			rows += float64(vectors) * query.RowsEach()
		}
		if o, i := float64(v.out), float64(v.in); rows*2*(o*o+i*i) >= v.Operations(vectors) {
			continue
		}
		shared := &sharedBases{inverse: v}
		inverses[l] = shared.diagonal()
		c.Train[l] = influence.Rotate(train, workers, shared.bases)
		if query != nil {
			c.Query[l] = influence.Rotate(query, workers, shared.bases)
		}
	}
	return c
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
