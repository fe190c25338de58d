package gbdt

import (
	"testing"
)

func leavesOf(t testing.TB, rows *rowSet, i int64) []uint32 {
	t.Helper()
	r := rows.index.reader()
	if err := r.load(int(i / blockRows)); err != nil {
		t.Fatal(err)
	}
	out := make([]uint32, rows.index.trees)
	for u := range out {
		r.leaves(u, int(i%blockRows), out[u:u+1])
	}
	return out
}

// TrainLeaves returns the leaf of a train row in every tree.
func (m *Model) TrainLeaves(t testing.TB, i int64) []uint32 { return leavesOf(t, &m.train, i) }

// Leaves returns the leaf of a query row in every tree.
func (q *Queries) Leaves(t testing.TB, i int64) []uint32 { return leavesOf(t, &q.rows, i) }

// TrainMargin returns the margins of a train row.
func (m *Model) TrainMargin(t testing.TB, i int64) []float64 {
	t.Helper()
	r := m.train.index.reader()
	if err := r.load(int(i / blockRows)); err != nil {
		t.Fatal(err)
	}
	f := cut(scratch(m.k), 1)
	m.margins(r, int(i%blockRows), f, make([]uint32, 1))
	out := make([]float64, m.k)
	for c := range out {
		out[c] = f[c][0]
	}
	return out
}
