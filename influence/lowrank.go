package influence

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/infl-dev/infl/internal/kernel"
)

// A LowRankInverse is an [Inverse] of the curvature of a linear map which also
// approximates what it makes of gradients G, out × in numbers in row-major order, by
// matrices of low rank:
//
//	G·H⁻¹ ≈ Σ_l u_l·v_lᵀ     l = 1 … Rank
//
// Queries meet train rows as that. What a row has to do with itself, and norms of train
// rows, are not approximated.
type LowRankInverse interface {
	Inverse
	Rank() int

	// Factor returns the factors for each row.
	Factor(ctx context.Context, rows kernel.Matrix[float64]) (LowRank, error)

	// FactorBytes is the memory that Factor needs for so many vectors at a time.
	FactorBytes(vectors int64) int64
}

// LowRank are the factors of matrices: component l of matrix r is row r·Rank + l.
type LowRank struct {
	Outputs, Inputs kernel.Matrix[float64] // u and v

	// Errors has ‖G·H⁻¹ − Σ u·vᵀ‖ / ‖G·H⁻¹‖ of each matrix, in the Frobenius norm; 0 for a
	// zero.
	Errors []float64
}

// append adds the factors of further matrices.
func (f *LowRank) append(g LowRank) {
	f.Outputs = appendRows(f.Outputs, g.Outputs)
	f.Inputs = appendRows(f.Inputs, g.Inputs)
	f.Errors = append(f.Errors, g.Errors...)
}

func appendRows(m, n kernel.Matrix[float64]) kernel.Matrix[float64] {
	return kernel.MatrixOf(append(m.Data, n.Data...), m.Rows+n.Rows, n.Cols)
}

// matrices returns the matrices themselves, one in each row.
func (f LowRank) matrices(workers int) kernel.Matrix[float64] {
	out, in := f.Outputs.Cols, f.Inputs.Cols
	m := kernel.NewMatrix[float64](len(f.Errors), out*in)
	if m.Rows == 0 {
		return m
	}
	rank := f.Outputs.Rows / m.Rows
	starts := make([]int, m.Rows+1)
	for r := range starts {
		starts[r] = r * rank
	}
	kernel.OuterSums(workers, starts, f.Outputs, f.Inputs, m)
	return m
}

// lowRank returns the inverse of a factor that has queries of low rank, or nil.
func (f factor) lowRank() LowRankInverse {
	low, _ := f.inverse.(LowRankInverse)
	return low
}

// cutsQueries reports whether queries have a low rank in some block.
func (s *productScorer) cutsQueries() bool {
	return slices.ContainsFunc(s.terms, func(t term) bool { return t.factors[0].lowRank() != nil })
}

// factorQueries returns the queries of a slab through an inverse of low rank, some at a
// time: their gradients take more memory than the factors.
func (r *productRun[F]) factorQueries(ctx context.Context, t int, f factor, slab Range) (LowRank, error) {
	var all LowRank
	err := r.eachQueries(ctx, f, slab, func(rows kernel.Matrix[float64]) error {
		for lo := 0; lo < rows.Rows; lo += queryBlock {
			factors, err := f.lowRank().Factor(ctx, rows.Block(lo, 0, min(queryBlock, rows.Rows-lo), rows.Cols))
			if err != nil {
				return err
			}
			all.append(factors)
		}
		return nil
	})
	if err != nil {
		return all, err
	}
	r.cuts.note(t, r.job.Query, slab.Lo, all.Errors)
	return all, nil
}

// A LowRankError is how much of queries was cut off, over queries and blocks of gradients
// of low rank: [LowRank].Errors.
type LowRankError struct{ Mean, Largest float64 }

// ErrorOfRank returns what the jobs of a scorer have cut off their queries; false where
// it cuts nothing off, or has scored nothing yet.
func ErrorOfRank(s Scorer) (LowRankError, bool) {
	p, ok := s.(*productScorer)
	if !ok {
		return LowRankError{}, false
	}
	return p.cuts.total()
}

// cutErrors are the errors of each term of low rank, for the query rows that were scored.
type cutErrors struct {
	mu sync.Mutex
	of map[int]map[int64]float64
}

// note takes the errors of a term for the queries of a job from a position on.
func (c *cutErrors) note(term int, queries Rows, first int64, errors []float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[term] == nil {
		c.of[term] = map[int64]float64{}
	}
	for i, e := range errors {
		c.of[term][queries.At(first+int64(i))] = e
	}
}

// total sums up in the order of terms and query rows, whatever came first.
func (c *cutErrors) total() (all LowRankError, some bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, t := range slices.Sorted(maps.Keys(c.of)) {
		for _, row := range slices.Sorted(maps.Keys(c.of[t])) {
			e := c.of[t][row]
			all.Mean += e
			all.Largest = max(all.Largest, e)
			n++
		}
	}
	if n > 0 {
		all.Mean /= float64(n)
	}
	return all, n > 0
}
