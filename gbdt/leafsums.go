package gbdt

import (
	"context"
	"math"

	"github.com/infl-dev/infl/internal/parallel"
)

// sums are the totals over the train rows of each leaf; leaf l of tree u stands
// at offset[u] + l.
type sums struct {
	n    []int64   // rows that the tree saw
	all  []int64   // with row masks: rows, seen or not
	g, h []float64 // Σ w·g and Σ w·h at the margins before the iteration
	abs  []float64 // Σ w·|g|
}

func newSums(leaves int) *sums {
	return &sums{n: make([]int64, leaves), all: make([]int64, leaves), g: make([]float64, leaves), h: make([]float64, leaves), abs: make([]float64, leaves)}
}

func (s *sums) add(o *sums) *sums {
	for i := range s.n {
		s.n[i] += o.n[i]
		s.all[i] += o.all[i]
		s.g[i] += o.g[i]
		s.h[i] += o.h[i]
		s.abs[i] += o.abs[i]
	}
	return s
}

// countAll counts rows of iteration t that were seen or not.
func (s *sums) countAll(m *Model, r *rowBlock, t int) {
	for c, leaf := range r.leaf {
		off := m.offset[t*m.k+c]
		for _, l := range leaf {
			s.all[off+int(l)]++
		}
	}
}

// addRows adds the rows of r in iteration t, of which r has the derivatives.
func (s *sums) addRows(m *Model, r *rowBlock, t int) {
	for c := range m.k {
		off := m.offset[t*m.k+c]
		g, h := r.d.G[c], r.d.H[c]
		for i, l := range r.leaf[c] {
			j := off + int(l)
			wi := r.w[i]
			s.n[j] += int64(r.seen[i])
			s.g[j] += float64(wi * g[i])
			s.h[j] += float64(wi * h[i])
			s.abs[j] += float64(wi * math.Abs(g[i]))
		}
	}
	if m.train.masks != nil {
		s.countAll(m, r, t)
	}
}

// leafSums adds up the first iterations of the model, starting every row from
// m.base and moving it by m.theta. It is a sum over blocks of 4,096 rows on the
// fixed tree, so its bits do not depend on workers.
func (m *Model) leafSums(ctx context.Context, iterations, workers int, progress func(rows int)) (*sums, error) {
	leaves := m.offset[iterations*m.k]
	scratch := make([]*rowBlock, parallel.Workers(workers))
	s, err := parallel.Reduce(ctx, workers, m.train.index.numBlocks(), func(w, b int) (*sums, error) {
		if scratch[w] == nil {
			scratch[w] = m.newRowBlock(&m.train, false)
		}
		r := scratch[w]
		if err := r.load(int64(b)*blockRows, m.train.index.blockLen(b)); err != nil {
			return nil, err
		}
		s := newSums(leaves)
		for t := range iterations {
			r.derive(t)
			s.addRows(m, r, t)
			r.advance(t)
		}
		if progress != nil {
			progress(r.m)
		}
		return s, nil
	}, (*sums).add)
	if s == nil && err == nil {
		s = newSums(leaves)
	}
	return s, err
}
