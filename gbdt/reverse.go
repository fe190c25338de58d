package gbdt

import (
	"context"

	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// seedBlock is the number of seeds that one reverse pass carries.
const seedBlock = 32

// A reversePass carries seeds ∂J/∂F of queries backwards through the trees. Its
// result are the values V of all leaves for each seed: what one unit of the
// leaf's value is worth to J, directly and through the train rows that move
// with the leaf in later trees.
//
//	V_t[l] = Σ_{q in l} seed_q + Σ_{j in l} a_j       a of later trees only
//	a_j   −= V_t[l]·w_j(η·dg_j + θ·dh_j)/D_l          j's margin moves its own gradients
//
// For multiclass a step couples the classes; the compat form leaves that out
// and has h in place of dg.
//
// Source: the reverse mode of LeafInfluence (Sharchilev et al. 2018); for
// squared loss it is AXIL's backward operator (Geertsema and Lu, arXiv
// 2301.01864).
//
// Cost: one read and one write of n·K·s float64 per iteration, and one
// evaluation of the derivatives.
type reversePass struct {
	model   *Model
	coupled bool // classes move each other
	compat  bool
	width   int         // s, seeds
	f       [][]float64 // margins, K slices of n; rolled back iteration by iteration
	a       [][]float64 // per index block: [class][row][seed]
	walkers []*reverseWalker
}

func newReversePass(m *Model, width int, form Form) *reversePass {
	_, coupled := m.loss.(softmax)
	return &reversePass{
		model: m, width: width, coupled: coupled && form == ExactForm, compat: form == CompatForm,
		walkers: make([]*reverseWalker, m.workers),
	}
}

// reverseBytes is the memory of a pass of the given width over n·K margins.
func reverseBytes(margins int64, width int) int64 { return margins * int64(width+1) * 8 }

// reverseWidth returns how many seeds a pass carries within a limit of memory; 0
// means no limit.
func reverseWidth(margins, limit int64) int {
	if limit <= 0 || margins == 0 {
		return seedBlock
	}
	return int(min(max(limit/(margins*8)-1, 1), seedBlock))
}

// leafValues holds V: per tree [leaf][seed], already divided by the leaf's
// denominator where the leaf is active, and 0 where it is not.
type leafValues [][]float64

// run returns the leaf values for seeds added by direct, and the total of a at
// the end per class and seed: what one unit of the initial score is worth
// through the train rows. direct(u, v) adds the seeds of the queries to the
// leaves of tree u, v[leaf·width + seed].
func (p *reversePass) run(ctx context.Context, direct func(u int, v []float64)) (leafValues, [][]float64, error) {
	m := p.model
	if err := p.reset(ctx); err != nil {
		return nil, nil, err
	}
	values := make(leafValues, len(m.theta))
	var through [][]float64 // Σ a per leaf of the next iteration to be visited
	for t := m.iters - 1; t >= 0; t-- {
		for c := range m.k {
			u := t*m.k + c
			v := make([]float64, len(m.theta[u])*p.width)
			if through != nil {
				copy(v, through[c])
			}
			direct(u, v)
			p.divide(u, v)
			values[u] = v
		}
		var err error
		if through, err = p.step(ctx, t, values[t*m.k:(t+1)*m.k]); err != nil {
			return nil, nil, err
		}
	}
	if m.iters == 0 {
		through = make([][]float64, m.k)
		for c := range through {
			through[c] = make([]float64, p.width)
		}
	}
	return values, through, nil
}

// divide turns V into V/D, and into 0 for leaves that do not move.
func (p *reversePass) divide(u int, v []float64) {
	m := p.model
	for l := range m.theta[u] {
		j := m.offset[u] + l
		for s := range v[l*p.width : (l+1)*p.width] {
			if m.active[j] {
				v[l*p.width+s] /= m.denom[j]
			} else {
				v[l*p.width+s] = 0
			}
		}
	}
}

// reset sets a to 0 and the margins to those at the end of training.
func (p *reversePass) reset(ctx context.Context) error {
	m := p.model
	blocks := m.train.index.numBlocks()
	if p.a == nil {
		p.a = make([][]float64, blocks)
		p.f = columns(m.k, int(m.Rows()))
	}
	return parallel.For(ctx, m.workers, blocks, func(w, b int) error {
		if p.a[b] == nil {
			p.a[b] = make([]float64, m.train.index.blockLen(b)*m.k*p.width)
		}
		clear(p.a[b])
		r := p.walker(w)
		if err := r.loadAt(b, p.f); err != nil {
			return err
		}
		m.margins(r.ids, 0, r.f, r.cells[0])
		return nil
	})
}

// A reverseWalker is what one worker needs to take a block of rows back through
// an iteration.
type reverseWalker struct {
	*rowBlock
	below  [][]uint32  // leaves in the K trees of the iteration before, all 0 where there is none
	coef   [][]float64 // what one unit of V/D takes from a
	prob   [][]float64 // coupled: softmax of the margins
	top    []float64   // coupled: work space of prob, and Σ_c r_c of some rows
	shared []float64
}

func (p *reversePass) walker(w int) *reverseWalker {
	if p.walkers[w] != nil {
		return p.walkers[w]
	}
	m := p.model
	r := &reverseWalker{rowBlock: m.newRowBlock(&m.train, true), coef: scratch(m.k), below: make([][]uint32, m.k)}
	for c := range r.below {
		r.below[c] = make([]uint32, blockRows)
	}
	if p.coupled {
		r.prob, r.top, r.shared = scratch(m.k), make([]float64, 2*blockRows), make([]float64, sharedRows*p.width)
	}
	p.walkers[w] = r
	return r
}

// step passes iteration t: it moves every a and returns the sums of a over the
// leaves of iteration t−1, or over all rows where t is 0.
func (p *reversePass) step(ctx context.Context, t int, values [][]float64) ([][]float64, error) {
	m := p.model
	return parallel.Reduce(ctx, m.workers, m.train.index.numBlocks(), func(w, b int) ([][]float64, error) {
		r := p.walker(w)
		if err := r.loadAt(b, p.f); err != nil {
			return nil, err
		}
		r.leaves(t)
		for c := range m.k {
			f, theta := r.f[c], m.theta[t*m.k+c]
			for i, l := range r.leaf[c] {
				f[i] -= theta[l]
			}
			if t > 0 {
				r.ids.leaves((t-1)*m.k+c, r.lo, r.below[c][:r.m])
			} else {
				clear(r.below[c])
			}
		}
		sums := make([][]float64, m.k)
		for c := range sums {
			leaves := 1
			if t > 0 {
				leaves = len(m.theta[(t-1)*m.k+c])
			}
			sums[c] = make([]float64, leaves*p.width)
		}
		if p.coupled {
			p.moveCoupled(r, t, values, p.a[b], sums)
		} else {
			p.move(r, t, values, p.a[b], sums)
		}
		return sums, nil
	}, func(x, y [][]float64) [][]float64 {
		for c := range x {
			for i, v := range y[c] {
				x[c][i] += v
			}
		}
		return x
	})
}

// move applies one iteration to the adjoints a of a block of rows and sums them
// over the leaves of the iteration before.
func (p *reversePass) move(r *reverseWalker, t int, values [][]float64, a []float64, sums [][]float64) {
	m, n, s := p.model, r.m, p.width
	m.loss.Derive(r.y, r.f, r.d)
	eta := m.eta[t]
	for c := range m.k {
		theta := m.theta[t*m.k+c]
		dg, dh, coef := r.d.DG[c], r.d.DH[c], r.coef[c][:n]
		if p.compat {
			dg = r.d.H[c]
		}
		for i, l := range r.leaf[c] {
			coef[i] = r.w[i] * (float64(eta*dg[i]) + float64(theta[l]*dh[i]))
		}
		kernel.PullRows(r.leaf[c], r.below[c][:n], coef, values[c], a[c*n*s:(c+1)*n*s], sums[c], s)
	}
}

// sharedRows is how many rows moveCoupled takes at a time, so that what their
// outputs share stays in the cache.
const sharedRows = 128

// moveCoupled is move for softmax: with r_c = V_c·w(η + θ_c·f(1 − 2p_c))·p_c,
// a_d −= r_d − p_d·Σ_c r_c.
func (p *reversePass) moveCoupled(r *reverseWalker, t int, values [][]float64, a []float64, sums [][]float64) {
	m, n, s := p.model, r.m, p.width
	loss := m.loss.(softmax)
	loss.probabilities(r.f, cut(r.prob, n), r.top[:n], r.top[blockRows:][:n])
	eta := m.eta[t]
	for c := range m.k {
		theta, prob, coef := m.theta[t*m.k+c], r.prob[c], r.coef[c]
		for i, l := range r.leaf[c] {
			coef[i] = r.w[i] * (eta + float64(theta[l]*loss.factor*(1-2*prob[i]))) * prob[i]
		}
	}
	for lo := 0; lo < n; lo += sharedRows {
		hi := min(lo+sharedRows, n)
		shared := r.shared[:(hi-lo)*s]
		clear(shared)
		for c := range m.k {
			kernel.AddRows(r.leaf[c][lo:hi], r.coef[c][lo:hi], values[c], shared, s)
		}
		for c := range m.k {
			rows := a[(c*n+lo)*s : (c*n+hi)*s]
			kernel.PullRowsShared(r.leaf[c][lo:hi], r.below[c][lo:hi], r.coef[c][lo:hi], values[c], r.prob[c][lo:hi], shared, rows, sums[c], s)
		}
	}
}
