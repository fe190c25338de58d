package gbdt

// A rowBlock walks a run of rows of one block of the leaf index through the
// iterations: margins F, leaves and derivatives of the current iteration. Each
// goroutine has its own.
type rowBlock struct {
	model *Model
	rows  *rowSet
	ids   *leafReader
	first int64 // row number of the first row
	m     int   // rows
	lo    int   // position of the first row in its index block

	y      []float64
	weight []float64   // of the rows
	w      []float64   // of the rows in the current iteration: 0 where it did not see them
	seen   []uint8     // 1 for rows that the current iteration saw, else 0
	f      [][]float64 // margins before the current iteration, K slices
	leaf   [][]uint32  // leaves in the K trees of the current iteration
	d      Derivatives

	store [][]float64 // memory behind the slices above
	cells [][]uint32
	flags []uint8
}

// newRowBlock returns a walker over rows; second says whether DG and DH are
// wanted.
func (m *Model) newRowBlock(rows *rowSet, second bool) *rowBlock {
	r := &rowBlock{model: m, rows: rows, ids: rows.reader()}
	per := 3
	if second {
		per = 5
	}
	r.store = make([][]float64, per*m.k+2)
	for i := range r.store {
		r.store[i] = make([]float64, blockRows)
	}
	r.cells = make([][]uint32, m.k)
	for c := range r.cells {
		r.cells[c] = make([]uint32, blockRows)
	}
	r.flags = make([]uint8, blockRows)
	fill(r.flags, 1)
	r.f, r.leaf = make([][]float64, m.k), make([][]uint32, m.k)
	r.d.G, r.d.H = make([][]float64, m.k), make([][]float64, m.k)
	if second {
		r.d.DG, r.d.DH = make([][]float64, m.k), make([][]float64, m.k)
	}
	return r
}

// load makes rows first … first+m−1 current, at their initial score. They must
// lie in one block of the index.
func (r *rowBlock) load(first int64, m int) error {
	if err := r.ids.load(int(first / blockRows)); err != nil {
		return err
	}
	k := r.model.k
	r.first, r.m, r.lo = first, m, int(first%blockRows)
	if r.rows.y != nil {
		r.y = r.rows.y[first : first+int64(m)]
	}
	if r.rows.w != nil {
		r.weight = r.rows.w[first : first+int64(m)]
	} else {
		r.weight = r.store[len(r.store)-1][:m]
		fill(r.weight, 1)
	}
	r.w, r.seen = r.weight, r.flags[:m]
	for c := range k {
		r.f[c] = r.store[c][:m]
		r.d.G[c], r.d.H[c] = r.store[k+c][:m], r.store[2*k+c][:m]
		if r.d.DG != nil {
			r.d.DG[c], r.d.DH[c] = r.store[3*k+c][:m], r.store[4*k+c][:m]
		}
		r.leaf[c] = r.cells[c][:m]
	}
	r.start()
	return nil
}

// start sets the margins to the initial scores.
func (r *rowBlock) start() {
	for c, f := range r.f {
		fill(f, r.model.base[c])
		r.ids.addBase(r.lo, f)
	}
}

// loadAt makes index block b current, with its part of the margins f of all rows,
// which advance then moves.
func (r *rowBlock) loadAt(b int, f [][]float64) error {
	lo, n := b*blockRows, r.rows.index.blockLen(b)
	if err := r.load(int64(lo), n); err != nil {
		return err
	}
	for c := range f {
		r.f[c] = f[c][lo : lo+n]
	}
	return nil
}

// leaves reads the leaves of iteration t, and which rows it saw. A row that it
// did not see weighs nothing there, but its margin is moved all the same.
func (r *rowBlock) leaves(t int) {
	for c := range r.leaf {
		r.ids.leaves(t*r.model.k+c, r.lo, r.leaf[c])
	}
	if r.rows.masks == nil {
		return
	}
	r.rows.masks.expand(t, r.first, r.seen)
	r.w = r.store[len(r.store)-2][:r.m]
	for i, s := range r.seen {
		r.w[i] = r.weight[i] * float64(s)
	}
	r.rows.masks.amplify(t, r.first, r.w)
}

// derive reads the leaves of iteration t and computes the derivatives there.
func (r *rowBlock) derive(t int) {
	r.leaves(t)
	r.model.loss.Derive(r.y, r.f, r.d)
}

// advance adds the leaf values of iteration t to the margins.
func (r *rowBlock) advance(t int) {
	for c, leaf := range r.leaf {
		theta := r.model.theta[t*r.model.k+c]
		f := r.f[c]
		for i, l := range leaf {
			f[i] += theta[l]
		}
	}
}
