package ekfac

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// A cut is an [Inverse] whose results are approximated by matrices of low rank, for
// queries. It is an [influence.LowRankInverse]: what is cut is the gradient between the
// rotations, so that only its factors are rotated back.
type cut struct {
	*Inverse
	rank    int
	sketch  bool // a random one where both sides are wide
	seed    uint64
	rotated bool // queries are in the eigenbases already; train rows are not
}

// cutTo returns the inverse with queries of the rank of the options; itself without one,
// and where the rank cuts nothing off.
func (v *Inverse) cutTo(o ScoreOptions) influence.Inverse {
	const exact = 512
	small := min(v.out, v.in)
	if o.Rank == 0 || small <= o.Rank {
		return v
	}
	return &cut{Inverse: v, rank: o.Rank, sketch: small > exact && o.Form != Compat, seed: o.Seed}
}

// Rank implements [influence.LowRankInverse].
func (c *cut) Rank() int { return c.rank }

// Factor implements [influence.LowRankInverse].
func (c *cut) Factor(ctx context.Context, rows kernel.Matrix[float64]) (influence.LowRank, error) {
	n, k := rows.Rows, c.rank
	f := influence.LowRank{Errors: make([]float64, n)}
	if err := c.prepare(ctx); err != nil {
		return f, err
	}
	turned := len(c.curvature.Input.Vectors.Data) > 0
	if turned && !c.rotated {
		rotated := kernel.NewMatrix[float64](n, rows.Cols)
		c.rotate(rows, rotated)
		rows = rotated
	}
	f.Outputs, f.Inputs = kernel.NewMatrix[float64](n*k, c.out), kernel.NewMatrix[float64](n*k, c.in)
	signs := c.signs()
	scaled := make([]kernel.Matrix[float64], parallel.Workers(c.workers)) // of each worker
	err := parallel.For(ctx, c.workers, n, func(worker, r int) (err error) {
		m := &scaled[worker]
		if m.Data == nil {
			*m = kernel.NewMatrix[float64](c.out, c.in)
		}
		for j, v := range rows.Row(r) {
			m.Data[j] = v * c.factors.Data[j]
		}
		f.Errors[r], err = c.factor(*m, signs, f.Outputs.Block(r*k, 0, k, c.out), f.Inputs.Block(r*k, 0, k, c.in))
		return err
	})
	if err != nil || !turned {
		return f, err
	}
	outputs, inputs := kernel.NewMatrix[float64](n*k, c.out), kernel.NewMatrix[float64](n*k, c.in)
	kernel.GemmNT(c.workers, f.Outputs, c.curvature.Output.Vectors, outputs)
	kernel.GemmNT(c.workers, f.Inputs, c.curvature.Input.Vectors, inputs)
	f.Outputs, f.Inputs = outputs, inputs
	return f, ctx.Err()
}

// factor writes the factors of one matrix and returns what they leave of it.
func (c *cut) factor(m kernel.Matrix[float64], signs kernel.Matrix[float64], u, v kernel.Matrix[float64]) (left float64, err error) {
	if c.sketch {
		left, err = sketchTo(m, signs, u, v)
	} else {
		left, err = cutTo(m, u, v)
	}
	if err != nil {
		return 0, fmt.Errorf("module %q: a query of rank %d: %w", c.curvature.Module, c.rank, err)
	}
	return left, nil
}

// FactorBytes implements [influence.LowRankInverse].
func (c *cut) FactorBytes(vectors int64) int64 {
	small := int64(min(c.out, c.in))
	return c.Bytes(vectors) + 8*(vectors*int64(2*c.rank*(c.out+c.in))+int64(c.workers)*small*small*4)
}
