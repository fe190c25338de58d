package ekfac

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
)

// A Segment is a part of training during which curvature and learning rate hardly change.
type Segment struct {
	Factors *Factors
	Train   []influence.Vectors // the gradients of modules at a checkpoint of the segment
	Rate    float64             // the mean learning rate η; with momentum β, η/(1 − β)
	Steps   int64               // K, of gradient descent
}

// SourceOptions say which curvature segments have. The zero value is the default.
type SourceOptions struct {
	influence.ProductOptions
	Strategy Strategy // "" means what the factors were fitted for
	Form     Form     // "" means Exact
}

// Source returns influence by unrolling training segment by segment (Bae et al. 2024,
// SOURCE, section 3, sign turned):
//
//	I(i, q) = Σ_l ⟨b_q·S_L·…·S_{l+1}·R_l, a_i,l⟩
//	S_l = exp(−η_l·K_l·H_l)     R_l = (1 − exp(−η_l·K_l·H_l))·H_l⁻¹
//
// for segments l = 1 … L in order of training, gradients a_i,l of train rows at the
// segment's checkpoint, and the gradients b_q of query rows at the last one. R_l is
// η_l·K_l where H_l is zero, so nothing is damped. A score > 0 says that the train row
// helps the query; leaving it out of training changes the query's loss by about I/n.
// names are the modules of the blocks, the same in all segments.
//
// A query goes through L − l + 1 functions of curvature for segment l.
func Source(segments []Segment, query []influence.Vectors, names []string, o SourceOptions) (influence.Scorer, error) {
	if err := validateSegments(segments, query, names); err != nil {
		return nil, err
	}
	var all influence.Checkpoint
	var inverses []influence.Inverse
	decays := make([]chain, len(names)) // through the segments after this one, the last one first
	for l := len(segments) - 1; l >= 0; l-- {
		own := &segments[l]
		for b, name := range names {
			moved, err := own.function(name, o, response)
			if err != nil {
				return nil, fmt.Errorf("segment %d: %w", l, err)
			}
			all.Train = append(all.Train, own.Train[b])
			inverses = append(inverses, append(slices.Clone(decays[b]), moved))
			if query != nil {
				all.Query = append(all.Query, query[b])
			}
			left, err := own.function(name, o, decay)
			if err != nil {
				return nil, fmt.Errorf("segment %d: %w", l, err)
			}
			decays[b] = append(decays[b], left)
		}
	}
	form := Exact
	if o.Form != "" {
		form = o.Form
	}
	d := influence.Description{Method: "source", Form: string(form), Source: "Bae et al. (2024), SOURCE, section 3, sign turned", Approximate: []string{
		"curvature and gradients do not change within a segment of training",
		"modules do not interact: the curvature is one block for each",
		fmt.Sprintf("training is %d segments of gradient descent, each with the gradients of one checkpoint", len(segments)),
	}}
	return influence.WithInverses(all, inverses, d, influence.CurvatureOptions{ProductOptions: o.ProductOptions})
}

func validateSegments(segments []Segment, query []influence.Vectors, names []string) error {
	var errs []error
	if len(segments) == 0 {
		errs = append(errs, errors.New("there are no segments of training"))
	}
	if query != nil && len(query) != len(names) {
		errs = append(errs, fmt.Errorf("%d modules have %d blocks of query gradients", len(names), len(query)))
	}
	for l, s := range segments {
		if len(s.Train) != len(names) {
			errs = append(errs, fmt.Errorf("segment %d: %d modules have %d blocks of train gradients", l, len(names), len(s.Train)))
		}
		if s.Factors == nil {
			errs = append(errs, fmt.Errorf("segment %d: has no factors", l))
		}
		if !(s.Rate > 0) || s.Rate-s.Rate != 0 {
			errs = append(errs, fmt.Errorf("segment %d: a learning rate of %v; it must be above 0", l, s.Rate))
		}
		if s.Steps < 1 {
			errs = append(errs, fmt.Errorf("segment %d: %d steps; there must be one at least", l, s.Steps))
		}
	}
	return errors.Join(errs...)
}

// function returns a function of η·K and the eigenvalues of a module in the segment.
func (s *Segment) function(module string, o SourceOptions, of func(rate, eigenvalue float64) float64) (*Inverse, error) {
	strategy := o.Strategy
	if strategy == "" {
		strategy = s.Factors.Method()
	}
	if err := s.Factors.serves(strategy); err != nil {
		return nil, err
	}
	rate := s.Rate * float64(s.Steps)
	return s.Factors.function(module, strategy, o.Form, o.Workers, func(c *Curvature) (kernel.Matrix[float64], error) {
		out := kernel.NewMatrix[float64](c.Eigenvalues.Rows, c.Eigenvalues.Cols)
		for i, x := range c.Eigenvalues.Data {
			out.Data[i] = of(rate, x)
		}
		return out, nil
	})
}

// decay is how much of a change of the parameters is left after a segment.
func decay(rate, eigenvalue float64) float64 { return kernel.Exp(-rate * eigenvalue) }

// response is how far a segment moves the parameters for a gradient of 1.
func response(rate, eigenvalue float64) float64 {
	x := rate * eigenvalue
	if x < 1e-3 { // Where 1 − exp(−x) would lose digits, its series has them all.
		return rate * (1 - x/2*(1-x/3*(1-x/4)))
	}
	return (1 - kernel.Exp(-x)) / eigenvalue
}

// A chain applies functions of curvature one after the other.
type chain []*Inverse

// Apply implements [influence.Inverse].
func (c chain) Apply(ctx context.Context, rows kernel.Matrix[float64]) error {
	for _, v := range c {
		if err := v.Apply(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

// Bytes implements [influence.Inverse].
func (c chain) Bytes(vectors int64) (bytes int64) {
	for _, v := range c {
		bytes += v.Bytes(vectors)
	}
	return bytes
}

// Operations implements [influence.Inverse].
func (c chain) Operations(vectors int64) (n float64) {
	for _, v := range c {
		n += v.Operations(vectors)
	}
	return n
}
