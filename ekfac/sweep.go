package ekfac

import (
	"context"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
)

// A sweep is the damped inverses of a module's curvature for several dampings. A gradient
// is rotated into the eigenbasis once. It is an [influence.Sweep].
type sweep struct {
	*Inverse
	dampings []influence.Damping
	factors  []kernel.Matrix[float64] // of each damping; nil while the curvature is not read
}

// Count implements [influence.Sweep].
func (s *sweep) Count() int { return len(s.dampings) }

// ApplyEach implements [influence.Sweep].
func (s *sweep) ApplyEach(ctx context.Context, rows kernel.Matrix[float64]) (kernel.Matrix[float64], error) {
	if err := s.prepareEach(ctx); err != nil {
		return rows, err
	}
	if err := s.fits(rows); err != nil {
		return rows, err
	}
	out := kernel.NewMatrix[float64](rows.Rows*len(s.factors), rows.Cols)
	s.images(rows, out, s.factors...)
	return out, ctx.Err()
}

func (s *sweep) prepareEach(ctx context.Context) error {
	if s.factors != nil {
		return nil
	}
	if err := s.read(ctx); err != nil {
		return err
	}
	var all []kernel.Matrix[float64]
	for _, d := range s.dampings {
		f, err := invertEigenvalues(s.curvature, d)
		if err != nil {
			return err
		}
		all = append(all, f)
	}
	s.factors = all
	return nil
}

// Bytes implements [influence.Sweep].
func (s *sweep) Bytes(vectors int64) int64 {
	n := int64(len(s.dampings))
	return s.Inverse.Bytes(vectors) + n*s.rotatingBytes(vectors) + 8*n*int64(s.out)*int64(s.in)
}

// Operations implements [influence.Sweep].
func (s *sweep) Operations(vectors int64) float64 {
	return s.Inverse.Operations(vectors) * float64(len(s.dampings)+1) / 2
}

// Sweep is [Scores] for several dampings, from one pass over the train rows: a query row
// has an entry for each, in order. The damping of the options is not used.
func Sweep(f *Factors, c influence.Checkpoint, names []string, dampings []influence.Damping, o ScoreOptions) (influence.Scorer, error) {
	if o.Rank > 0 {
		return nil, &influence.UnsupportedError{What: "several dampings of queries of low rank", Reason: "each cuts off something else", Instead: "use one damping, or no rank"}
	}
	inverses, o, err := inversesOf(f, c, names, o)
	if err != nil {
		return nil, err
	}
	sweeps := make([]influence.Sweep, len(inverses))
	for l, v := range inverses {
		sweeps[l] = &sweep{Inverse: v, dampings: slices.Clone(dampings)}
	}
	d := describe(f, o)
	d.Approximate = append(d.Approximate, "damping: the one that each score names")
	return influence.WithSweeps(c, sweeps, d, o.CurvatureOptions)
}
