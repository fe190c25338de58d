package sink_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
)

// through is a scorer whose tiles go through another sink.
type through struct {
	influence.Scorer
	wrap func(influence.Sink) influence.Sink
}

func (s through) Score(ctx context.Context, j influence.Job, to influence.Sink) error {
	return s.Scorer.Score(ctx, j, s.wrap(to))
}

// TestFirstPassIsContinued: the units of a pass before the scores of a run are kept, whole
// and of their own queries only, until the run is finished.
func TestFirstPassIsContinued(t *testing.T) {
	k, dir := newTask(), t.TempDir()
	k.scorer.Shuffle, k.scorer.Workers = 0, 1
	some := k.job()
	some.Query = influence.RowRange(0, 40)
	first := func(j influence.Job, wrap func(influence.Sink) influence.Sink) ([]sink.Entry, error) {
		r, err := sink.OpenRun(dir, sink.RunOptions{Record: k.record})
		require.NoError(t, err)
		defer func() { require.NoError(t, r.Close()) }()
		of := k.scorer
		of.Query = j.Query.Len()
		return r.Top(t.Context(), through{of.NewScorer(), wrap}, j, 3)
	}
	for _, j := range []influence.Job{k.job(), some} {
		of := k.scorer
		of.Query = j.Query.Len()
		want, err := sink.Top(t.Context(), of.NewScorer(), j, 3)
		require.NoError(t, err)
		all := 0
		_, err = sink.Top(t.Context(), through{of.NewScorer(), func(s influence.Sink) influence.Sink { return counts{s, &all} }}, j, 3)
		require.NoError(t, err)

		_, err = first(j, func(s influence.Sink) influence.Sink { return &dies{s, 7} }) // One unit of five tiles, and two tiles.
		require.ErrorIs(t, err, errDied)
		for _, left := range []int{all - 5, 0, 5} { // The last time one part is damaged.
			if left == 5 {
				parts, err := filepath.Glob(filepath.Join(dir, "parts", "first-*00000000.part"))
				require.NoError(t, err)
				for _, path := range parts {
					require.NoError(t, os.Truncate(path, 50))
				}
			}
			tiles := 0
			got, err := first(j, func(s influence.Sink) influence.Sink { return counts{s, &tiles} })
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, left, tiles)
		}
	}
	k.finish(t, dir)
	require.NoDirExists(t, filepath.Join(dir, "parts"))
	whole := t.TempDir()
	k.finish(t, whole)
	require.Equal(t, files(t, whole), files(t, dir))
}
