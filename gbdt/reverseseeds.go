package gbdt

import "github.com/infl-dev/infl/influence"

// A seedSet holds the seeds of one unit of a reverse pass.
type seedSet struct {
	entries int

	// add adds the seeds of entries lo … lo+width−1 in tree u to v[leaf·width + seed].
	add func(u, lo, width int, v []float64)

	// total returns the seed of an entry in an output over all its rows.
	total func(class, entry int) float64
}

// seeds computes the seeds of a unit: of its query rows or pools, or of train
// rows that ask for themselves.
func (r *reverseRun) seeds(u influence.Range2) (seedSet, error) {
	m, per := r.model, r.layout.PerRow
	at := influence.Range{Lo: u.Query.Lo / int64(per), Hi: u.Query.Hi / int64(per)}
	if r.job.Pools != nil {
		return r.poolSeeds(at)
	}
	w := seedRows{model: m, rows: r.job.Query, set: nil, seeder: r.seeder, when: finalSeed}
	if r.job.Self {
		w.rows, w.set, at = r.job.Train, &m.train, u.Train
	} else {
		w.queries, w.set = r.queries, &r.queries.rows
	}
	leaf, seed, err := w.read(at)
	return seedSet{
		entries: int(at.Len()) * per,
		add: func(u, lo, width int, v []float64) {
			for s := range width {
				e := lo + s
				v[int(leaf[u][e/per])*width+s] += seed[u%m.k][e]
			}
		},
		total: func(class, entry int) float64 { return seed[class][entry] },
	}, err
}

// poolSeeds computes the seeds of pools at.Lo … at.Hi−1: in each leaf the sum
// over the queries of a pool that fall into it.
func (r *reverseRun) poolSeeds(at influence.Range) (seedSet, error) {
	m, per := r.model, r.layout.PerRow
	w := seedRows{model: m, rows: r.job.Query, set: &r.queries.rows, queries: r.queries, seeder: r.seeder, when: finalSeed}
	entries := int(at.Len()) * per
	sums, totals, err := w.pooled(r.job.Pools, at)
	return seedSet{
		entries: entries,
		add: func(u, lo, width int, v []float64) {
			for l := range len(v) / width {
				for s := range width {
					v[l*width+s] += sums[u][l*entries+lo+s]
				}
			}
		},
		total: func(class, entry int) float64 { return totals[class][entry] },
	}, err
}

// seedRows are the rows of a job side whose seeds are wanted.
type seedRows struct {
	model   *Model
	rows    influence.Rows
	set     *rowSet
	queries *Queries // nil for train rows
	seeder  seeder
	when    seeding
}

// read returns leaves and seeds of positions at: [tree][position] and
// [tree][position·perRow + entry].
func (w *seedRows) read(at influence.Range) (leaf [][]uint32, seed [][]float64, err error) {
	n, trees := int(at.Len()), len(w.model.theta)
	leaf, seed = make([][]uint32, trees), columns(max(trees, w.model.k), n*w.seeder.perRow)
	for u := range leaf {
		leaf[u] = make([]uint32, n)
	}
	walk := newSeedWalk(w.model, w.set, w.seeder, w.when)
	err = runs(w.rows, at, func(row int64, count, off int) error {
		return walk.run(row, count, w.queries, leaf, seed, off)
	})
	return leaf, seed, err
}

// pooled returns the sums of seeds over the query rows of pools at.Lo … at.Hi−1:
// for each tree [leaf·entries + entry], where an entry is a pool and an output, and
// in the first K trees over all leaves [class][entry].
func (w *seedRows) pooled(p *influence.Pools, at influence.Range) (sums, totals [][]float64, err error) {
	m, per := w.model, w.seeder.perRow
	entries := int(at.Len()) * per
	sums, totals = make([][]float64, len(m.theta)), columns(m.k, entries)
	for u := range sums {
		sums[u] = make([]float64, len(m.theta[u])*entries)
	}
	for lo := int64(0); lo < w.rows.Len(); lo += blockRows {
		part := influence.Range{Lo: lo, Hi: min(lo+blockRows, w.rows.Len())}
		leaf, seed, err := w.read(part)
		if err != nil {
			return nil, nil, err
		}
		for i := range int(part.Len()) {
			pool := int64(p.Of[part.Lo+int64(i)])
			if pool < at.Lo || pool >= at.Hi {
				continue
			}
			first := int(pool-at.Lo) * per
			for u := range sums {
				add(sums[u][int(leaf[u][i])*entries+first:], seed[u][i*per:(i+1)*per])
			}
			for c := range totals {
				add(totals[c][first:], seed[c][i*per:(i+1)*per])
			}
		}
	}
	return sums, totals, nil
}

func add(to, x []float64) {
	for i, v := range x {
		to[i] += v
	}
}
