package gbdt

import (
	"github.com/infl-dev/infl/influence/dataset"
)

// A Model is a forest together with the train rows that it was fitted to: the
// leaf of every row in every tree, what the leaf values are made of, and the
// proof of both. It is not changed after [Prepare] and may be used from several
// goroutines; Close frees its scratch file.
type Model struct {
	forest *Forest
	router *router
	loss   Loss
	k      int // outputs
	iters  int // T

	train rowSet

	bound *dataset.Bound // the train table and how it was read

	// predictions are the library's own, where the user gave them.
	predictions []float64

	stats  LabelStats
	base   []float64   // initial score, K margins
	theta  [][]float64 // leaf values with shrinkage and without initial score, per tree
	eta    []float64   // learning rate, per iteration
	offset []int       // leaf l of tree u is number offset[u]+l over all trees; len T·K+1

	count  []int64   // rows per leaf that the tree saw
	inLeaf []int64   // rows per leaf, seen or not
	denom  []float64 // D = Σ w·h + lambda, per leaf
	active []bool    // leaves whose value depends on its rows: |Σ w·g| > lambda_l1, D > 0, more than one leaf

	givenRate bool // learning rates came from the caller
	workers   int
	report    *Fidelity
}

// A rowSet holds what is kept of the rows of one table.
type rowSet struct {
	index *leafIndex
	y     []float64 // labels; NaN where missing, nil without a label column
	w     []float64 // weights; nil where all rows weigh 1
	keys  *dataset.Keys
	base  []float64      // initial score of each row on top of the model's; nil without such a column
	group dataset.Groups // empty without a group column
	masks *RowMasks      // which iteration saw which row; nil where each saw all
}

// reader returns a reader of the rows' leaves that knows their initial scores.
func (r *rowSet) reader() *leafReader {
	x := r.index.reader()
	x.base = r.base
	return x
}

// Forest returns the model as its file states it.
func (m *Model) Forest() *Forest { return m.forest }

// Fidelity returns the proof that file and table were understood.
func (m *Model) Fidelity() *Fidelity { return m.report }

// Keys returns the keys of the train rows.
func (m *Model) Keys() *dataset.Keys { return m.train.keys }

// Groups returns the groups of the train rows; nil without a group column.
func (m *Model) Groups() *dataset.Groups { return m.train.groups() }

func (r *rowSet) groups() *dataset.Groups {
	if r.group.Len() == 0 {
		return nil
	}
	return &r.group
}

// Rows returns n, the number of train rows.
func (m *Model) Rows() int64 { return m.train.index.rows }

// K returns the number of outputs.
func (m *Model) K() int { return m.k }

// Train returns the binding of the train table: ignored columns, unseen
// categories, and how labels became numbers.
func (m *Model) Train() *dataset.Bound { return m.bound }

// Classes returns the class names in order of their numbers, where labels are
// names; else nil.
func (m *Model) Classes() []string {
	if c := m.bound.LabelMap().Classes; c != nil {
		return c
	}
	return m.forest.Classes
}

// Label returns the label of train row i, rounded to float32 as LightGBM does.
func (m *Model) Label(i int64) float64 { return m.train.y[i] }

// Close removes the scratch file of the leaf index, if there is one.
func (m *Model) Close() error { return m.train.index.close() }

// margins adds up the leaf values of rows lo … lo+len(out[0])−1 of the reader's
// block, starting from the initial score. leaf is scratch memory for as many
// rows.
func (m *Model) margins(ids *leafReader, lo int, out [][]float64, leaf []uint32) {
	for c := range out {
		fill(out[c], m.base[c])
		ids.addBase(lo, out[c])
	}
	for u, theta := range m.theta {
		f := out[u%m.k]
		ids.leaves(u, lo, leaf[:len(f)])
		for i, l := range leaf[:len(f)] {
			f[i] += theta[l]
		}
	}
}
