package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// matrixScores is the definition.
func matrixScores[F Float](w Matrix[F], start []int, g, a Matrix[F]) Matrix[F] {
	out := NewMatrix[F](len(start)-1, w.Rows)
	image := make([]F, g.Cols)
	for i := range out.Rows {
		for j := range out.Cols {
			for t := start[i]; t < start[i+1]; t++ {
				for o := range image {
					image[o] = chainOf(w.Row(j)[o*a.Cols:][:a.Cols], a.Row(t))
				}
				out.Row(i)[j] += dotGeneric(image, g.Row(t))
			}
		}
	}
	return out
}

func testQueryMatrices[F Float](t *testing.T) {
	for _, s := range []struct {
		start         []int
		queries, p, r int
	}{
		{[]int{0}, 2, 3, 4},
		{[]int{0, 0, 3}, 0, 3, 4},
		{[]int{0, 1, 2, 3, 4}, 1, 1, 1},
		{[]int{1, 1, 6, 6, 40}, 5, 17, 18},
		{[]int{0, 5, 250, 251, 251}, 33, 40, 5},
		{[]int{0, 30, 60, 90, 130}, 3, 700, 9},
	} {
		rng := rand.New(rand.NewPCG(uint64(len(s.start)), uint64(s.queries)))
		rows := s.start[len(s.start)-1] + 1
		gg, g := strided(rng, rows, s.p, 2, 1, normal[F])
		ga, a := strided(rng, rows, s.r, 1, 3, normal[F])
		w := MatrixOf(normal[F](rng, s.queries*s.p*s.r), s.queries, s.p*s.r)
		want := matrixScores(w, s.start, g, a)
		onEachPath(t, func(t *testing.T) []F {
			for _, workers := range []int{1, 3} {
				got, queries := NewMatrix[F](want.Rows, want.Cols), NewQueryMatrices[F](s.p, s.r)
				queries.Append(workers, w.Block(0, 0, s.queries/3, w.Cols))
				queries.Append(workers, w.Block(s.queries/3, 0, s.queries-s.queries/3, w.Cols))
				queries.EachBlock(workers, s.start, g, a, collect(t, workers, got))
				for _, in := range []*guarded[F]{gg, ga} {
					in.unchanged(t, "input")
				}
				requireSameBits(t, want.Data, got.Data, fmt.Sprintf("%+v, %d workers", s, workers))
			}
			return want.Data
		})
	}
}

func TestQueryMatrices(t *testing.T) {
	t.Run("float32", testQueryMatrices[float32])
	t.Run("float64", testQueryMatrices[float64])
}

// TestScoresOfManyExamples has more scores than are summed at a time.
func TestScoresOfManyExamples(t *testing.T) {
	const queries, examples = 9000, 300
	rng := rand.New(rand.NewPCG(3, 4))
	start := make([]int, examples+1)
	for i := range start {
		start[i] = i
	}
	g, a := MatrixOf(normal[float32](rng, examples*2), examples, 2), MatrixOf(normal[float32](rng, examples*3), examples, 3)
	w := MatrixOf(normal[float32](rng, queries*6), queries, 6)
	got, m := NewMatrix[float32](examples, queries), NewQueryMatrices[float32](2, 3)
	m.Append(2, w)
	m.EachBlock(2, start, g, a, func(_, first int, scores Matrix[float32]) {
		copy(got.Data[first*queries:], scores.Data)
	})
	requireSameBits(t, matrixScores(w, start, g, a).Data, got.Data, "scores")
}

func TestQueryMatricesRefuseWhatDoesNotFit(t *testing.T) {
	m := NewMatrix[float32]
	require.Panics(t, func() { NewQueryMatrices[float32](0, 2) })
	p := NewQueryMatrices[float32](2, 3)
	require.Panics(t, func() { p.Append(1, m(1, 5)) })
	require.Panics(t, func() { p.Append(1, m(2, 7).Block(0, 0, 2, 6)) })
	p.Append(1, m(1, 6))
	require.Panics(t, func() { p.EachBlock(1, []int{0, 1}, m(1, 3), m(1, 3), nil) })
	require.Panics(t, func() { p.EachBlock(1, []int{0, 2}, m(1, 2), m(1, 3), nil) })
}

func BenchmarkQueryMatrices(b *testing.B) {
	const queries, p, r, rows = 200, 256, 785, 1000
	rng := rand.New(rand.NewPCG(1, 2))
	g, a := MatrixOf(normal[float32](rng, rows*p), rows, p), MatrixOf(normal[float32](rng, rows*r), rows, r)
	start := make([]int, rows+1)
	for i := range start {
		start[i] = i
	}
	m := NewQueryMatrices[float32](p, r)
	m.Append(2, MatrixOf(normal[float32](rng, queries*p*r), queries, p*r))
	for b.Loop() {
		m.EachBlock(2, start, g, a, func(_, _ int, _ Matrix[float32]) {})
	}
	b.ReportMetric(2*queries*p*r*rows*float64(b.N)/b.Elapsed().Seconds()/1e9, "GF/s")
}
