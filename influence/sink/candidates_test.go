package sink_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/influence/sink"
)

// TestCandidatesAreAFullSortOfThem compares lists with sorted scores of the candidates.
func TestCandidatesAreAFullSortOfThem(t *testing.T) {
	for c := range 12 {
		r := rand.New(rand.NewPCG(uint64(c), 7))
		f := influencetest.Func{
			Train: 200, Query: 140, NBlock: 64, QTile: 1 + r.Int64N(140), NTile: 1 + r.Int64N(60), Workers: 2,
			Shuffle: uint64(c), Score: coarse(uint64(c), 12), Description: influence.Description{Signed: c%2 == 0},
		}
		job := influence.Job{Train: influence.RowRange(0, 200), Query: influence.RowRange(0, 140), Precision: influence.Precision(c / 2 % 2)}
		candidates := make(sink.Candidates, 140)
		for q := range candidates {
			for i := range int64(200) {
				if r.IntN(10) < q%11 {
					candidates[q] = append(candidates[q], i)
				}
			}
		}
		var got []sink.Entry
		dir := filepath.Join(t.TempDir(), "run")
		run, err := sink.OpenRun(dir, sink.RunOptions{})
		require.NoError(t, err)
		s, err := run.Sink(sink.SinkOptions{
			TopK: 4, Candidates: candidates, TrainRows: job.Train, QueryRows: job.Query,
			TrainKeys: sink.RowNumbers(200), QueryKeys: sink.RowNumbers(140), Description: f.Description,
		})
		require.NoError(t, err)
		require.NoError(t, f.NewScorer().Score(t.Context(), job, s))
		require.NoError(t, s.Commit(t.Context()))
		require.NoError(t, run.Close())
		require.NoError(t, sink.ReadScores(t.Context(), dir, func(row sink.ScoreRow) error {
			got = append(got, sink.Entry{QueryRow: row.QueryRow, TrainRow: row.TrainRow, Score: row.Score})
			return nil
		}))
		var want []sink.Entry
		for q, list := range candidates {
			var scores []float64
			for _, i := range list {
				scores = append(scores, f.Score(i, int64(q), 0))
			}
			high, low := ends(scores, influence.RowList(list), 4, f.Description.Signed)
			for _, e := range slices.Concat(high, low) {
				e.QueryRow = int64(q)
				want = append(want, e)
			}
		}
		require.Equal(t, want, got, "case %d", c)
	}
}

func TestCandidatesRefuse(t *testing.T) {
	o := sink.SinkOptions{
		TopK: 1, TrainRows: influence.RowRange(0, 5), QueryRows: influence.RowRange(0, 2),
		TrainKeys: sink.RowNumbers(5), QueryKeys: sink.RowNumbers(2),
	}
	for _, bad := range []sink.Candidates{{{0}}, {{0}, {5}}, {{0}, {2, 1}}, {{1, 1}, nil}, {{-1}, nil}} {
		o.Candidates = bad
		require.Error(t, o.Validate(), "%v", bad)
	}
	o.Candidates = sink.Candidates{{0, 4}, nil}
	require.NoError(t, o.Validate())
	o.Aggregate = true
	require.ErrorContains(t, o.Validate(), "lists only")
	o.Aggregate, o.Matrix = false, sink.NPYMatrix
	require.ErrorContains(t, o.Validate(), "lists only")
}
