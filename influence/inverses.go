package influence

import (
	"errors"
	"fmt"

	"github.com/infl-dev/infl/internal/parallel"
)

// A CurvatureOptions says how the inverse of the curvature is had. The curvature of
// each block of gradients is the damped empirical Fisher matrix of all train rows,
//
//	H = (1/n)·Σ_i g_i·g_iᵀ + λ·I
//
// or with Hessian the exact one.
type CurvatureOptions struct {
	ProductOptions
	Damping   Damping
	Rank      int    // of Nystroem
	Seed      uint64 // of Nystroem
	Normalize Normalization

	// Hessian are rows r of [HessianRows] for each block. Where there are any, the
	// curvature is (1/n)·Σ r·rᵀ + λ·I over all of them, and what a train row has of it is
	// the sum over its own.
	Hessian []Vectors

	// Remove are sets of train rows. Where there are any, the scorer's train rows are
	// these sets, and a score is about leaving a whole set out: the sum of the scores of
	// its rows, or from [Exact] and [LoGra] one Newton step
	//
	//	I(U, q) = Σ over blocks  b_qᵀ·(H − H_U/n)⁻¹·Σ_{i∈U} a_i     H_U = Σ_{i∈U} a_i·a_iᵀ
	//
	// (H_U is what U has of the exact Hessian where that is the curvature,)
	// which is exact for the projected model. A set of u rows costs u²·d or d²·u
	// operations. Sets may overlap; a set must not hold a row twice.
	Remove []Rows
}

// A Normalization divides scores by a norm of the train row, so that rows with large
// gradients do not lead every list.
type Normalization uint8

const (
	// AsTheyAre leaves scores as they are.
	AsTheyAre Normalization = iota

	// LRelatIF divides by √(g_iᵀ·H⁻¹·g_i), the root of the row's influence on itself
	// (Barshan, Brunet and Dziugaite 2020, definition 3).
	LRelatIF

	// ThetaRelatIF divides by ‖H⁻¹·g_i‖, how far the row moves the parameters (there,
	// definition 2).
	ThetaRelatIF
)

// throughInverse returns the scorer of ⟨b_q·H⁻¹, a_i⟩, summed over blocks, for inverses
// of the empirical Fisher matrices.
func throughInverse(c Checkpoint, o CurvatureOptions, d Description, invert func(*fisher) (Inverse, error)) (Scorer, error) {
	if err := o.Damping.validate(); err != nil {
		return nil, err
	}
	if o.Damping.Tikhonov {
		return nil, &UnsupportedError{What: d.Method + " with a damping of single eigenvalues", Reason: "it does not know them", Instead: "add a number"}
	}
	curvature := "the Hessian is the empirical Fisher matrix, without products between blocks"
	if o.Hessian != nil {
		curvature = "the Hessian is that of the layer alone, by the probabilities that its gradients tell"
	}
	d.Approximate = append(d.Approximate, curvature, "damping: "+o.Damping.String())
	return invertBlocks(c, o, d, func(_ int, h *fisher) (Inverse, error) { return invert(h) })
}

// WithInverses returns influence functions with an inverse curvature for each block of
// gradients:
//
//	I(i, q) = Σ over blocks l  b_q·H_l⁻¹·a_i     self: a_i·H_l⁻¹·a_i
//
// A nil inverse stands for the identity. d says method, form, source and approximations;
// the meaning of the sign and the unit are added to it. Inverses that have a damping have
// it already: that of the options is not used. Sets of train rows
// ([CurvatureOptions].Remove) are scored to first order. Everything else is as [Exact]
// has it.
func WithInverses(c Checkpoint, inverses []Inverse, d Description, o CurvatureOptions) (Scorer, error) {
	if len(inverses) != len(c.Train) {
		return nil, fmt.Errorf("%d blocks of gradients have %d inverses", len(c.Train), len(inverses))
	}
	meaning := lossDescription(d.Method)
	d.Signed, d.PositiveMeans, d.NegativeMeans = meaning.Signed, meaning.PositiveMeans, meaning.NegativeMeans
	return invertBlocks(c, o, d, func(l int, _ *fisher) (Inverse, error) { return inverses[l], nil })
}

