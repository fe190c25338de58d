package gbdt

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/parallel"
)

// BoostInLCA returns BoostIn without its demand that train row and query share a
// leaf: in each tree the two meet at the lowest common ancestor a of their leaves,
//
//	I(i, q) = Σ_{t,c} ω(a) · w_i(η·g_i + θ_a·h_i)/D_a · dL/dF_c(q)
//
// where D_a and θ_a are what the node would have as a leaf (for a leaf its own),
// ω(a) = e^depth(a)/Σ_{d=0}^{depth of the tree} e^d, and the slope of the query is
// taken where the pair's ancestors have led: at the query's initial score plus θ_a
// of the iterations before. Where all rows meet in leaves only the weights ω tell
// it from BoostIn. The influence of a row on itself is a job with Self; queries may
// be nil for it.
//
// Label edits and the compat form are an error. A model whose verdict does not
// allow derivative methods is an error too.
//
// Source: Choubey, "Enhancing Influence Estimation in Gradient Boosted Decision
// Trees Through Hierarchical Analysis", Rochester Institute of Technology, 2025,
// BoostInLCA. Its program takes 2(F − y) for the slope of any loss, after the tree
// has been added, and η once more on θ; here it is the slope of the query's own
// loss before the tree, as in BoostIn, and all outputs count.
//
// Cost: T evaluations of the loss for each pair of train row and query: it is not a
// join, and takes some 10 ns for each pair and tree.
func (m *Model) BoostInLCA(queries *Queries, o Options) (influence.Scorer, error) {
	switch {
	case o.Form == CompatForm:
		return nil, fmt.Errorf("boostin-lca has no compat form")
	case o.LabelEdit != nil:
		return nil, &influence.UnsupportedError{What: "a label edit with boostin-lca", Reason: "its source has none", Instead: "use boostin"}
	}
	own, err := m.derivative(queries, o, &boostin{model: m}, "boostin-lca")
	if err != nil {
		return nil, err
	}
	return &lcaScorer{model: m, queries: queries, grid: own}, nil
}

// lcaScorer scores pair by pair.
type lcaScorer struct {
	model   *Model
	queries *Queries
	grid    *joinScorer // for the layout
}

// Describe implements influence.Scorer.
func (s *lcaScorer) Describe() influence.Description { return s.describe(influence.Quantity{}) }

func (s *lcaScorer) describe(of influence.Quantity) influence.Description {
	d := (&boostin{model: s.model}).describe()
	d.Method, d.Form = "boostin-lca", ""
	d.Source = "Choubey, BoostInLCA, Rochester Institute of Technology 2025; slope of the query's own loss, before the tree"
	d.Approximate = append(d.Approximate, "rows that part ways in a tree count with the node at which they part")
	return s.model.describe(d, of)
}

// Layout implements influence.Scorer.
func (s *lcaScorer) Layout(j influence.Job) (influence.Layout, error) {
	if j.Pools != nil {
		return influence.Layout{}, errNoPools("boostin-lca")
	}
	return s.grid.Layout(j)
}

// Plan implements influence.Scorer.
func (s *lcaScorer) Plan(_ context.Context, j influence.Job) (influence.Plan, error) {
	l, err := s.Layout(j)
	if err != nil {
		return influence.Plan{}, err
	}
	return s.model.forest.Plan(Shape{
		Cost: EachPair, Train: l.Train, Query: l.Query / int64(l.PerRow), PerRow: l.PerRow, Self: j.Self,
		Precision: l.Precision, Workers: s.model.workers,
	}), nil
}

