package gbdt

import (
	"context"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

const (
	// A worker keeps the coefficients of a chunk of rows in all trees, and the
	// scores of a tile; both are meant to stay in the second cache level.
	chunkCells = 1 << 18
	tileScores = 1 << 16
	// panelCells bounds the query side that is expanded at a time.
	panelCells = 1 << 22
	// Query tiles hold whole blocks of 32 query rows, on which sinks sum.
	queryBlock = 32
)

// chunkRows returns how many train rows a worker encodes at a time.
func chunkRows(trees int) int64 {
	return min(max(chunkCells/int64(max(trees, 1))/64*64, 64), blockRows)
}

// queryTile returns how many query rows are joined at a time.
func queryTile(trees, perRow int) int64 {
	return max(panelCells/int64(max(trees, 1)*perRow)/queryBlock*queryBlock, queryBlock)
}

// Score implements influence.Scorer.
func (s *joinScorer) Score(ctx context.Context, j influence.Job, sink influence.Sink) error {
	l, err := s.Layout(j)
	if err != nil {
		return err
	}
	if err := sink.Begin(ctx, l); err != nil {
		return err
	}
	if sim, ok := s.est.(*leafSim); j.Precision == influence.Float64 || ok && sim.measure != Dot {
		return scoreJoin[float64](ctx, s, j, l, sink)
	}
	return scoreJoin[float32](ctx, s, j, l, sink)
}

func scoreJoin[F kernel.Float](ctx context.Context, s *joinScorer, j influence.Job, l influence.Layout, sink influence.Sink) error {
	sd, err := s.seeder(j.Of)
	if err != nil {
		return err
	}
	p := &join[F]{joinScorer: s, job: j, layout: l, sink: sink, seeder: sd, est: s.forQuantity(j.Of)}
	p.parts = []part[F]{{est: p.est}}
	p.workers = make([]*worker[F], s.model.workers)
	for unit := range sink.Missing() {
		if err := p.unit(ctx, unit); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// join is one run of a joinScorer.
type join[F kernel.Float] struct {
	*joinScorer
	job    influence.Job
	layout influence.Layout
	sink   influence.Sink
	seeder seeder
	est    estimator

	workers []*worker[F]
	parts   []part[F]       // the query side of partsAt
	partsAt influence.Range // query positions
	norms   []float64       // similarities: ‖φ‖² of the queries of partsAt
}

// A part is the queries that share an estimator: all of them, but for label
// edits, where train rows pull differently for each new label.
type part[F kernel.Float] struct {
	est   estimator
	panel *kernel.Panel[F]
}

// unit fills one unit: query tile by query tile, its train rows in chunks.
func (p *join[F]) unit(ctx context.Context, u influence.Range2) error {
	trees, per := len(p.model.forest.Trees), int64(p.layout.PerRow)
	first, last := u.Query.Lo/per, u.Query.Hi/per
	width := queryTile(trees, int(per))
	if p.job.Pools != nil {
		width = queryTile(p.model.forest.Leaves(), int(per)) // A pool may be in every leaf.
	}
	for lo := first; lo < last; lo += width {
		at := influence.Range{Lo: lo, Hi: min(lo+width, last)}
		if !p.job.Self {
			if err := p.expand(at); err != nil {
				return err
			}
		}
		step := chunkRows(trees)
		if len(p.parts) > 1 {
			step = min(step, rowsOfTile(at.Len()*per))
		}
		chunks := int((u.Train.Len() + step - 1) / step)
		err := parallel.For(ctx, p.model.workers, chunks, func(w, b int) error {
			if p.workers[w] == nil {
				p.workers[w] = newWorker(p)
			}
			lo := u.Train.Lo + int64(b)*step
			rows := influence.Range{Lo: lo, Hi: min(lo+step, u.Train.Hi)}
			switch {
			case p.job.Self:
				return p.workers[w].self(ctx, rows)
			case len(p.parts) > 1:
				return p.workers[w].mixed(ctx, rows, at)
			}
			return p.workers[w].tiles(ctx, rows, at)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// expand builds the panels of a range of query positions.
func (p *join[F]) expand(at influence.Range) error {
	if p.partsAt == at && p.parts[0].panel != nil {
		return nil
	}
	m, per := p.model, p.layout.PerRow
	w := seedRows{model: m, rows: p.job.Query, set: &p.queries.rows, queries: p.queries, seeder: p.seeder, when: p.est.seeding()}
	if p.job.Pools != nil {
		return p.expandPools(&w, at)
	}
	n := int(at.Len())
	leaf, seed, err := w.read(at)
	if err != nil {
		return err
	}
	if sim, ok := p.est.(*leafSim); ok {
		p.norms = sim.norms(leaf, n)
	}
	p.partsAt, p.parts = at, p.parts[:0]
	for _, target := range p.newLabels(at) {
		q := part[F]{est: p.est, panel: kernel.NewPanel[F](n * per)}
		if p.targets != nil {
			q.est = p.est.(editable).edit(target)
		}
		for u := range leaf {
			q.panel.AddTree(len(m.theta[u]), per, leaf[u], p.only(target, at, seed[u]))
		}
		p.parts = append(p.parts, q)
	}
	p.forget()
	return nil
}

// expandPools builds the panel of a range of pools.
func (p *join[F]) expandPools(w *seedRows, at influence.Range) error {
	sums, _, err := w.pooled(p.job.Pools, at)
	if err != nil {
		return err
	}
	panel := kernel.NewPanel[F](int(at.Len()) * p.layout.PerRow)
	for u := range sums {
		panel.AddSums(len(p.model.theta[u]), sums[u])
	}
	p.partsAt, p.parts = at, []part[F]{{est: p.est, panel: panel}}
	p.forget()
	return nil
}

// forget lets the workers drop the estimators of other parts.
func (p *join[F]) forget() {
	for _, w := range p.workers {
		if w != nil {
			w.est = nil
		}
	}
}

// newLabels returns the distinct new labels of a range of query positions in
// ascending order; without label edits a single 0.
func (p *join[F]) newLabels(at influence.Range) []float64 {
	if p.targets == nil {
		return []float64{0}
	}
	var out []float64
	for i := at.Lo; i < at.Hi; i++ {
		out = append(out, p.targets[p.job.Query.At(i)])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// only returns the seeds of the queries with one new label, 0 for the others.
func (p *join[F]) only(target float64, at influence.Range, seed []float64) []float64 {
	if p.targets == nil {
		return seed
	}
	out := slices.Clone(seed)
	per := p.layout.PerRow
	for e := range out {
		if p.targets[p.job.Query.At(at.Lo+int64(e/per))] != target {
			out[e] = 0
		}
	}
	return out
}

// runs cuts positions at into runs of consecutive rows inside one index block
// and calls fn with the first row, the number of rows and the offset in at.
func runs(rows influence.Rows, at influence.Range, fn func(row int64, m, off int) error) error {
	for lo := at.Lo; lo < at.Hi; {
		row := rows.At(lo)
		hi := lo + 1
		end := min(at.Hi, lo+blockRows-row%blockRows)
		for hi < end && rows.At(hi) == row+(hi-lo) {
			hi++
		}
		if err := fn(row, int(hi-lo), int(lo-at.Lo)); err != nil {
			return err
		}
		lo = hi
	}
	return nil
}
