package sink_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if heldRun() {
		return
	}
	goleak.VerifyTestMain(m)
}

// coarse returns a score function with few different values, so that most
// scores are ties.
func coarse(seed uint64, values int) func(train, query int64, output int) float64 {
	return func(train, query int64, output int) float64 {
		r := rand.New(rand.NewPCG(seed, uint64(train*1_000_003+query*101+int64(output))))
		return float64(r.IntN(values) - values/2)
	}
}

// fine returns a score function with few ties.
func fine(seed uint64) func(train, query int64, output int) float64 {
	return func(train, query int64, output int) float64 {
		r := rand.New(rand.NewPCG(seed, uint64(train*1_000_003+query*101+int64(output))))
		return float64(float32(r.NormFloat64()))
	}
}

// ends is the definition: a full sort of a query entry's scores.
func ends(scores []float64, rows influence.Rows, k int, signed bool) (high, low []sink.Entry) {
	var all []sink.Entry
	for i, s := range scores {
		all = append(all, sink.Entry{TrainRow: rows.At(int64(i)), Score: s})
	}
	order := func(sign float64) func(a, b sink.Entry) int {
		return func(a, b sink.Entry) int {
			switch {
			case sign*a.Score > sign*b.Score:
				return -1
			case sign*a.Score < sign*b.Score:
				return 1
			}
			return int(a.TrainRow - b.TrainRow)
		}
	}
	slices.SortStableFunc(all, order(1))
	high = slices.Clone(all)
	if signed {
		high = slices.DeleteFunc(high, func(e sink.Entry) bool { return e.Score <= 0 })
		low = slices.DeleteFunc(slices.Clone(all), func(e sink.Entry) bool { return e.Score >= 0 })
	}
	high = high[:min(k, len(high))]
	if !signed {
		low = slices.Clone(all[len(high):])
	}
	slices.SortStableFunc(low, order(-1))
	return high, low[:min(k, len(low))]
}

func TestTopIsAFullSort(t *testing.T) {
	for c := range 60 {
		r := rand.New(rand.NewPCG(uint64(c), 1))
		f := influencetest.Func{
			Train: 1 + r.Int64N(300), Query: 1 + r.Int64N(150), Outputs: 1 + r.IntN(3),
			QBlock: 1 + r.Int64N(200), NBlock: 1 + r.Int64N(120), QTile: 1 + r.Int64N(150), NTile: 1 + r.Int64N(50),
			Shuffle: uint64(c % 3), Workers: 1 + c%3,
			Score:       coarse(uint64(c), 2+r.IntN(40)),
			Description: influence.Description{Signed: c%2 == 0},
		}
		if c%5 == 0 {
			f.Score = fine(uint64(c))
		}
		list := make([]int64, 1+r.IntN(int(f.Train)))
		for i := range list {
			list[i] = r.Int64N(f.Train) // Repeats rows.
		}
		job := influence.Job{
			Train: influence.RowList(list), Query: influence.RowRange(0, f.Query),
			Of:        influence.Quantity{Kind: influence.Margin, Output: influence.Every},
			Precision: influence.Precision(c / 2 % 2),
		}
		k := 1 + r.IntN(12)
		got, err := sink.Top(t.Context(), f.NewScorer(), job, k)
		require.NoError(t, err)
		dense, err := sink.Dense(t.Context(), f.NewScorer(), job)
		require.NoError(t, err)

		var want []sink.Entry
		n := dense.Layout.Train
		for e := range dense.Layout.Query {
			high, low := ends(dense.Scores[e*n:(e+1)*n], job.Train, k, f.Description.Signed)
			sides := []sink.Side{sink.High, sink.Low}
			if f.Description.Signed {
				sides = []sink.Side{sink.Helpful, sink.Harmful}
			}
			for s, list := range [][]sink.Entry{high, low} {
				for i, x := range list {
					x.Query, x.QueryRow, x.Output = e, e/int64(f.Outputs), int32(e)%int32(f.Outputs)
					x.Side, x.Rank = sides[s], int32(i+1)
					want = append(want, x)
				}
			}
		}
		require.Equal(t, want, got, "case %d", c)
	}
}

func TestTopKeepsInfinities(t *testing.T) {
	inf := math.Inf(1)
	scores := []float64{inf, 1, -inf, inf}
	f := influencetest.Func{Train: 4, Query: 1, Score: func(i, _ int64, _ int) float64 { return scores[i] }}
	job := influence.Job{Train: influence.RowRange(0, 4), Query: influence.RowRange(0, 1)}
	got, err := sink.Top(t.Context(), f.NewScorer(), job, 2)
	require.NoError(t, err)
	var rows []int64
	for _, e := range got {
		rows = append(rows, e.TrainRow)
	}
	require.Equal(t, []int64{0, 3, 2, 1}, rows)
}

func TestTopRefuses(t *testing.T) {
	f := func(name string, score func(i, q int64, _ int) float64, self bool, k int, message string) {
		t.Helper()
		s := influencetest.Func{Train: 5, Query: 3, Score: score, QTile: 2, NTile: 2}.NewScorer()
		job := influence.Job{Train: influence.RowRange(0, 5), Query: influence.RowRange(0, 3), Self: self}
		_, err := sink.Top(t.Context(), s, job, k)
		require.ErrorContains(t, err, message, name)
	}
	one := func(int64, int64, int) float64 { return 1 }
	f("k", one, false, 0, "at least 1")
	f("self", one, true, 1, "self")
	f("NaN", func(i, q int64, _ int) float64 {
		if i == 3 && q == 2 {
			return math.NaN()
		}
		return 1
	}, false, 1, "query entry 2 on train row 3 is not a number")
}

func TestTopEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := influencetest.Func{Train: 100, Query: 1, NTile: 1, Workers: 2, Score: func(i, _ int64, _ int) float64 {
		if i == 20 {
			cancel()
		}
		return 0
	}}.NewScorer()
	_, err := sink.Top(ctx, s, influence.Job{Train: influence.RowRange(0, 100), Query: influence.RowRange(0, 1)}, 1)
	require.True(t, errors.Is(err, context.Canceled))
}
