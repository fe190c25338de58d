package influence

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// Stationarity is how far a last layer Θ is from a stationary point of its loss J.
type Stationarity struct {
	Residual float64 `json:"residual"` // the largest |∂J/∂Θ|
	Relative float64 `json:"relative"` // the same by the largest |μ·Θ|: about the relative error of what logits add up to
}

// mostRelative is the largest relative residual of gradients that are taken as they are.
const mostRelative = 1e-3

// A NotStationaryError says that gradients are not those of a layer at the minimum of
// its loss, so that coefficients made of them do not add up to its logits.
type NotStationaryError struct{ Stationarity }

func (e *NotStationaryError) Error() string {
	return fmt.Sprintf("the last layer is not at a stationary point of its regularised cross-entropy: the slope is %.2g of the penalty's, above %g; check the regularisation, or give the logits, to which the layer is fitted", e.Relative, mostRelative)
}

// A stationaryLayer knows the coefficients of a last layer once it is settled: from the
// layer's gradients, or by a fit to logits. As Vectors, which settle when they are first
// read, it is the gradients or, after a fit, the coefficients.
type stationaryLayer struct {
	softmaxLayer
	source Vectors // gradients or logits, n × K
	fitted bool    // source are logits

	mu      sync.Mutex
	settled bool
	found   Stationarity
	err     error
	rows    Vectors // the layer as vectors
}

func newStationaryLayer(p RepresenterPoints, o ProductOptions) *stationaryLayer {
	l := &stationaryLayer{source: p.Gradients}
	l.softmaxLayer = softmaxLayer{features: p.TrainFeatures, bias: p.Bias, l2: p.L2, workers: parallel.Workers(o.Workers)}
	if p.Logits != nil {
		l.source, l.fitted = p.Logits, true
	}
	return l
}

// bytes is the memory of a settled layer: targets, chances, and what a block needs.
func (l *stationaryLayer) bytes() int64 { return 2 * 8 * l.source.Rows() * int64(l.source.Cols()) }

// operations is what a fit is expected to cost.
func (l *stationaryLayer) operations() float64 {
	const passes = 200
	pass := 4 * float64(l.source.Rows()) * float64(l.source.Cols()) * float64(l.width())
	if !l.fitted {
		return 2 * pass
	}
	return passes * pass
}

// settle finds the coefficients and how stationary the layer is, once. An interrupted
// call may be made again.
func (l *stationaryLayer) settle(ctx context.Context) (Stationarity, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.settled {
		return l.found, l.err
	}
	l.found, l.err = l.examine(ctx)
	l.settled = ctx.Err() == nil
	return l.found, l.err
}

func (l *stationaryLayer) examine(ctx context.Context) (Stationarity, error) {
	for _, v := range []Vectors{l.features, l.source} {
		if err := checkFinite(ctx, v, "train", RowRange(0, v.Rows())); err != nil {
			return Stationarity{}, err
		}
	}
	var err error
	if l.targets, err = readAll(ctx, l.source); err != nil {
		return Stationarity{}, err
	}
	l.chances = kernel.NewMatrix[float64](l.targets.Rows, l.targets.Cols)
	if !l.fitted {
		return l.check(ctx)
	}
	for i := range l.targets.Rows {
		softmax(l.targets.Row(i))
	}
	theta, residual, err := l.fit(ctx)
	if err != nil {
		return Stationarity{}, err
	}
	scale := -1 / (l.l2 * float64(max(1, l.targets.Rows)))
	for i, p := range l.chances.Data {
		l.targets.Data[i] = scale * (p - l.targets.Data[i])
	}
	l.rows, err = VectorsOf(l.targets.Data, l.targets.Cols)
	return l.stationarity(residual, theta), err
}

// check compares the gradients with those at the layer that they make,
//
//	Θ = −(1/(μ·n))·Σ_i g_i·f_iᵀ
//
// A gradient of the cross-entropy is the chances less the label, so that the label is the
// largest of chances less gradient.
func (l *stationaryLayer) check(ctx context.Context) (Stationarity, error) {
	gradients := l.targets
	theta, err := l.sum(ctx, func(first, end int, f, into kernel.Matrix[float64]) {
		kernel.GemmTN(l.workers, gradients.Block(first, 0, end-first, gradients.Cols), f, into)
	})
	if err != nil {
		return Stationarity{}, err
	}
	for i := range theta.Data {
		theta.Data[i] /= -l.l2 * float64(max(1, gradients.Rows))
	}
	l.targets = kernel.NewMatrix[float64](gradients.Rows, gradients.Cols)
	if _, err = l.slope(ctx, theta); err != nil { // for the chances
		return Stationarity{}, err
	}
	for i := range gradients.Rows {
		label, most := 0, -1.0
		for k, p := range l.chances.Row(i) {
			if v := p - gradients.At(i, k); v > most {
				label, most = k, v
			}
		}
		l.targets.Row(i)[label] = 1
	}
	slope, err := l.slope(ctx, theta)
	if err != nil {
		return Stationarity{}, err
	}
	l.targets, l.chances = kernel.Matrix[float64]{}, kernel.Matrix[float64]{}
	l.rows = l.source
	found := l.stationarity(largest(slope.Data), theta)
	if !(found.Relative <= mostRelative) {
		return found, &NotStationaryError{found}
	}
	return found, nil
}

// stationarity puts a residual in relation to the slope of the penalty.
func (l *stationaryLayer) stationarity(residual float64, theta kernel.Matrix[float64]) Stationarity {
	s := Stationarity{Residual: residual}
	if residual > 0 {
		s.Relative = residual / (l.l2 * largest(theta.Data))
	}
	return s
}

func (l *stationaryLayer) Rows() int64 { return l.source.Rows() }
func (l *stationaryLayer) Cols() int   { return l.source.Cols() }

func (l *stationaryLayer) Dtype() dataset.Dtype {
	if l.fitted {
		return dataset.Float64
	}
	return l.source.Dtype()
}

func (l *stationaryLayer) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	if _, err := l.settle(ctx); err != nil {
		return func(yield func(dataset.Block, error) bool) { yield(dataset.Block{}, err) }
	}
	return l.rows.Blocks(ctx, lo, hi)
}
