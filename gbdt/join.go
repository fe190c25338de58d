package gbdt

import (
	"context"
	"fmt"

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
	q := int64(0)
	if s.queries != nil {
		q = s.queries.Rows()
	}
	if err := j.Validate(s.model.Rows(), q); err != nil {
		return err
	}
	l, err := s.Layout(j)
	if err != nil {
		return err
	}
	if err := sink.Begin(ctx, l); err != nil {
		return err
	}
	if j.Precision == influence.Float64 {
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
	panel   *kernel.Panel[F] // the query side of panelAt
	panelAt influence.Range  // query positions
}

// unit fills one unit: query tile by query tile, its train rows in chunks.
func (p *join[F]) unit(ctx context.Context, u influence.Range2) error {
	trees, per := len(p.model.forest.Trees), int64(p.layout.PerRow)
	step := chunkRows(trees)
	chunks := int((u.Train.Len() + step - 1) / step)
	first, last := u.Query.Lo/per, u.Query.Hi/per
	for lo := first; lo < last; lo += queryTile(trees, int(per)) {
		at := influence.Range{Lo: lo, Hi: min(lo+queryTile(trees, int(per)), last)}
		if !p.job.Self {
			if err := p.expand(at); err != nil {
				return err
			}
		}
		err := parallel.For(ctx, p.model.workers, chunks, func(w, b int) error {
			if p.workers[w] == nil {
				p.workers[w] = newWorker(p)
			}
			lo := u.Train.Lo + int64(b)*step
			rows := influence.Range{Lo: lo, Hi: min(lo+step, u.Train.Hi)}
			if err := p.workers[w].encode(rows); err != nil {
				return err
			}
			if p.job.Self {
				return p.workers[w].self(ctx, rows)
			}
			return p.workers[w].tiles(ctx, rows, at)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// expand builds the panel of a range of query positions.
func (p *join[F]) expand(at influence.Range) error {
	if p.panel != nil && p.panelAt == at {
		return nil
	}
	m, per := p.model, p.layout.PerRow
	n := int(at.Len())
	leaf := make([][]uint32, len(m.theta))
	seed := make([][]float64, len(m.theta))
	for u := range leaf {
		leaf[u] = make([]uint32, n)
		seed[u] = make([]float64, n*per)
	}
	e := newSeedWalk(m, &p.queries.rows, p.seeder, p.est.seeding())
	err := runs(p.job.Query, at, func(row int64, m, off int) error {
		return e.run(row, m, p.queries, leaf, seed, off)
	})
	if err != nil {
		return err
	}
	panel := kernel.NewPanel[F](n * per)
	for u := range leaf {
		panel.AddTree(len(m.theta[u]), per, leaf[u], seed[u])
	}
	p.panel, p.panelAt = panel, at
	return nil
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

// A worker encodes chunks of train rows and joins them with the panel.
type worker[F kernel.Float] struct {
	p     *join[F]
	rows  *rowBlock
	est   estimator
	walk  *seedWalk
	leaf  [][]uint32 // [tree][row of the chunk]
	a     [][]F
	seeds [][]float64 // self-influence: [tree][row of the chunk]
	s     []F
}

func newWorker[F kernel.Float](p *join[F]) *worker[F] {
	m := p.model
	w := &worker[F]{p: p, rows: m.newRowBlock(&m.train, p.est.second()), est: p.est.clone()}
	step := chunkRows(len(m.theta))
	w.leaf, w.a = make([][]uint32, len(m.theta)), make([][]F, len(m.theta))
	for u := range w.leaf {
		w.leaf[u], w.a[u] = make([]uint32, step), make([]F, step)
	}
	if p.job.Self {
		w.walk = newSeedWalk(m, &m.train, p.seeder, p.est.seeding())
		w.seeds = make([][]float64, len(m.theta))
		for u := range w.seeds {
			w.seeds[u] = make([]float64, step)
		}
	}
	return w
}

// encode computes leaves and coefficients of a chunk of train positions.
func (w *worker[F]) encode(at influence.Range) error {
	m := w.p.model
	return runs(w.p.job.Train, at, func(row int64, n, off int) error {
		if err := w.rows.load(row, n); err != nil {
			return err
		}
		for t := range m.iters {
			w.rows.derive(t)
			for c, a := range w.est.coefficients(w.rows, t) {
				u := t*m.k + c
				copy(w.leaf[u][off:], w.rows.leaf[c])
				dst := w.a[u][off : off+n]
				for i, v := range a {
					dst[i] = F(v)
				}
			}
			w.rows.advance(t)
		}
		return nil
	})
}

// tiles joins the encoded chunk with the panel and puts the scores.
func (w *worker[F]) tiles(ctx context.Context, at, queries influence.Range) error {
	p := w.p
	entries := int64(p.panel.Entries())
	per := int64(p.layout.PerRow)
	rows := min(max(tileScores/max(entries, 1), 1), at.Len())
	if int64(len(w.s)) < rows*entries {
		w.s = make([]F, rows*entries)
	}
	for lo := at.Lo; lo < at.Hi; lo += rows {
		hi := min(lo+rows, at.Hi)
		a, b := int(lo-at.Lo), int(hi-at.Lo)
		s := w.s[:(hi-lo)*entries]
		clear(s)
		for u := range w.leaf {
			p.panel.Join(u, w.leaf[u][a:b], w.a[u][a:b], s)
		}
		if err := w.agree(s, lo, hi, queries); err != nil {
			return err
		}
		r := influence.Range2{Query: influence.Range{Lo: queries.Lo * per, Hi: queries.Hi * per}, Train: influence.Range{Lo: lo, Hi: hi}}
		if err := p.sink.Put(ctx, tile(r, s)); err != nil {
			return err
		}
	}
	return nil
}

// agree gives similarities the sign of agreeing labels.
func (w *worker[F]) agree(s []F, lo, hi int64, queries influence.Range) error {
	p := w.p
	if sim, ok := p.est.(*leafSim); !ok || !sim.signed {
		return nil
	}
	n := queries.Len()
	for i := lo; i < hi; i++ {
		y := p.model.train.y[p.job.Train.At(i)]
		row := s[(i-lo)*n : (i-lo+1)*n]
		for e := range row {
			q := p.job.Query.At(queries.Lo + int64(e))
			row[e] *= F(p.model.agreement(y, p.queries.rows.y[q], p.queries.margins[0][q]))
		}
	}
	return nil
}

// self puts the influence of each row of the encoded chunk on itself.
func (w *worker[F]) self(ctx context.Context, at influence.Range) error {
	p := w.p
	n := int(at.Len())
	err := runs(p.job.Train, at, func(row int64, n, off int) error {
		return w.walk.run(row, n, nil, nil, w.seeds, off)
	})
	if err != nil {
		return err
	}
	if len(w.s) < n {
		w.s = make([]F, n)
	}
	s := w.s[:n]
	clear(s)
	for u := range w.a {
		for i := range s {
			s[i] += F(w.a[u][i] * F(w.seeds[u][i]))
		}
	}
	if sim, ok := p.est.(*leafSim); ok && sim.signed {
		for i := range s {
			row := p.job.Train.At(at.Lo + int64(i))
			s[i] *= F(p.model.agreement(p.model.train.y[row], p.model.train.y[row], w.walk.final[0][i]))
		}
	}
	return p.sink.Put(ctx, tile(influence.Range2{Query: influence.Range{Lo: 0, Hi: 1}, Train: at}, s))
}

func tile[F kernel.Float](r influence.Range2, s []F) influence.Tile {
	t := influence.Tile{Range2: r}
	switch v := any(s).(type) {
	case []float32:
		t.F32 = v
	case []float64:
		t.F64 = v
	default:
		panic(fmt.Sprintf("a tile of %T", s))
	}
	return t
}
