package gbdt

import (
	"context"
	"math"
	"slices"

	"github.com/infl-dev/infl/internal/parallel"
)

// gossBlock is the least number of rows that a thread of LightGBM samples.
const gossBlock = 1024

// maxGossThreads bounds the search for the number of threads.
const maxGossThreads = 256

// amplify multiplies the weights of rows first, first+1, … by what they stand for
// in an iteration; without GOSS it does nothing.
func (m *RowMasks) amplify(iteration int, first int64, w []float64) {
	if m.amplified == nil || m.amplified[iteration] == nil {
		return
	}
	bits := m.amplified[iteration]
	for i := range w {
		if row := first + int64(i); bits[row/64]>>(row%64)&1 == 1 {
			w[i] *= m.factor[row/m.block]
		}
	}
}

// findAmplified finds which of the rows that an iteration saw stand for others:
// under GOSS an iteration sees the top_rate rows with the largest |g·h| and
// other_rate of the rest, whose gradients and Hessians are multiplied by the number
// of rows that each stands for,
//
//	(block − top)/other,  top = ⌊block·top_rate⌋, other = ⌊block·other_rate⌋
//
// Threads sample blocks of rows by themselves. Where the file does not tell how
// many there were, the number whose weights come nearest to the first sampled tree
// is taken; the verdict tells if it was none.
//
// Source: Ke et al., LightGBM, NeurIPS 2017, algorithm 2; the blocks are those of
// LightGBM's goss.hpp.
func (m *Model) findAmplified(ctx context.Context, reg regular) error {
	if m.train.masks == nil || m.forest.Train.TopRate == 0 {
		return nil
	}
	masks := *m.train.masks
	masks.amplified = make([][]uint64, m.iters)
	m.train.masks = &masks
	f := columns(m.k, int(m.Rows()))
	size := make([]float32, m.Rows())
	searched := false
	for t := range m.iters {
		if err := m.gradientSizes(ctx, t, f, size); err != nil {
			return err
		}
		if masks.sawAll(t) {
			continue
		}
		if !searched {
			searched = true
			if err := m.findThreads(ctx, t, f, size, reg); err != nil {
				return err
			}
		}
		masks.markAmplified(t, size, m.forest.Train.TopRate)
	}
	return nil
}

// gradientSizes writes |g·h| of all rows at iteration t, in float32 as the library
// has them. It moves the margins f from the iteration before to t; at t = 0 it
// begins them.
func (m *Model) gradientSizes(ctx context.Context, t int, f [][]float64, size []float32) error {
	walkers := make([]*rowBlock, m.workers)
	return parallel.For(ctx, m.workers, m.train.index.numBlocks(), func(w, b int) error {
		if walkers[w] == nil {
			walkers[w] = m.newRowBlock(&m.train, false)
		}
		r := walkers[w]
		if err := r.loadAt(b, f); err != nil {
			return err
		}
		if t == 0 {
			r.start()
		} else {
			r.leaves(t - 1)
			r.advance(t - 1)
		}
		r.derive(t)
		out := size[b*blockRows:][:r.m]
		clear(out)
		for c := range m.k {
			for i, g := range r.d.G[c] {
				out[i] += float32(math.Abs(float64(float32(r.weight[i]*g) * float32(r.weight[i]*r.d.H[c][i]))))
			}
		}
		return nil
	})
}

// iterationSums adds up iteration t alone, from the margins before it.
func (m *Model) iterationSums(ctx context.Context, t int, f [][]float64) (*sums, error) {
	walkers := make([]*rowBlock, m.workers)
	return parallel.Reduce(ctx, m.workers, m.train.index.numBlocks(), func(w, b int) (*sums, error) {
		if walkers[w] == nil {
			walkers[w] = m.newRowBlock(&m.train, false)
		}
		r := walkers[w]
		if err := r.loadAt(b, f); err != nil {
			return nil, err
		}
		r.derive(t)
		s := newSums(m.offset[(t+1)*m.k])
		s.addRows(m, r, t)
		return s, nil
	}, (*sums).add)
}

// sawAll reports whether an iteration saw all rows.
func (m *RowMasks) sawAll(t int) bool {
	for i, word := range m.seen[t] {
		left := m.rows - int64(i)*64
		if want := ^uint64(0) >> max(0, 64-left); word != want {
			return false
		}
	}
	return true
}

// threads cuts the rows into the blocks of so many threads.
func (m *RowMasks) threads(n int64, top, other float64) {
	blocks := min(n, (m.rows+gossBlock-1)/gossBlock)
	m.block = m.rows
	if blocks > 1 {
		m.block = ((m.rows+blocks-1)/blocks + gossBlock - 1) / gossBlock * gossBlock
	}
	m.factor = nil
	for lo := int64(0); lo < m.rows; lo += m.block {
		size := min(m.block, m.rows-lo)
		largest := max(1, int64(float64(size)*top))
		drawn := max(1, int64(float64(size)*other))
		m.factor = append(m.factor, float64(float32(size-largest)/float32(drawn)))
	}
}

// markAmplified marks the seen rows of an iteration below the largest of their
// block.
func (m *RowMasks) markAmplified(t int, size []float32, top float64) {
	bits := make([]uint64, len(m.seen[t]))
	for lo := int64(0); lo < m.rows; lo += m.block {
		block := size[lo:min(lo+m.block, m.rows)]
		sorted := slices.Clone(block)
		slices.Sort(sorted)
		largest := max(1, int(float64(len(block))*top))
		threshold := sorted[len(sorted)-largest]
		for i, v := range block {
			if row := lo + int64(i); v < threshold {
				bits[row/64] |= m.seen[t][row/64] & (1 << (row % 64))
			}
		}
	}
	m.amplified[t] = bits
}

// findThreads finds the blocks with which the leaves of iteration t, from the
// margins f before it, come nearest to the stored ones.
func (m *Model) findThreads(ctx context.Context, t int, f [][]float64, size []float32, reg regular) error {
	train, masks := &m.forest.Train, m.train.masks
	if train.Threads > 0 {
		masks.threads(int64(train.Threads), train.TopRate, train.OtherRate)
		return nil
	}
	best, keep := math.Inf(1), int64(1)
	most := min((m.Rows()+gossBlock-1)/gossBlock, maxGossThreads)
	for n := int64(1); n <= most && best > float32Leaves; n++ {
		masks.threads(n, train.TopRate, train.OtherRate)
		masks.markAmplified(t, size, train.TopRate)
		s, err := m.iterationSums(ctx, t, f)
		if err != nil {
			return err
		}
		worst := 0.0
		for u := t * m.k; u < (t+1)*m.k; u++ {
			worst = max(worst, m.treeDeviation(u, s, reg).worst)
		}
		if worst < best {
			best, keep = worst, n
		}
	}
	masks.threads(keep, train.TopRate, train.OtherRate)
	return nil
}
