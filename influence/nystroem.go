package influence

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
)

// Nystroem returns the scores of [Exact] with a curvature of low rank beside the
// damping. With r = o.Rank random directions Ω, orthonormal and a function of o.Seed,
// the Fisher matrix F = H − λI is replaced by
//
//	F̂ = (F·Ω)·(Ωᵀ·F·Ω)⁻¹·(F·Ω)ᵀ = U·Λ·Uᵀ
//
// so that H⁻¹ ≈ U·(Λ + λ)⁻¹·Uᵀ + (I − U·Uᵀ)/λ (Frangella, Tropp and Udell 2023,
// algorithm 2.1, with their shift for rounding; Hataya and Yamada 2023 for influence).
// With r = d it is exact to rounding. λ must be above 0; a rank above d counts as d.
//
// Cost: 4·n·d·r operations and one read of the train gradients, and 4·q·d·r.
func Nystroem(c Checkpoint, o CurvatureOptions) (Scorer, error) {
	switch {
	case o.Rank < 1:
		return nil, fmt.Errorf("nystroem keeps %d directions of the curvature; say how many", o.Rank)
	case !o.Damping.Heuristic && o.Damping.Value == 0:
		return nil, errors.New("nystroem divides by the damping, which is 0; use a larger one")
	}
	d := lossDescription("nystroem")
	d.Source = "Frangella, Tropp and Udell (2023), algorithm 2.1; Hataya and Yamada (2023); sign turned"
	d.Approximate = []string{fmt.Sprintf("a curvature of rank %d beside the damping", o.Rank)}
	return throughInverse(c, o, d, func(h *fisher) (Inverse, error) {
		return &lowRank{fisher: h, rank: min(o.Rank, h.train.Cols()), seed: o.Seed}, nil
	})
}

type lowRank struct {
	*fisher
	rank int
	seed uint64

	u      kernel.Matrix[float64] // rank × d, orthonormal rows; without rows while not known
	values []float64
}

func (h *lowRank) Bytes(vectors int64) int64 {
	return h.timesBytes(int64(h.rank)) + (3*int64(h.rank)+vectors)*int64(h.train.Cols())*8
}

func (h *lowRank) Operations(vectors int64) float64 {
	return h.passOperations(int64(h.rank)) + 4*float64(vectors)*float64(h.rank)*float64(h.train.Cols())
}

// directions returns rank random orthonormal rows.
func (h *lowRank) directions() (kernel.Matrix[float64], error) {
	d := h.train.Cols()
	random := kernel.NewMatrix[float32](h.rank, d)
	kernel.NewGaussian(h.seed, h.rank).Entries(0, 0, random)
	omega := kernel.NewMatrix[float64](h.rank, d)
	for i, v := range random.Data {
		omega.Data[i] = float64(v)
	}
	for range 2 { // The second time repairs what rounding left of the first.
		gram := kernel.NewMatrix[float64](h.rank, h.rank)
		kernel.GemmNT(h.workers, omega, omega, gram)
		if err := dense.Cholesky(h.workers, gram); err != nil {
			return omega, fmt.Errorf("random directions: %w", err)
		}
		if err := dense.SolveLeft(h.workers, dense.Triangular{Matrix: gram}, omega); err != nil {
			return omega, fmt.Errorf("random directions: %w", err)
		}
	}
	return omega, nil
}

func (h *lowRank) prepare(ctx context.Context) error {
	omega, err := h.directions()
	if err != nil {
		return err
	}
	fisher := &fisher{train: h.train, scale: h.scale, workers: h.workers}
	y, err := fisher.times(ctx, omega)
	if err != nil {
		return err
	}
	if err := h.checkRows(ctx, y); err != nil {
		return err
	}
	shift := math.Sqrt(float64(y.Cols)) * 0x1p-52 * math.Sqrt(squaredNorm(y.Data))
	if shift == 0 {
		h.u, h.values = omega, make([]float64, h.rank)
		return nil
	}
	for i := range y.Data {
		y.Data[i] += float64(shift * omega.Data[i])
	}
	core := kernel.NewMatrix[float64](h.rank, h.rank)
	kernel.GemmNT(h.workers, omega, y, core)
	symmetric(core)
	if err := dense.Cholesky(h.workers, core); err != nil {
		return fmt.Errorf("nystroem: %w; use a smaller rank", err)
	}
	// Rows b = L⁻¹·y have F̂ = bᵀ·b; its eigenvectors are those of b·bᵀ, carried over.
	if err := dense.SolveLeft(h.workers, dense.Triangular{Matrix: core}, y); err != nil {
		return err
	}
	gram := kernel.NewMatrix[float64](h.rank, h.rank)
	kernel.GemmNT(h.workers, y, y, gram)
	squares := make([]float64, h.rank)
	if err := dense.Eigh(h.workers, gram, squares); err != nil {
		return err
	}
	u := kernel.NewMatrix[float64](h.rank, y.Cols)
	kernel.GemmNN(h.workers, gram, y, u)
	h.values = make([]float64, h.rank)
	for k, s := range squares {
		scale := 0.0
		if s > squares[h.rank-1]*0x1p-50 {
			scale = 1 / math.Sqrt(s)
		}
		row := u.Row(k)
		for i := range row {
			row[i] *= scale
		}
		h.values[k] = max(0, s-shift)
	}
	h.u = u
	return nil
}

// symmetric makes a matrix that is symmetric but for rounding so.
func symmetric(m kernel.Matrix[float64]) {
	for i := range m.Rows {
		for j := range i {
			v := (m.At(i, j) + m.At(j, i)) / 2
			m.Row(i)[j], m.Row(j)[i] = v, v
		}
	}
}

func (h *lowRank) Apply(ctx context.Context, rows kernel.Matrix[float64]) error {
	lambda, err := h.lambda(ctx)
	if err != nil {
		return err
	}
	if lambda == 0 {
		return errors.New("nystroem divides by the damping, which is 0 because all gradients of a block are")
	}
	if h.u.Rows == 0 {
		if err := h.prepare(ctx); err != nil {
			return err
		}
	}
	parts := kernel.NewMatrix[float64](rows.Rows, h.rank)
	kernel.GemmNT(h.workers, rows, h.u, parts)
	for q := range parts.Rows {
		row := parts.Row(q)
		for k := range row {
			row[k] *= 1/(h.values[k]+lambda) - 1/lambda
		}
	}
	for i := range rows.Data {
		rows.Data[i] /= lambda
	}
	kernel.GemmNN(h.workers, parts, h.u, rows)
	return h.checkRows(ctx, rows)
}
