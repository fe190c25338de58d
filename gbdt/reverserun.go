package gbdt

import (
	"context"
	"maps"
	"slices"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/parallel"
)

// reverseRun is one run of a reverseScorer.
type reverseRun struct {
	*reverseScorer
	job    influence.Job
	layout influence.Layout
	sink   influence.Sink
	seeder seeder
	passes map[int]*reversePass // by width; their memory is used again
}

// unit fills one unit.
func (r *reverseRun) unit(ctx context.Context, u influence.Range2) error {
	set, err := r.seeds(u)
	if err != nil {
		return err
	}
	var chunks []reverseChunk
	for lo := 0; lo < set.entries; lo += r.width() {
		c, err := r.backwards(ctx, set, lo, min(r.width(), set.entries-lo))
		if err != nil {
			return err
		}
		chunks = append(chunks, r.byLabel(c, u)...)
	}
	if r.job.Self {
		return r.diagonal(ctx, u, chunks)
	}
	return r.forwards(ctx, u, chunks)
}

// A reverseChunk is the result of one pass, or the columns of it that share a new
// label.
type reverseChunk struct {
	entries []int // which entries of the unit they are
	target  float64
	values  leafValues
	base    [][]float64 // what one unit of the initial score is worth, [class][seed]; nil where it is held
}

// backwards runs the pass of entries lo … lo+width−1 of the set.
func (r *reverseRun) backwards(ctx context.Context, set seedSet, lo, width int) (reverseChunk, error) {
	m := r.model
	if r.passes == nil {
		r.passes = make(map[int]*reversePass)
	}
	if r.passes[width] == nil {
		clear(r.passes)
		r.passes[width] = newReversePass(m, width, r.form)
	}
	values, through, err := r.passes[width].run(ctx, func(u int, v []float64) { set.add(u, lo, width, v) })
	c := reverseChunk{values: values, entries: make([]int, width)}
	for s := range c.entries {
		c.entries[s] = lo + s
	}
	if err != nil || !r.refit {
		return c, err
	}
	for class := range m.k {
		for s := range width {
			through[class][s] += set.total(class, lo+s)
		}
	}
	c.base = through
	return c, nil
}

// byLabel parts a chunk by the new labels of its queries: what a train row gives
// depends on them. Without a label edit there is one part.
func (r *reverseRun) byLabel(c reverseChunk, u influence.Range2) []reverseChunk {
	if r.targets == nil {
		return []reverseChunk{c}
	}
	columns := make(map[float64][]int)
	for s, e := range c.entries {
		target := r.targets[r.job.Query.At((u.Query.Lo+int64(e))/int64(r.layout.PerRow))]
		columns[target] = append(columns[target], s)
	}
	var out []reverseChunk
	for _, target := range slices.Sorted(maps.Keys(columns)) {
		out = append(out, c.only(target, columns[target]))
	}
	return out
}

// only returns some columns of a chunk.
func (c reverseChunk) only(target float64, columns []int) reverseChunk {
	pick := func(from [][]float64) [][]float64 {
		out := make([][]float64, len(from))
		for u, v := range from {
			rows := len(v) / len(c.entries)
			out[u] = make([]float64, 0, rows*len(columns))
			for l := range rows {
				for _, s := range columns {
					out[u] = append(out[u], v[l*len(c.entries)+s])
				}
			}
		}
		return out
	}
	out := reverseChunk{target: target, values: pick(c.values)}
	if c.base != nil {
		out.base = pick(c.base)
	}
	for _, s := range columns {
		out.entries = append(out.entries, c.entries[s])
	}
	return out
}

// forwards turns leaf values into scores, block by block of train positions.
func (r *reverseRun) forwards(ctx context.Context, u influence.Range2, chunks []reverseChunk) error {
	workers := make([]*forwardWorker, r.model.workers)
	step := min(max(int64(tileScores)/max(u.Query.Len(), 1), 1), blockRows)
	blocks := int((u.Train.Len() + step - 1) / step)
	return parallel.For(ctx, r.model.workers, blocks, func(w, b int) error {
		if workers[w] == nil {
			workers[w] = newForwardWorker(r)
		}
		lo := u.Train.Lo + int64(b)*step
		at := influence.Range{Lo: lo, Hi: min(lo+step, u.Train.Hi)}
		s, err := workers[w].scores(at, chunks)
		if err != nil {
			return err
		}
		return r.sink.Put(ctx, narrow(influence.Range2{Query: u.Query, Train: at}, s, r.layout.Precision))
	})
}

// diagonal puts the influence of the unit's train rows on themselves.
func (r *reverseRun) diagonal(ctx context.Context, u influence.Range2, chunks []reverseChunk) error {
	all, err := newForwardWorker(r).scores(u.Train, chunks)
	if err != nil {
		return err
	}
	n := int(u.Train.Len())
	own := make([]float64, n)
	for i := range own {
		own[i] = all[i*n+i]
	}
	return r.sink.Put(ctx, narrow(u, own, r.layout.Precision))
}
