package influence

import (
	"context"
	"fmt"
	"sync"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// An Inverse maps gradients of a block to what is multiplied with train gradients: each
// row v becomes v·H⁻¹ for the curvature H of the block. It is used from one goroutine at
// a time.
type Inverse interface {
	// Apply overwrites rows. The first call reads what it needs to know of H.
	Apply(ctx context.Context, rows kernel.Matrix[float64]) error

	// Bytes is the memory that it needs for so many vectors at a time, and Operations
	// what it costs for so many in all: an estimate where the number of steps is not
	// known before.
	Bytes(vectors int64) int64
	Operations(vectors int64) float64
}

// A Damping is what is added to the diagonal of a curvature. The zero value adds
// nothing.
type Damping struct {
	Heuristic bool    // a tenth of the mean eigenvalue of each block, instead of Value
	Value     float64 // at least 0

	// Times is what the damping is multiplied with, to see how much depends on it; 0 means
	// 1.
	Times float64

	// Tikhonov has an eigenvalue Λ inverted to Λ/(Λ² + Value) instead of 1/(Λ + Value).
	// Only inverses that know the eigenvalues have it.
	Tikhonov bool
}

// validate refuses a value that nothing can be damped by.
func (d Damping) validate() error {
	if v := d.Value * d.times(); !(v >= 0) || v-v != 0 {
		return fmt.Errorf("a damping of %v; it must be a number that is not negative", v)
	}
	return nil
}

func (d Damping) times() float64 {
	if d.Times == 0 {
		return 1
	}
	return d.Times
}

// Of returns λ for a block whose curvature has such a mean eigenvalue.
func (d Damping) Of(mean float64) float64 {
	if d.Heuristic {
		return 0.1 * mean * d.times()
	}
	return d.Value * d.times()
}

// String says it for a description.
func (d Damping) String() string {
	switch {
	case d.Heuristic:
		return "a tenth of the mean eigenvalue of each block"
	case d.Tikhonov:
		return fmt.Sprintf("eigenvalues Λ are inverted to Λ/(Λ² + %v)", d.Value)
	}
	return fmt.Sprint(d.Value)
}

// A fisher is the curvature of one block of gradients as a sum of outer products,
// damped:
//
//	H = scale·Σ_n g_n·g_nᵀ + λ·I
//
// over all train rows, whose gradients make the empirical Fisher matrix, or over the
// rows of [HessianRows]. All its arithmetic is float64; sums over rows are chains in
// blocks of 4,096 rows, which meet on a binary tree.
type fisher struct {
	train   Vectors
	scale   float64 // 1/n for a mean
	damping Damping
	workers int

	mu    sync.Mutex
	known bool
	lam   float64
}

// meanFisher returns the mean of the outer products, damped.
func meanFisher(train Vectors, d Damping, workers int) *fisher {
	return &fisher{train: train, scale: 1 / float64(max(1, train.Rows())), damping: d, workers: workers}
}

// lambda returns λ, which is found in one pass where it is heuristic.
func (h *fisher) lambda(ctx context.Context) (float64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.damping.Heuristic {
		return h.damping.Of(0), nil
	}
	if h.known {
		return h.lam, nil
	}
	sum, err := h.sumRows(ctx, 1, 1, func(_ int64, g, into kernel.Matrix[float64]) {
		for i := range g.Rows {
			into.Data[0] += squaredNorm(g.Row(i))
		}
	})
	if err != nil {
		return 0, err
	}
	h.lam = h.damping.Of(h.scale * sum.Data[0] / float64(h.train.Cols()))
	if h.lam-h.lam != 0 {
		return 0, h.notFinite(ctx)
	}
	h.known = true
	return h.lam, nil
}

// notFinite says which rows are the reason why a result is not finite.
func (h *fisher) notFinite(ctx context.Context) error {
	if err := checkFinite(ctx, h.train, "train", RowRange(0, h.train.Rows())); err != nil {
		return err
	}
	return fmt.Errorf("the curvature of %d train gradients is beyond float64", h.train.Rows())
}

// sumRows is [sumBlocks] over the train rows.
func (h *fisher) sumRows(ctx context.Context, rows, cols int, add func(first int64, g, into kernel.Matrix[float64])) (kernel.Matrix[float64], error) {
	return sumBlocks(ctx, h.train, h.workers, rows, cols, add)
}

// times returns v·H for rows v.
func (h *fisher) times(ctx context.Context, v kernel.Matrix[float64]) (kernel.Matrix[float64], error) {
	lambda, err := h.lambda(ctx)
	if err != nil {
		return v, err
	}
	out, err := h.sumRows(ctx, v.Rows, v.Cols, func(_ int64, g, into kernel.Matrix[float64]) {
		products := kernel.NewMatrix[float64](v.Rows, g.Rows)
		kernel.GemmNT(h.workers, v, g, products)
		kernel.GemmNN(h.workers, products, g, into)
	})
	for i, x := range v.Data {
		out.Data[i] = float64(h.scale*out.Data[i]) + float64(lambda*x)
	}
	return out, err
}

// timesBytes is the memory that times needs for so many vectors.
func (h *fisher) timesBytes(vectors int64) int64 {
	levels := int64(2)
	for n := h.train.Rows() / parallel.BlockRows; n > 0; n /= 2 {
		levels++
	}
	return levels*vectors*int64(h.train.Cols())*8 + vectors*parallel.BlockRows*8
}

// passOperations is what one product of so many vectors with H costs.
func (h *fisher) passOperations(vectors int64) float64 {
	return 4 * float64(h.train.Rows()) * float64(vectors) * float64(h.train.Cols())
}

// checkRows returns an error where the vectors that an inverse has made are not
// finite.
func (h *fisher) checkRows(ctx context.Context, rows kernel.Matrix[float64]) error {
	if finite(rows.Data) >= 0 {
		return h.notFinite(ctx)
	}
	return nil
}
