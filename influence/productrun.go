package influence

import (
	"context"
	"slices"
	"sync"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// productRun is a job of a productScorer in one precision.
type productRun[F kernel.Float] struct {
	*productScorer
	job    Job
	layout Layout
	sink   Sink

	slab   Range         // of the query rows that are held
	panels [][]*panel[F] // of each factor of each term

	// Of a chunk of train rows: the sum over terms so far, and the product of the
	// factors so far.
	sum, product kernel.Matrix[F]

	buffer []F // train rows in F
	inputs []F // those of outer products
	norms  []F // squared
	scale  []F // of train rows, with unit

	rowScale []F // of the rows of a chunk, from its first; nil for 1

	mu  sync.Mutex
	err error // the first one of the goroutines
}

func scoreProducts[F kernel.Float](ctx context.Context, s *productScorer, j Job, l Layout, sink Sink) error {
	r := &productRun[F]{productScorer: s, job: j, layout: l, sink: sink}
	slabs := s.slabs(l)
	missing := slices.Collect(sink.Missing())
	if len(missing) == 0 && s.cutsQueries() { // How much it cuts off is to be known all the same.
		for _, slab := range slabs {
			if err := r.hold(ctx, slab); err != nil {
				return err
			}
		}
	}
	for _, unit := range missing {
		for _, slab := range slabs {
			if err := r.hold(ctx, slab); err != nil {
				return err
			}
			if err := r.unit(ctx, Range2{r.entries(slab), unit.Train}); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// hold packs the queries of a slab, if they are not held already.
func (r *productRun[F]) hold(ctx context.Context, slab Range) error {
	if r.job.Self || r.panels != nil && r.slab == slab {
		return nil
	}
	r.panels = nil // The memory is for the next ones.
	panels := make([][]*panel[F], len(r.terms))
	for t, x := range r.terms {
		for i := range x.factors {
			p, err := r.queryPanel(ctx, t, i, slab)
			if err != nil {
				return err
			}
			panels[t] = append(panels[t], p)
		}
	}
	r.slab, r.panels = slab, panels
	return nil
}

// queryPanel packs the queries of a slab for a factor.
func (r *productRun[F]) queryPanel(ctx context.Context, t, i int, slab Range) (*panel[F], error) {
	x, f := r.terms[t], r.terms[t].factors[i]
	weight := 1.0
	if i == 0 {
		weight = x.weight
	}
	if sums := r.unformed(x, r.layout); sums != nil {
		return r.unformedPanel(ctx, t, sums, slab, weight)
	}
	if f.lowRank() != nil {
		factors, err := r.factorQueries(ctx, t, f, slab)
		if err != nil {
			return nil, err
		}
		return newPanel[F](r.workers, factors.matrices(r.workers), nil, weight, f.train.Dtype())
	}
	m, pluses, err := readQueries(ctx, r.job, f, x.unit, slab)
	if err != nil {
		return nil, err
	}
	if m, err = f.inverted(ctx, m); err != nil {
		return nil, err
	}
	return newPanel[F](r.workers, m, pluses, weight, f.train.Dtype())
}

// unit scores a unit's train rows on the held queries.
func (r *productRun[F]) unit(ctx context.Context, area Range2) error {
	rows := area.Train.Len()
	if !r.direct() {
		rows = chunkRows(area.Query.Len())
	}
	for lo := area.Train.Lo; lo < area.Train.Hi; lo += rows {
		part := Range2{area.Query, Range{lo, min(lo+rows, area.Train.Hi)}}
		if err := r.chunk(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// chunk adds up the terms of a part of the scores.
func (r *productRun[F]) chunk(ctx context.Context, part Range2) error {
	if err := r.scaleRows(ctx, part.Train); err != nil {
		return err
	}
	if !r.direct() || r.job.Self {
		r.sum = cleared(r.sum, part)
	}
	for t, x := range r.terms {
		for i, f := range x.factors {
			if err := r.stream(ctx, t, i, f, part); err != nil {
				return err
			}
		}
	}
	if r.direct() && !r.job.Self {
		return nil
	}
	return r.putSum(ctx, part)
}

// stream has the train rows of a part meet a factor.
func (r *productRun[F]) stream(ctx context.Context, t, i int, f factor, part Range2) error {
	if sums := r.unformed(r.terms[t], r.layout); sums != nil && !r.job.Self {
		return outerPiecesOf(sums).each(ctx, r.job.Train, part.Train, func(first int64, b OuterBlock) error {
			r.multiplyRows(ctx, t, part, first, b)
			return firstError(r.err, ctx.Err())
		})
	}
	if sums := r.terms[t].quadratic(); sums != nil && r.job.Self {
		return r.addSelf(ctx, r.terms[t], sums, part)
	}
	return eachPiece(ctx, f.train, r.job.Train, part.Train, func(first int64, b dataset.Block) error {
		if r.job.Self {
			return firstError(r.squares(ctx, t, i, part, first, b), ctx.Err())
		}
		r.multiply(ctx, t, i, part, first, b)
		return firstError(r.err, ctx.Err())
	})
}

// cleared returns zeros for the scores of a part, in m's memory where it suffices.
func cleared[F kernel.Float](m kernel.Matrix[F], part Range2) kernel.Matrix[F] {
	n, q := int(part.Train.Len()), int(part.Query.Len())
	if cap(m.Data) < n*q {
		return kernel.NewMatrix[F](n, q)
	}
	clear(m.Data[:n*q])
	return kernel.MatrixOf(m.Data[:n*q], n, q)
}

// multiply multiplies a block of train rows with the queries of a factor.
func (r *productRun[F]) multiply(ctx context.Context, t, i int, part Range2, first int64, b dataset.Block) {
	x, p := r.terms[t], r.panels[t][i]
	d := x.factors[i].train.Dtype()
	var scale []F
	if x.unit {
		scale = r.unitScales(b, x.factors[i])
	}
	if len(x.factors) > 1 && i == 0 && first == part.Train.Lo {
		r.product = cleared(r.product, Range2{r.slab, part.Train})
	}
	p.eachBlock(r.workers, b, d, &r.buffer, func(_, row int, c kernel.Matrix[F]) {
		if scale != nil || p.plus != nil {
			rescale(c, scale, row, p.plus)
		}
		r.take(ctx, t, i, part, first+int64(row)-part.Train.Lo, c)
	})
}

// take takes what a factor makes of train rows, from the at-th of a part on.
func (r *productRun[F]) take(ctx context.Context, t, i int, part Range2, at int64, c kernel.Matrix[F]) {
	x := r.terms[t]
	switch {
	case r.direct():
		if r.rowScale != nil {
			rescale(c, r.rowScale, int(at), nil)
		}
		r.put(ctx, Range2{part.Query, Range{part.Train.Lo + at, part.Train.Lo + at + int64(c.Rows)}}, c)
	case len(x.factors) == 1:
		r.addToSum(int(at), x.layer, c)
	case i == 0:
		addTo(r.product.Block(int(at), 0, c.Rows, c.Cols), c)
	default:
		product := r.product.Block(int(at), 0, c.Rows, c.Cols)
		multiplyBy(product, c)
		if i == len(x.factors)-1 {
			r.addToSum(int(at), x.layer, product)
		}
	}
}

// rescale writes (c + plus)·scale to c, for rows of scale from row on.
func rescale[F kernel.Float](c kernel.Matrix[F], scale []F, row int, plus []F) {
	for i := range c.Rows {
		out := c.Row(i)
		for q, v := range plus {
			out[q] += v
		}
		if scale == nil {
			continue
		}
		s := scale[row+i]
		for q := range out {
			out[q] *= s
		}
	}
}

// addToSum adds scores of a layer, from a row of the chunk on.
func (r *productRun[F]) addToSum(row, layer int, c kernel.Matrix[F]) {
	if r.layers == 0 {
		addTo(r.sum.Block(row, 0, c.Rows, c.Cols), c)
		return
	}
	for i := range c.Rows {
		out := r.sum.Row(row + i)
		for q, v := range c.Row(i) {
			out[q*r.layers+layer] += v
		}
	}
}

func addTo[F kernel.Float](sum, c kernel.Matrix[F]) {
	for i := range c.Rows {
		out := sum.Row(i)
		for q, v := range c.Row(i) {
			out[q] += v
		}
	}
}

func multiplyBy[F kernel.Float](product, c kernel.Matrix[F]) {
	for i := range c.Rows {
		out := product.Row(i)
		for q, v := range c.Row(i) {
			out[q] *= v
		}
	}
}

// unitScales returns 1/√(‖x‖² + 1 with a bias) of each row of a block.
func (r *productRun[F]) unitScales(b dataset.Block, f factor) []F {
	m := matrixOf(r.workers, b, f.train.Dtype(), &r.buffer)
	r.scale = r.squaredNorms(m)
	for i, s := range r.scale {
		square := float64(s)
		if !safeNorm(square) {
			square = squaredNorm(m.Row(i))
		}
		r.scale[i] = F(inverseNorm(square + f.plus()))
	}
	return r.scale
}

// squaredNorms returns the squared norms of rows in memory that the next call uses
// again.
func (r *productRun[F]) squaredNorms(m kernel.Matrix[F]) []F { return r.rowDots(m, m) }

// rowDots returns the inner products of the rows of m with those of n, in the same memory.
func (r *productRun[F]) rowDots(m, n kernel.Matrix[F]) []F {
	r.norms = slices.Grow(r.norms[:0], m.Rows)[:m.Rows]
	kernel.RowDots(r.workers, m, n, r.norms)
	return r.norms
}

// squares adds what a block of train rows has to do with itself.
func (r *productRun[F]) squares(ctx context.Context, t, i int, part Range2, first int64, b dataset.Block) error {
	x := r.terms[t]
	f := x.factors[i]
	at := int(first - part.Train.Lo)
	if i == 0 && first == part.Train.Lo {
		r.product = cleared(r.product, part)
	}
	m := matrixOf(r.workers, b, f.train.Dtype(), &r.buffer)
	right := m
	if f.inverse != nil {
		var err error
		if right, err = r.moved(ctx, f, m); err != nil {
			return err
		}
	}
	squares := r.rowDots(m, right)
	for k, s := range squares {
		v := s + F(f.plus())
		if x.unit && v-v == 0 {
			v = 0
			if f.bias || squaredNorm(m.Row(k)) > 0 {
				v = 1
			}
		}
		p := &r.product.Data[at+k]
		if i == 0 {
			*p = F(v * F(x.weight))
		} else {
			*p = F(*p * v)
		}
		if i == len(x.factors)-1 {
			r.sum.Data[at+k] += *p
		}
	}
	return nil
}

// moved returns the rows of m times the inverse of a factor, in F.
func (r *productRun[F]) moved(ctx context.Context, f factor, m kernel.Matrix[F]) (kernel.Matrix[F], error) {
	wide := kernel.NewMatrix[float64](m.Rows, m.Cols)
	err := parallel.For(ctx, r.workers, m.Rows, func(_, i int) error {
		to := wide.Row(i)
		for j, v := range m.Row(i) {
			to[j] = float64(v)
		}
		return nil
	})
	if err == nil {
		err = f.inverse.Apply(ctx, wide)
	}
	return inType[F](r.workers, wide, 1), err
}

// putSum hands over the sums of a chunk.
func (r *productRun[F]) putSum(ctx context.Context, part Range2) error {
	const rows = 256
	if r.rowScale != nil {
		rescale(r.sum, r.rowScale, 0, nil)
	}
	err := parallel.For(ctx, r.workers, (r.sum.Rows+rows-1)/rows, func(_, b int) error {
		lo, n := b*rows, min(rows, r.sum.Rows-b*rows)
		at := part.Train.Lo + int64(lo)
		r.put(ctx, Range2{part.Query, Range{at, at + int64(n)}}, r.sum.Block(lo, 0, n, r.sum.Cols))
		return nil
	})
	return firstError(r.err, err)
}

// put hands over scores, all of which must be finite. Errors go to r.err.
func (r *productRun[F]) put(ctx context.Context, area Range2, c kernel.Matrix[F]) {
	if r.failed() {
		return
	}
	if at := finite(c.Data); at >= 0 {
		width := area.Query.Len()
		r.fail(r.explain(ctx, area.Query.Lo+int64(at)%width, area.Train.Lo+int64(at)/width))
		return
	}
	tile := Tile{Range2: area}
	switch scores := any(c.Data).(type) {
	case []float32:
		tile.F32 = scores
	case []float64:
		tile.F64 = scores
	}
	if err := r.sink.Put(ctx, tile); err != nil {
		r.fail(err)
	}
}

func (r *productRun[F]) failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err != nil
}

func (r *productRun[F]) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// explain says why a score is not finite: because of the vectors of train rows, or
// because finite numbers are too large for the precision.
func (r *productRun[F]) explain(ctx context.Context, entry, position int64) error {
	for _, x := range r.terms {
		for _, f := range x.factors {
			if err := checkFinite(ctx, f.train, "train", r.job.Train); err != nil {
				return err
			}
		}
	}
	return overflow(entry, r.job.Train.At(position), r.layout.Precision)
}
