package bench

import (
	"cmp"
	"os"
	"testing"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

// sizeName is what INFL_BENCH asks for.
func sizeName(b *testing.B) string {
	b.Helper()
	name := cmp.Or(os.Getenv("INFL_BENCH"), "smoke")
	if _, ok := Sizes[name]; !ok {
		b.Fatalf("INFL_BENCH is %q; use smoke or full", name)
	}
	return name
}

type fixture struct {
	Size
	forest       *gbdt.Forest
	train, query *dataset.Table
	columns      gbdt.Columns
}

func newFixture(b *testing.B) *fixture {
	b.Helper()
	return fixtureOf(b, Sizes[sizeName(b)])
}

func fixtureOf(b *testing.B, s Size) *fixture {
	b.Helper()
	f, train, query, err := Problem(b.TempDir(), s, 1)
	if err != nil {
		b.Fatal(err)
	}
	x := &fixture{Size: s, forest: f, columns: gbdt.Columns{Label: s.Label()}}
	if x.train, err = dataset.Open(train, dataset.Options{}); err != nil {
		b.Fatal(err)
	}
	if x.query, err = dataset.Open(query, dataset.Options{}); err != nil {
		b.Fatal(err)
	}
	return x
}

func (x *fixture) prepare(b *testing.B) (*gbdt.Model, *gbdt.Queries) {
	b.Helper()
	m, err := gbdt.Prepare(b.Context(), x.forest, x.train, gbdt.PrepareOptions{Columns: x.columns})
	if err != nil {
		b.Fatal(err)
	}
	if m.Fidelity().Verdict != gbdt.Exact {
		b.Fatalf("the verdict is %s: %v", m.Fidelity().Verdict, m.Fidelity().Reasons)
	}
	q, err := m.Queries(b.Context(), x.query, x.columns)
	if err != nil {
		b.Fatal(err)
	}
	return m, q
}

// perUnit reports nanoseconds per one of so many equal pieces of an iteration.
func perUnit(b *testing.B, units float64, unit string) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/units, unit)
}

func BenchmarkPrepare(b *testing.B) {
	x := newFixture(b)
	for b.Loop() {
		m, _ := x.prepare(b)
		if err := m.Close(); err != nil {
			b.Fatal(err)
		}
	}
	perUnit(b, float64(x.Train)*float64(x.Trees), "ns/row·tree")
}

// score benchmarks the top 100 of a method for the first queries.
func score(b *testing.B, queries int, scorer func(m *gbdt.Model, q *gbdt.Queries) (influence.Scorer, error)) {
	x := newFixture(b)
	m, q := x.prepare(b)
	s, err := scorer(m, q)
	if err != nil {
		b.Fatal(err)
	}
	queries = min(queries, x.Query)
	j := influence.Job{Train: influence.RowRange(0, m.Rows()), Query: influence.RowRange(0, int64(queries))}
	for b.Loop() {
		if _, err := sink.Top(b.Context(), s, j, 100); err != nil {
			b.Fatal(err)
		}
	}
	perUnit(b, float64(x.Train)*float64(x.Trees)*float64(queries), "ns/row·tree·query")
}

func BenchmarkBoostIn(b *testing.B) {
	score(b, 1000, func(m *gbdt.Model, q *gbdt.Queries) (influence.Scorer, error) { return m.BoostIn(q, gbdt.Options{}) })
}

func BenchmarkBoostInOneQuery(b *testing.B) {
	score(b, 1, func(m *gbdt.Model, q *gbdt.Queries) (influence.Scorer, error) { return m.BoostIn(q, gbdt.Options{}) })
}

func BenchmarkLeafSim(b *testing.B) {
	score(b, 1000, func(m *gbdt.Model, q *gbdt.Queries) (influence.Scorer, error) { return m.LeafSim(q), nil })
}

// One block of 32 queries of LeafInfluence.
func BenchmarkLeafInfluence(b *testing.B) {
	score(b, 32, func(m *gbdt.Model, q *gbdt.Queries) (influence.Scorer, error) {
		return m.LeafInfluence(q, gbdt.Options{})
	})
}
