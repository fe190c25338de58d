package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// sortedEnds is the definition of an Ends: all scores of a query that are before
// the floor, sorted.
func sortedEnds[F Float](scores Matrix[F], q, keep int, floor Candidate, sign float64) []Candidate {
	var all []Candidate
	for i := range scores.Rows {
		if v := sign * float64(scores.At(i, q)); v == v {
			all = append(all, Candidate{v, int64(i)})
		}
	}
	all = slices.DeleteFunc(all, func(c Candidate) bool { return !c.Before(floor) })
	slices.SortFunc(all, compareCandidates)
	return append([]Candidate{}, all[:min(keep, len(all))]...)
}

func testEnds[F Float](t *testing.T) {
	draws := map[string]func(*rand.Rand, int) []F{
		"normal": normal[F], "extreme": extreme[F],
		"ties": func(rng *rand.Rand, n int) []F {
			x := make([]F, n)
			for i := range x {
				x[i] = F(rng.IntN(5) - 2)
			}
			return x
		},
	}
	for name, draw := range draws {
		for _, floor := range []Candidate{AnyScore, Positive} {
			for _, queries := range []int{1, 7, 8, 9, 16, 17, 40} {
				for _, keep := range []int{0, 1, 3, 50} {
					t.Run(fmt.Sprintf("%s/%v/q=%d/k=%d", name, floor.Row, queries, keep), func(t *testing.T) {
						rng := rand.New(rand.NewPCG(uint64(queries), uint64(keep)))
						scores, guarded := guardedMatrix(rng, 300, queries, 3, 1, draw)
						blocks := rng.Perm(10)
						old := path
						defer func() { path = old }()
						for path = Generic; path <= best(); path++ {
							checkEnds(t, scores, keep, floor, blocks)
						}
						guarded.unchanged(t, "scores")
					})
				}
			}
		}
	}
}

// checkEnds adds blocks of rows in some order to two states, in two halves of the
// queries, merges them and compares with the definition.
func checkEnds[F Float](t *testing.T, scores Matrix[F], keep int, floor Candidate, blocks []int) {
	high, low := NewBest(keep, floor), NewBest(2*keep, floor)
	states := []*Ends[F]{NewEnds[F](scores.Cols, high, low), NewEnds[F](scores.Cols, high, low)}
	rows := scores.Rows / len(blocks)
	for _, b := range blocks {
		half := scores.Cols / 2
		at := func(i int) int64 { return int64(b*rows + i) }
		states[b%2].Add(0, scores.Block(b*rows, 0, rows, half), at)
		states[b%2].Add(half, scores.Block(b*rows, half, rows, scores.Cols-half), at)
	}
	states[0].Merge(states[1])
	for q := range scores.Cols {
		require.Equal(t, sortedEnds(scores, q, keep, floor, 1), append([]Candidate{}, states[0].High(q)...), "%s: high of %d", path, q)
		require.Equal(t, sortedEnds(scores, q, 2*keep, floor, -1), append([]Candidate{}, states[0].Low(q)...), "%s: low of %d", path, q)
	}
	var nan int64
	for i := range scores.Rows {
		for _, v := range scores.Row(i) {
			if v != v {
				nan++
			}
		}
	}
	require.Equal(t, nan, states[0].NaN(), path)
}

func TestEnds(t *testing.T) {
	t.Run("float32", testEnds[float32])
	t.Run("float64", testEnds[float64])
}

// TestOutside wants every score that is at or beyond a bound, and every NaN, to be
// found, and no other one.
func TestOutside(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range ladder(64)[1:] {
		for range 20 {
			scores := guard(extreme[float32](rng, n), 1, -12345.678)
			atLeast, atMost := make([]float32, n+mostLanes), make([]float32, n+mostLanes)
			for j := range n {
				atLeast[j], atMost[j] = float32(rng.IntN(3)), float32(-rng.IntN(3))
			}
			onEachPath(t, func(t *testing.T) []float32 {
				found := make([]float32, n)
				for from := 0; ; {
					at, mask := outside(scores.slice(), atLeast, atMost, from)
					if mask == 0 {
						break
					}
					require.GreaterOrEqual(t, at, from)
					for j := range 64 {
						if mask>>j&1 != 0 {
							found[at+j] = 1
							from = at + j + 1
						}
					}
				}
				for j, v := range scores.slice() {
					isOutside := v >= atLeast[j] || v <= atMost[j] || math.IsNaN(float64(v))
					require.Equal(t, isOutside, found[j] == 1, "%s: column %d of %d", path, j, n)
				}
				return found
			})
		}
	}
}
