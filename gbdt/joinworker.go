package gbdt

import (
	"context"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
)

// A worker encodes chunks of train rows and joins them with the panel.
type worker[F kernel.Float] struct {
	p     *join[F]
	rows  *rowBlock
	est   []estimator // one per part, made when it is first needed
	walk  *seedWalk
	leaf  [][]uint32 // [tree][row of the chunk]
	a     [][]F
	seeds [][]float64 // self-influence: [tree][row of the chunk]
	s     []F
}

func newWorker[F kernel.Float](p *join[F]) *worker[F] {
	m := p.model
	w := &worker[F]{p: p, rows: m.newRowBlock(&m.train, p.est.second())}
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

// encode computes leaves and the coefficients for one part of a chunk of train
// positions.
func (w *worker[F]) encode(at influence.Range, part int) error {
	m := w.p.model
	for len(w.est) < len(w.p.parts) {
		w.est = append(w.est, nil)
	}
	if w.est[part] == nil {
		w.est[part] = w.p.parts[part].est.clone()
	}
	return runs(w.p.job.Train, at, func(row int64, n, off int) error {
		if err := w.rows.load(row, n); err != nil {
			return err
		}
		for t := range m.iters {
			w.rows.derive(t)
			for c, a := range w.est[part].coefficients(w.rows, t) {
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

// rowsOfTile returns how many train rows a tile of so many entries has.
func rowsOfTile(entries int64) int64 { return max(tileScores/max(entries, 1), 1) }

// tiles encodes a chunk, joins it with the panel and puts the scores.
func (w *worker[F]) tiles(ctx context.Context, at, queries influence.Range) error {
	if err := w.encode(at, 0); err != nil {
		return err
	}
	var norms []float64
	if sim, ok := w.p.est.(*leafSim); ok {
		norms = sim.norms(w.leaf, int(at.Len()))
	}
	panel := w.p.parts[0].panel
	rows := rowsOfTile(int64(panel.Entries()))
	for lo := at.Lo; lo < at.Hi; lo += rows {
		tile := influence.Range{Lo: lo, Hi: min(lo+rows, at.Hi)}
		s := w.clean(tile.Len() * int64(panel.Entries()))
		w.join(panel, int(tile.Lo-at.Lo), int(tile.Hi-at.Lo), s)
		w.measure(s, norms, at.Lo, tile, queries)
		if err := w.put(ctx, tile, queries, s); err != nil {
			return err
		}
	}
	return nil
}

// mixed adds up a tile over parts with different estimators: each query has
// coefficients in one of them.
func (w *worker[F]) mixed(ctx context.Context, at, queries influence.Range) error {
	s := w.clean(at.Len() * int64(w.p.parts[0].panel.Entries()))
	for k, part := range w.p.parts {
		if err := w.encode(at, k); err != nil {
			return err
		}
		w.join(part.panel, 0, int(at.Len()), s)
	}
	return w.put(ctx, at, queries, s)
}

// clean returns n scores of 0.
func (w *worker[F]) clean(n int64) []F {
	if int64(len(w.s)) < n {
		w.s = make([]F, n)
	}
	s := w.s[:n]
	clear(s)
	return s
}

// join adds all trees to the scores of rows lo … hi−1 of the encoded chunk.
func (w *worker[F]) join(panel *kernel.Panel[F], lo, hi int, s []F) {
	for u := range w.leaf {
		panel.Join(u, w.leaf[u][lo:hi], w.a[u][lo:hi], s)
	}
}

func (w *worker[F]) put(ctx context.Context, rows, queries influence.Range, s []F) error {
	per := int64(w.p.layout.PerRow)
	r := influence.Range2{Query: influence.Range{Lo: queries.Lo * per, Hi: queries.Hi * per}, Train: rows}
	return w.p.sink.Put(ctx, tile(r, s, w.p.layout.Precision))
}

// measure turns products of leaf vectors into the similarity that is asked for,
// with the sign of agreeing labels. first is the position of the chunk's first row,
// and norms are those of the chunk.
func (w *worker[F]) measure(s []F, norms []float64, first int64, rows, queries influence.Range) {
	p := w.p
	sim, ok := p.est.(*leafSim)
	if !ok || !sim.signed && sim.measure == Dot {
		return
	}
	n := queries.Len()
	for i := rows.Lo; i < rows.Hi; i++ {
		y := p.model.train.y[p.job.Train.At(i)]
		row := s[(i-rows.Lo)*n : (i-rows.Lo+1)*n]
		for e := range row {
			v := float64(row[e])
			if sim.measure != Dot {
				v = sim.measure.of(v, norms[i-first], p.norms[e], p.layout.Precision)
			}
			if sim.signed {
				q := p.job.Query.At(queries.Lo + int64(e))
				v *= p.model.agreement(y, p.queries.rows.y[q], p.queries.margins[0][q])
			}
			row[e] = F(v)
		}
	}
}

// self puts the influence of each row of a chunk on itself.
func (w *worker[F]) self(ctx context.Context, at influence.Range) error {
	if err := w.encode(at, 0); err != nil {
		return err
	}
	p := w.p
	n := int(at.Len())
	err := runs(p.job.Train, at, func(row int64, n, off int) error {
		return w.walk.run(row, n, nil, nil, w.seeds, off)
	})
	if err != nil {
		return err
	}
	s := w.clean(int64(n))
	for u := range w.a {
		for i := range s {
			s[i] += F(w.a[u][i] * F(w.seeds[u][i]))
		}
	}
	if sim, ok := p.est.(*leafSim); ok {
		norms := sim.norms(w.leaf, n)
		for i := range s {
			v := float64(s[i])
			if sim.measure != Dot {
				v = sim.measure.of(v, norms[i], norms[i], p.layout.Precision)
			}
			if row := p.job.Train.At(at.Lo + int64(i)); sim.signed {
				v *= p.model.agreement(p.model.train.y[row], p.model.train.y[row], w.walk.final[0][i])
			}
			s[i] = F(v)
		}
	}
	return p.sink.Put(ctx, tile(influence.Range2{Query: influence.Range{Lo: 0, Hi: 1}, Train: at}, s, p.layout.Precision))
}

// tile wraps scores of either type; float64 ones are rounded where the job asks
// for float32.
func tile[F kernel.Float](r influence.Range2, s []F, p influence.Precision) influence.Tile {
	switch v := any(s).(type) {
	case []float32:
		return influence.Tile{Range2: r, F32: v}
	case []float64:
		return narrow(r, v, p)
	}
	return influence.Tile{Range2: r}
}