// Score implements influence.Scorer.
func (s *lcaScorer) Score(ctx context.Context, j influence.Job, sink influence.Sink) error {
	l, err := s.Layout(j)
	if err != nil {
		return err
	}
	sd, err := newSeeder(s.model.loss, j.Of)
	if err != nil {
		return err
	}
	if err := sink.Begin(ctx, l); err != nil {
		return err
	}
	sums, err := s.model.leafSums(ctx, s.model.iters, s.model.workers, nil)
	if err != nil {
		return err
	}
	r := &lcaRun{lcaScorer: s, job: j, layout: l, sink: sink, seeder: sd, nodes: make([]*treeNodes, len(s.model.theta))}
	for u := range r.nodes {
		r.nodes[u] = s.model.newTreeNodes(u, sums)
	}
	workers := make([]*lcaWorker, s.model.workers)
	for unit := range sink.Missing() {
		chunks := int((unit.Train.Len() + lcaRows - 1) / lcaRows)
		err := parallel.For(ctx, s.model.workers, chunks, func(w, b int) error {
			if workers[w] == nil {
				workers[w] = newLCAWorker(r)
			}
			lo := unit.Train.Lo + int64(b)*lcaRows
			return workers[w].chunk(ctx, influence.Range{Lo: lo, Hi: min(lo+lcaRows, unit.Train.Hi)}, unit.Query)
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// lcaRun is one run of an lcaScorer.
type lcaRun struct {
	*lcaScorer
	job    influence.Job
	layout influence.Layout
	sink   influence.Sink
	seeder seeder
	nodes  []*treeNodes
}

// lcaRows is how many train rows a worker encodes at a time: their gradients in
// all trees should stay in the second cache level.
const lcaRows = 256

// An lcaWorker scores chunks of train rows.
type lcaWorker struct {
	r       *lcaRun
	rows    *rowBlock
	query   *leafReader
	leaf    [][]uint32 // of the chunk: [tree][row]
	wg, wh  [][]float64
	meeting []nodeStep  // of the present query and tree, by leaf
	f       [][]float64 // margins of the pairs
	seeds   [][]float64
	work    [][]float64
	y       []float64
	class   []int32
}

func newLCAWorker(r *lcaRun) *lcaWorker {
	m := r.model
	w := &lcaWorker{r: r, rows: m.newRowBlock(&m.train, false), y: make([]float64, lcaRows), class: make([]int32, lcaRows)}
	w.leaf = make([][]uint32, len(m.theta))
	most := 0
	for u := range w.leaf {
		w.leaf[u] = make([]uint32, lcaRows)
		most = max(most, len(m.theta[u]))
	}
	w.wg, w.wh = columns(len(m.theta), lcaRows), columns(len(m.theta), lcaRows)
	w.meeting = make([]nodeStep, most)
	w.f, w.work = columns(m.k, lcaRows), columns(m.k, lcaRows)
	w.seeds = columns(m.k, lcaRows*r.layout.PerRow)
	if !r.job.Self {
		w.query = r.queries.rows.reader()
	}
	return w
}

// chunk puts the scores of at most lcaRows train positions on a range of query
// entries, in tiles of whole blocks of queries.
func (w *lcaWorker) chunk(ctx context.Context, at, entries influence.Range) error {
	r := w.r
	if err := w.encode(at); err != nil {
		return err
	}
	n, per := int(at.Len()), r.layout.PerRow
	if r.job.Self {
		s := make([]float64, n)
		if err := w.self(at, s); err != nil {
			return err
		}
		return r.sink.Put(ctx, narrow(influence.Range2{Query: entries, Train: at}, s, r.layout.Precision))
	}
	const step = queryBlock
	for lo := entries.Lo; lo < entries.Hi; lo += int64(step * per) {
		tile := influence.Range2{Query: influence.Range{Lo: lo, Hi: min(lo+int64(step*per), entries.Hi)}, Train: at}
		width := int(tile.Query.Len())
		s := make([]float64, n*width)
		for e := 0; e < width; e += per {
			if err := ctx.Err(); err != nil {
				return err
			}
			row := r.job.Query.At((lo + int64(e)) / int64(per))
			if err := w.pairs(row, n, s[e:], width); err != nil {
				return err
			}
		}
		if err := r.sink.Put(ctx, narrow(tile, s, r.layout.Precision)); err != nil {
			return err
		}
	}
	return nil
}

// encode computes leaves and weighted gradients of a chunk in all trees.
func (w *lcaWorker) encode(at influence.Range) error {
	m := w.r.model
	return runs(w.r.job.Train, at, func(row int64, n, off int) error {
		b := w.rows
		if err := b.load(row, n); err != nil {
			return err
		}
		for t := range m.iters {
			b.derive(t)
			for c := range m.k {
				u := t*m.k + c
				copy(w.leaf[u][off:], b.leaf[c])
				for i := range n {
					w.wg[u][off+i] = b.w[i] * b.d.G[c][i]
					w.wh[u][off+i] = b.w[i] * b.d.H[c][i]
				}
			}
			b.advance(t)
		}
		return nil
	})
}

// pairs adds up the scores of the chunk's n rows on one query: s[i·width + entry].
func (w *lcaWorker) pairs(row int64, n int, s []float64, width int) error {
	m, q, per := w.r.model, w.r.queries, w.r.layout.PerRow
	if err := w.query.load(int(row / blockRows)); err != nil {
		return err
	}
	lo := int(row % blockRows)
	start := []float64{0}
	w.query.addBase(lo, start)
	for c := range w.f {
		fill(w.f[c][:n], m.base[c]+start[0])
	}
	fill(w.y[:n], q.Label(row))
	for i := range n {
		w.class[i] = q.class[row]
	}
	leaf := []uint32{0}
	f := cut(w.f, n)
	for t := range m.iters {
		if err := w.r.seeder.seed(w.y[:n], f, w.class, w.seeds, w.work); err != nil {
			return err
		}
		for c := range m.k {
			u := t*m.k + c
			w.query.leaves(u, lo, leaf)
			w.r.nodes[u].meet(leaf[0], w.meeting)
			seeds, wg, wh := w.seeds[c], w.wg[u], w.wh[u]
			for i, l := range w.leaf[u][:n] {
				node := &w.meeting[l]
				a := float64(wg[i]*node.eta) + float64(wh[i]*node.pull)
				for e := range per {
					s[i*width+e] += float64(a * seeds[i*per+e])
				}
				f[c][i] += node.theta
			}
		}
	}
	return nil
}

// self scores the rows of a chunk on themselves: a row meets itself in its leaf.
func (w *lcaWorker) self(at influence.Range, s []float64) error {
	m := w.r.model
	seeds := columns(len(m.theta), len(s))
	walk := newSeedWalk(m, &m.train, w.r.seeder, runningSeed)
	err := runs(w.r.job.Train, at, func(row int64, n, off int) error {
		return walk.run(row, n, nil, nil, seeds, off)
	})
	if err != nil {
		return err
	}
	for u := range w.leaf {
		for i := range s {
			node := &w.r.nodes[u].leaf[w.leaf[u][i]]
			a := float64(w.wg[u][i]*node.eta) + float64(w.wh[u][i]*node.pull)
			s[i] += float64(a * seeds[u][i])
		}
	}
	return nil
}
