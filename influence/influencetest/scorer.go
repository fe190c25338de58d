package influencetest

import (
	"math"
	"testing"

	"github.com/infl-dev/infl/influence"
	"github.com/stretchr/testify/require"
)

// Options say what the suite asks of a scorer. The zero value asks for scores
// of the loss and for everything else.
type Options struct {
	Of influence.Quantity

	// Tolerance is the largest difference of a float32 score from the float64
	// one, relative to the largest score of the query entry. 0 means 1e-4.
	Tolerance float64

	NoSelf    bool // self jobs must be refused
	NoFloat64 bool // float64 jobs must be refused

	// ByQueries says that another kernel scores jobs of few queries: scores of a job
	// with some of the queries are those of the whole job within Tolerance, not to
	// the bit.
	ByQueries bool

	// SelfIsDiagonal says that the query table is the train table and that the
	// influence of a row on itself is its score on itself, within Tolerance.
	SelfIsDiagonal bool
}

// suite is one run of Scorer.
type suite struct {
	create func() (influence.Scorer, int64, int64)
	o      Options
	scorer influence.Scorer
	n, q   int64
	whole  influence.Job
	scores *collector // of the whole job
}

// Scorer checks what every influence.Scorer promises. The constructor returns
// a new scorer over the same inputs each time, and the rows of its train and
// query tables; it may vary whatever results must not depend on, such as
// workers, between calls. The tables should have a few dozen rows or more, and
// more than one unit if the scorer can be made to use small ones.
//
// Checked are: a description with source, meaning and unit; tiles inside units
// that cover each score exactly once, without NaN; the same bits again, in
// another order of units, from interrupted jobs, for lists, permutations,
// repetitions and ranges of rows; float32 against float64; self jobs; empty
// jobs; errors for rows outside the tables; ctx's and the sink's errors, with
// all goroutines joined.
func Scorer(t *testing.T, create func() (s influence.Scorer, nTrain, nQuery int64), o Options) {
	if o.Tolerance == 0 {
		o.Tolerance = 1e-4
	}
	s := &suite{create: create, o: o}
	s.scorer, s.n, s.q = create()
	s.whole = influence.Job{Train: influence.RowRange(0, s.n), Query: influence.RowRange(0, s.q), Of: o.Of}
	t.Run("description", s.description)
	t.Run("layout and plan", s.layoutAndPlan)
	s.scores = s.run(t, s.whole, new(collector))
	t.Run("again", func(t *testing.T) { s.same(t, s.run(t, s.whole, new(collector))) })
	t.Run("units in reverse", func(t *testing.T) { s.same(t, s.run(t, s.whole, &collector{reverse: true})) })
	t.Run("resumed", s.resumed)
	t.Run("rows", s.rows)
	t.Run("empty", s.empty)
	t.Run("rows outside", s.outside)
	t.Run("precision", s.precision)
	t.Run("self", s.self)
	t.Run("cancelled", s.cancelled)
	t.Run("sink error", s.sinkError)
}

// run scores a job into c with a new scorer.
func (s *suite) run(t *testing.T, j influence.Job, c *collector) *collector {
	t.Helper()
	scorer, _, _ := s.create()
	require.NoError(t, scorer.Score(t.Context(), j, c))
	require.NoError(t, c.check())
	layout, err := scorer.Layout(j)
	require.NoError(t, err)
	require.Equal(t, layout, c.layout, "Begin has another layout than Layout")
	return c
}

// same requires the bits of the whole job.
func (s *suite) same(t *testing.T, c *collector) {
	t.Helper()
	for e := range s.scores.layout.Query {
		require.Equal(t, s.scores.bits(e), c.bits(e), "query entry %d", e)
	}
}

func (s *suite) description(t *testing.T) {
	d := s.scorer.Describe()
	require.NotEmpty(t, d.Method)
	require.NotEmpty(t, d.Source)
	require.NotEmpty(t, d.PositiveMeans)
	require.NotEmpty(t, d.NegativeMeans)
	require.NotEmpty(t, d.Unit)
	require.Equal(t, d, s.scorer.Describe())
}

func (s *suite) layoutAndPlan(t *testing.T) {
	l, err := s.scorer.Layout(s.whole)
	require.NoError(t, err)
	require.NoError(t, l.Validate())
	require.Equal(t, s.n, l.Train)
	require.Equal(t, s.q*int64(l.PerRow), l.Query)
	p, err := s.scorer.Plan(t.Context(), s.whole)
	require.NoError(t, err)
	require.Equal(t, l.NumUnits(), p.Units)
}

// resumed scores the units in two halves; together they are the whole.
func (s *suite) resumed(t *testing.T) {
	even := func(u int64) bool { return u%2 == 0 }
	odd := func(u int64) bool { return u%2 == 1 }
	first := s.run(t, s.whole, &collector{skip: odd})
	second := s.run(t, s.whole, &collector{skip: even})
	for at, times := range second.times {
		if times == 1 {
			first.scores[at] = second.scores[at]
		}
	}
	s.same(t, first)
	s.run(t, s.whole, &collector{skip: func(int64) bool { return true }})
}

func (s *suite) precision(t *testing.T) {
	j := s.whole
	j.Precision = influence.Float64
	if s.o.NoFloat64 {
		require.Error(t, s.scorer.Score(t.Context(), j, new(collector)))
		return
	}
	double := s.run(t, j, new(collector))
	for e := range s.scores.layout.Query {
		lo := e * s.n
		s.near(t, double.scores[lo:lo+s.n], s.scores.scores[lo:lo+s.n])
	}
}

// near compares scores relative to the largest of want.
func (s *suite) near(t *testing.T, want, got []float64) {
	t.Helper()
	largest := 0.0
	for _, v := range want {
		if !math.IsInf(v, 0) {
			largest = max(largest, math.Abs(v))
		}
	}
	for i := range want {
		if want[i] != got[i] {
			require.InDelta(t, want[i], got[i], s.o.Tolerance*largest, "score %d", i)
		}
	}
}

func (s *suite) self(t *testing.T) {
	j := s.whole
	j.Self, j.Query = true, influence.Rows{}
	if s.o.NoSelf {
		require.Error(t, s.scorer.Score(t.Context(), j, new(collector)))
		return
	}
	all := s.run(t, j, new(collector))
	require.Equal(t, int64(1), all.layout.Query)
	require.Equal(t, s.n, all.layout.Train)
	list := mixed(s.n)
	j.Train = influence.RowList(list)
	some := s.run(t, j, new(collector))
	for i, row := range list {
		require.Equal(t, all.bits(0)[row], some.bits(0)[i], "train row %d", row)
	}
	if !s.o.SelfIsDiagonal {
		return
	}
	require.Equal(t, 1, s.scores.layout.PerRow, "a diagonal needs one query entry per row")
	diagonal := make([]float64, s.n)
	for i := range s.n {
		diagonal[i] = s.scores.scores[i*s.n+i]
	}
	s.near(t, diagonal, all.scores)
}
