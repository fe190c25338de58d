package influence

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// A Projection is a random linear map of vectors to Size numbers, a function of Kind,
// Size and Seed alone; of the kinds bergson and bergson-normal it is a map of the gradient of a
// layer to Size × Size numbers, see [ProjectBergson]. It keeps inner products on average: E⟨Px, Py⟩ = ⟨x, y⟩, with an
// error of variance (‖x‖²·‖y‖² + ⟨x, y⟩²)/Size at most.
type Projection struct {
	Kind string `json:"kind"` // srht, rademacher, gaussian, bergson or bergson-normal
	Size int    `json:"size"` // a power of two for srht
	Seed uint64 `json:"seed"`
}

// ParseProjection reads D or D:KIND; without a kind it is srht.
func ParseProjection(text string, seed uint64) (Projection, error) {
	size, kind, named := strings.Cut(text, ":")
	n, err := strconv.Atoi(size)
	p := Projection{Kind: kind, Size: n, Seed: seed}
	if !named {
		p.Kind = "srht"
	}
	if err != nil {
		return p, fmt.Errorf("projection %q is not known; use D, D:srht, D:rademacher, D:gaussian, D:bergson or D:bergson-normal", text)
	}
	return p, p.Validate()
}

// Validate returns an error where there is no such projection.
func (p Projection) Validate() error {
	const most = 1 << 24
	switch {
	case !slices.Contains([]string{"srht", "rademacher", "gaussian", "bergson", "bergson-normal"}, p.Kind):
		return fmt.Errorf("projection %q is not known; use srht, rademacher, gaussian, bergson or bergson-normal", p.Kind)
	case p.OfLayers() && p.Size > 4096:
		return fmt.Errorf("a projection to %d × %[1]d numbers; use 1 to 4096", p.Size)
	case p.Size < 1 || p.Size > most:
		return fmt.Errorf("a projection to %d numbers; use 1 to %d", p.Size, most)
	case p.Kind == "srht" && bits.OnesCount(uint(p.Size)) != 1:
		return fmt.Errorf("a projection to %d numbers by srht, which needs a power of two; use %d", p.Size, 1<<bits.Len(uint(p.Size)))
	}
	return nil
}

// OfLayers says whether p projects gradients of layers, for which [ProjectBergson] is.
func (p Projection) OfLayers() bool { return p.Kind == "bergson" || p.Kind == "bergson-normal" }

// Numbers returns how many numbers a vector of so many becomes.
func (p Projection) Numbers(of int64) int64 {
	if p.OfLayers() {
		return int64(p.Size) * int64(p.Size)
	}
	return min(of, int64(p.Size))
}

func (p Projection) projector() kernel.Projector {
	switch p.Kind {
	case "rademacher":
		return kernel.NewRademacher(p.Seed, p.Size)
	case "gaussian":
		return kernel.NewGaussian(p.Seed, p.Size)
	}
	return kernel.NewHadamard(p.Seed, p.Size)
}

// Project returns the projections of vectors, which are made while they are read, in
// float32. Vectors of fewer numbers than Size are returned as they are.
func Project(v Vectors, p Projection, workers int) (Vectors, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if p.OfLayers() {
		return nil, errors.New("bergson projects the gradients of layers of known shape, those of a capture")
	}
	if v.Cols() <= p.Size {
		return v, nil
	}
	return projected{v, p.projector(), parallel.Workers(workers)}, nil
}

type projected struct {
	Vectors
	by      kernel.Projector
	workers int
}

func (p projected) Cols() int            { return p.by.Size() }
func (p projected) Dtype() dataset.Dtype { return dataset.Float32 }

func (p projected) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		var buffer, out []float32
		for b, err := range p.Vectors.Blocks(ctx, lo, hi) {
			if err != nil {
				yield(b, err)
				return
			}
			x := matrixOf(p.workers, b, p.Vectors.Dtype(), &buffer)
			if n := x.Rows * p.Cols(); cap(out) < n {
				out = make([]float32, n)
			} else {
				out = out[:n]
			}
			p.by.Project(p.workers, x, kernel.MatrixOf(out, x.Rows, p.Cols()))
			if !yield(dataset.Block{First: b.First, Rows: b.Rows, Cols: p.Cols(), Float32: out}, nil) {
				return
			}
		}
	}
}