// invertBlocks makes the terms of a scorer through inverses.
func invertBlocks(c Checkpoint, o CurvatureOptions, d Description, invert func(layer int, h *fisher) (Inverse, error)) (Scorer, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if err := errors.Join(checkSets(c, o), checkHessian(c, o.Hessian)); err != nil {
		return nil, err
	}
	var terms []term
	for l, train := range c.Train {
		if l > 0 {
			if err := sameRows(c.Train[0], train); err != nil {
				return nil, err
			}
		}
		h := meanFisher(train, o.Damping, parallel.Workers(o.Workers))
		if o.Hessian != nil {
			h.train = o.Hessian[l]
		}
		inv, err := invert(l, h)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", l, err)
		}
		scored := c.scored(l)
		if o.Remove != nil {
			newton, _ := inv.(*denseInverse)
			scored = &removedSets{fisher: h, gradients: train, sets: o.Remove, newton: newton}
		}
		terms = append(terms, term{weight: 1, layer: l, factors: []factor{{train: scored, query: c.query(l), inverse: inv}}})
	}
	d.Unit = "product of gradients of losses"
	if terms[0].factors[0].inverse != nil {
		one := 1 / float64(max(1, c.Train[0].Rows()))
		d.Unit, d.LOOFactor = "loss, times the number of train rows", &one
	}
	s, err := newProduct(terms, o.ProductOptions, d)
	if err != nil {
		return nil, err
	}
	if o.Remove != nil {
		s.aboutSets(terms[0].factors[0].train.(*removedSets).newton != nil)
	}
	return s.normalized(o.Normalize), nil
}

// checkHessian says why rows are not those of the checkpoint's Hessian.
func checkHessian(c Checkpoint, rows []Vectors) error {
	if rows == nil {
		return nil
	}
	if len(rows) != len(c.Train) {
		return fmt.Errorf("%d blocks of gradients have the Hessians of %d", len(c.Train), len(rows))
	}
	for l, r := range rows {
		if n := max(1, c.Train[l].Rows()); r.Cols() != c.Train[l].Cols() || r.Rows()%n != 0 {
			return fmt.Errorf("block %d: %d rows of %d numbers for the Hessians of %d gradients of %d", l, r.Rows(), r.Cols(), n, c.Train[l].Cols())
		}
	}
	return nil
}

// normalized makes the scorer divide by a norm of train rows.
func (s *productScorer) normalized(n Normalization) *productScorer {
	s.relative = n
	switch n {
	case LRelatIF:
		s.describe.Source += "; divided by the root of the row's self-influence: Barshan, Brunet and Dziugaite (2020), definition 3"
	case ThetaRelatIF:
		s.describe.Source += "; divided by the norm of the row's change of the parameters: Barshan, Brunet and Dziugaite (2020), definition 2"
	}
	if n != AsTheyAre {
		s.describe.Unit, s.describe.LOOFactor = s.describe.Unit+", by a norm of the train row", nil
	}
	return s
}

// Exact returns influence functions with the dense inverse of the curvature:
//
//	I(i, q) = Σ over blocks  g_qᵀ·H⁻¹·g_i     self: g_iᵀ·H⁻¹·g_i
//
// (Koh and Liang 2017, equation 2, without their minus sign: score > 0 means that the
// train row helps.) H is factored by Cholesky in float64, or where a block has fewer
// train rows than numbers, by way of the rows' inner products. It is an error where H
// is singular, or has more than 20,000 rows. The scores themselves are inner products in
// the job's precision, as [Dot] has them.
//
// Cost: n·d² + d³/3 operations beside those of Dot.
func Exact(c Checkpoint, o CurvatureOptions) (Scorer, error) {
	d := lossDescription("exact")
	d.Source = "Koh and Liang (2017), equation 2, sign turned"
	return throughInverse(c, o, d, factored)
}

// LoGra is [Exact] for gradients that were projected layer by layer, as LoGra does:
// each block is one layer's P_L·G·P_Rᵀ, and H the projected Gauss-Newton matrix (Choe
// et al. 2024, equations 3 and 5).
func LoGra(c Checkpoint, o CurvatureOptions) (Scorer, error) {
	d := lossDescription("logra")
	d.Source = "Choe et al. (2024), LoGra, equations 3 and 5"
	d.Approximate = []string{"gradients are projected"}
	return throughInverse(c, o, d, factored)
}

// factored is the dense inverse of a curvature that is not too large for it.
func factored(h *fisher) (Inverse, error) {
	inv := &denseInverse{fisher: h}
	return inv, inv.check()
}
