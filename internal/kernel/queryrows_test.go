package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// scoresOf computes all scores as their definition has them.
func scoresOf[F Float](train, queries Matrix[F]) Matrix[F] {
	out := NewMatrix[F](train.Rows, queries.Rows)
	if queries.Rows <= FewQueries {
		Dots(1, train, queries, out)
	} else {
		GemmNT(1, train, queries, out)
	}
	return out
}

var blockShapes = []struct{ n, q, d int }{{0, 3, 4}, {5, 0, 4}, {7, 2, 0}, {50, 1, 33}, {300, 24, 100}, {300, 25, 100}, {501, 70, 65}, {40, 26, 0}}

func testQueryRows[F Float](t *testing.T) {
	for _, s := range blockShapes {
		for _, workers := range []int{0, 1, 2, 5} {
			t.Run(fmt.Sprintf("%v/workers=%d", s, workers), func(t *testing.T) {
				onEachPath(t, func(t *testing.T) []F {
					rng := rand.New(rand.NewPCG(uint64(s.n), uint64(s.q)))
					train, _ := guardedMatrix(rng, s.n, s.d, 1, 1, normal[F])
					queries, _ := guardedMatrix(rng, s.q, s.d, 2, 1, normal[F])
					want, got := scoresOf(train, queries), NewMatrix[F](s.n, s.q)
					NewQueryRows(workers, queries).EachBlock(workers, train, func(worker, row int, scores Matrix[F]) {
						require.Less(t, worker, max(1, workers))
						for i := range scores.Rows {
							copy(got.Row(row+i), scores.Row(i))
						}
						clear(scores.Data)
					})
					requireSameBits(t, want.Data, got.Data, "scores")
					return got.Data
				})
			})
		}
	}
}

func TestQueryRows(t *testing.T) {
	t.Run("float32", testQueryRows[float32])
	t.Run("float64", testQueryRows[float64])
}

func TestHalfBlocksScoreWidenedRows(t *testing.T) {
	for _, s := range blockShapes {
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%v/workers=%d", s, workers), func(t *testing.T) {
				onEachPath(t, func(t *testing.T) []float32 {
					rng := rand.New(rand.NewPCG(uint64(s.n), uint64(s.q)))
					train, queries := heavyRows(rng, s.n, s.d), heavyRows(rng, s.q, s.d)
					stored := NarrowRows(workers, train)
					wide := stored.widen(make([]float32, s.n*s.d), 0, s.n)
					want, got := scoresOf(wide, queries), NewMatrix[float32](s.n, s.q)
					stored.rescale(0, want)
					EachHalfBlock(NewQueryRows(workers, queries), workers, stored, func(_, row int, scores Matrix[float32]) {
						for i := range scores.Rows {
							copy(got.Row(row+i), scores.Row(i))
						}
					})
					requireSameBits(t, want.Data, got.Data, "scores")
					return got.Data
				})
			})
		}
	}
}

// TestQueryRowsKeepsEnds compares fused scoring with all scores, sorted, for any number
// of workers, where rows repeat so that scores tie.
func TestQueryRowsKeepsEnds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n, d, keep, firstRow = 2000, 16, 10, 1000
	for _, q := range []int{3, 40} {
		train, queries := NewMatrix[float32](n, d), MatrixOf(normal[float32](rng, q*d), q, d)
		few := normal[float32](rng, 50*d)
		for i := range n {
			copy(train.Row(i), few[rng.IntN(50)*d:])
		}
		all := scoresOf(train, queries)
		for _, workers := range []int{1, 2, 7} {
			states := make([]*Ends[float32], workers)
			for w := range states {
				states[w] = NewEnds[float32](q, NewBest(keep, AnyScore), NewBest(keep, AnyScore))
			}
			NewQueryRows(workers, queries).EachBlock(workers, train, IntoEnds(states, firstRow))
			for _, s := range states[1:] {
				states[0].Merge(s)
			}
			for j := range q {
				for side, got := range [][]Candidate{states[0].High(j), states[0].Low(j)} {
					want := sortedEnds(all, j, keep, AnyScore, 1-2*float64(side))
					for i := range want {
						want[i].Row += firstRow
					}
					require.Equal(t, want, got, "%d workers, query %d", workers, j)
				}
			}
		}
	}
}

// TestTotals adds up by recursion over the halves that the fixed tree has.
func TestTotals(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var tree func(row []float32, blocks int) Total
	tree = func(row []float32, blocks int) Total {
		if blocks == 1 {
			total := NoScores
			for _, v := range row {
				total = total.With(float64(v))
			}
			return total
		}
		left := 1
		for 2*left < blocks {
			left *= 2
		}
		return tree(row[:left*QueryBlock], left).Plus(tree(row[left*QueryBlock:], blocks-left))
	}
	for _, q := range []int{0, 1, 31, 32, 33, 64, 65, 97, 161, 300} {
		for _, rows := range []int{0, 1, 3, 4, 9} {
			scores, guarded := guardedMatrix(rng, rows, q, 2, 1, normal[float32])
			totals := make([]Total, rows)
			WriteTotals(totals, scores)
			guarded.unchanged(t, "scores")
			for i, got := range totals {
				want := NoScores
				if q > 0 {
					want = tree(scores.Row(i), ceilDiv(q, QueryBlock))
				}
				require.Equal(t, want, got, "row %d of %d queries", i, q)
			}
		}
	}
}

func TestQueryRowsWritesTotals(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const n, q, d = 700, 100, 8
	train, queries := MatrixOf(normal[float32](rng, n*d), n, d), MatrixOf(normal[float32](rng, q*d), q, d)
	want, got := make([]Total, n), make([]Total, n)
	WriteTotals(want, scoresOf(train, queries))
	NewQueryRows(2, queries).EachBlock(3, train, IntoTotals[float32](got))
	require.Equal(t, want, got)
}
