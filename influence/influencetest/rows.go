package influencetest

import (
	"slices"
	"testing"

	"github.com/infl-dev/infl/influence"
	"github.com/stretchr/testify/require"
)

// mixed returns a list of rows below n out of order, with rows left out and
// rows repeated.
func mixed(n int64) []int64 {
	var out []int64
	for i := int64(0); i < n; i += 2 {
		out = append(out, n-1-i)
		if i%6 == 0 {
			out = append(out, i)
		}
	}
	return out
}

// reversed returns the rows below n from last to first.
func reversed(n int64) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = n - 1 - int64(i)
	}
	return out
}

// rows scores parts of the tables; each score has the bits that it has in the
// whole job, or nearly so with ByQueries.
func (s *suite) rows(t *testing.T) {
	all := influence.RowRange
	f := func(name string, train, query influence.Rows) {
		t.Helper()
		j := s.whole
		j.Train, j.Query = train, query
		part := s.run(t, j, new(collector))
		k := int64(part.layout.PerRow)
		for e := range part.layout.Query {
			entry := query.At(e/k)*k + e%k
			if s.o.ByQueries {
				s.nearRows(t, part, e, entry, train)
				continue
			}
			got, whole := part.bits(e), s.scores.bits(entry)
			for i := range train.Len() {
				require.Equal(t, whole[train.At(i)], got[i], "%s: query row %d, train row %d", name, query.At(e/k), train.At(i))
			}
		}
	}
	f("reversed train rows", influence.RowList(reversed(s.n)), all(0, s.q))
	f("reversed query rows", all(0, s.n), influence.RowList(reversed(s.q)))
	f("lists", influence.RowList(mixed(s.n)), influence.RowList(mixed(s.q)))
	f("ranges", all(s.n/3, s.n), all(s.q/2, s.q))
	f("one pair", all(s.n-1, s.n), all(0, 1))
	f("one row, repeated", influence.RowList([]int64{0, 0, 0}), influence.RowList([]int64{s.q - 1, s.q - 1}))
}

func (s *suite) empty(t *testing.T) {
	f := func(train, query influence.Rows) {
		t.Helper()
		j := s.whole
		j.Train, j.Query = train, query
		require.Zero(t, s.run(t, j, new(collector)).layout.NumUnits())
	}
	f(influence.Rows{}, s.whole.Query)
	f(s.whole.Train, influence.RowList(nil))
	f(influence.Rows{}, influence.Rows{})
}

func (s *suite) outside(t *testing.T) {
	f := func(train, query influence.Rows) {
		t.Helper()
		j := s.whole
		j.Train, j.Query = train, query
		_, err := s.scorer.Layout(j)
		require.Error(t, err)
		_, err = s.scorer.Plan(t.Context(), j)
		require.Error(t, err)
		require.Error(t, s.scorer.Score(t.Context(), j, new(collector)))
	}
	f(influence.RowRange(0, s.n+1), s.whole.Query)
	f(influence.RowList([]int64{0, -1}), s.whole.Query)
	f(s.whole.Train, influence.RowList([]int64{s.q}))
}

// nearRows compares the scores of an entry of a part with those of the whole job.
func (s *suite) nearRows(t *testing.T, part *collector, e, entry int64, train influence.Rows) {
	t.Helper()
	whole := s.scores.scores[entry*s.n:][:s.n]
	got := slices.Clone(whole)
	for i := range train.Len() {
		got[train.At(i)] = part.scores[e*part.layout.Train+i]
	}
	s.near(t, whole, got)
}
