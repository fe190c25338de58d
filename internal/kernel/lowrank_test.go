package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// chainOf is an entry of a product of matrices.
func chainOf[F Float](x, y []F) (sum F) {
	for i := range x {
		sum = fma(x[i], y[i], sum)
	}
	return sum
}

// lowRankScores is the definition.
func lowRankScores[F Float](rank int, u, v Matrix[F], start []int, g, a Matrix[F]) Matrix[F] {
	out := NewMatrix[F](len(start)-1, u.Rows/rank)
	for i := range out.Rows {
		for j := range out.Cols {
			for t := start[i]; t < start[i+1]; t++ {
				for l := j * rank; l < (j+1)*rank; l++ {
					out.Row(i)[j] = fma(chainOf(g.Row(t), u.Row(l)), chainOf(a.Row(t), v.Row(l)), out.Row(i)[j])
				}
			}
		}
	}
	return out
}

// collect returns a function that takes blocks of scores into got, and clears them.
func collect[F Float](t *testing.T, workers int, got Matrix[F]) func(worker, first int, scores Matrix[F]) {
	return func(worker, first int, scores Matrix[F]) {
		require.Less(t, worker, workers)
		for i := range scores.Rows {
			copy(got.Row(first+i), scores.Row(i))
		}
		clear(scores.Data)
	}
}

func testLowRankRows[F Float](t *testing.T) {
	for _, s := range []struct {
		start               []int
		queries, rank, p, r int
	}{
		{[]int{0}, 2, 1, 3, 4},
		{[]int{0, 0, 3}, 0, 1, 3, 4},
		{[]int{0, 1, 2, 3, 4}, 1, 1, 1, 1},
		{[]int{1, 1, 6, 6, 40}, 5, 3, 7, 18},
		{[]int{0, 5, 250, 251, 251}, 33, 2, 9, 5},
		{[]int{0, 30, 60, 90, 130}, 70, 40, 4, 3},
	} {
		rng := rand.New(rand.NewPCG(uint64(len(s.start)), uint64(s.queries)))
		rows := s.start[len(s.start)-1] + 1
		gg, g := strided(rng, rows, s.p, 2, 1, normal[F])
		ga, a := strided(rng, rows, s.r, 1, 3, normal[F])
		gu, u := strided(rng, s.queries*s.rank, s.p, 3, 0, normal[F])
		gv, v := strided(rng, s.queries*s.rank, s.r, 0, 2, normal[F])
		want := lowRankScores(s.rank, u, v, s.start, g, a)
		onEachPath(t, func(t *testing.T) []F {
			for _, workers := range []int{1, 3} {
				got := NewMatrix[F](want.Rows, want.Cols)
				NewLowRankRows(workers, s.rank, u, v).EachBlock(workers, s.start, g, a, collect(t, workers, got))
				for _, in := range []*guarded[F]{gg, ga, gu, gv} {
					in.unchanged(t, "input")
				}
				requireSameBits(t, want.Data, got.Data, fmt.Sprintf("%+v, %d workers", s, workers))
			}
			return want.Data
		})
	}
}

func TestLowRankRows(t *testing.T) {
	t.Run("float32", testLowRankRows[float32])
	t.Run("float64", testLowRankRows[float64])
}

func TestLowRankRowsRefuseWhatDoesNotFit(t *testing.T) {
	m := NewMatrix[float32]
	require.Panics(t, func() { NewLowRankRows(1, 2, m(3, 2), m(3, 2)) })
	require.Panics(t, func() { NewLowRankRows(1, 1, m(3, 2), m(2, 2)) })
	p := NewLowRankRows(1, 1, m(1, 2), m(1, 3))
	require.Panics(t, func() { p.EachBlock(1, []int{0, 2}, m(1, 2), m(1, 3), nil) })
	require.Panics(t, func() { p.EachBlock(1, []int{0, 1}, m(1, 2), m(2, 3), nil) })
}

func BenchmarkLowRankRows(b *testing.B) {
	const queries, rank, p, r, rows = 1000, 8, 256, 785, 2000
	rng := rand.New(rand.NewPCG(1, 2))
	u, v := MatrixOf(normal[float32](rng, queries*rank*p), queries*rank, p), MatrixOf(normal[float32](rng, queries*rank*r), queries*rank, r)
	g, a := MatrixOf(normal[float32](rng, rows*p), rows, p), MatrixOf(normal[float32](rng, rows*r), rows, r)
	start := make([]int, rows+1)
	for i := range start {
		start[i] = i
	}
	packed := NewLowRankRows(2, rank, u, v)
	for b.Loop() {
		packed.EachBlock(2, start, g, a, func(_, _ int, _ Matrix[float32]) {})
	}
	b.ReportMetric(2*queries*rank*(p+r)*rows*float64(b.N)/b.Elapsed().Seconds()/1e9, "GF/s")
}
