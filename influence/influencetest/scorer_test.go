package influencetest_test

import (
	"context"
	"math"
	"sync"
	"testing"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFuncPassesTheSuite(t *testing.T) {
	wave := func(i, q int64, output int) float64 { return math.Sin(float64(i*31 + q*7 + int64(output))) }
	f := func(name string, f influencetest.Func, o influencetest.Options) {
		t.Run(name, func(t *testing.T) {
			f.Score = wave
			calls := 0
			influencetest.Scorer(t, func() (influence.Scorer, int64, int64) {
				calls++
				g := f
				g.Workers = 1 + calls%3
				return g.NewScorer(), f.Train, f.Query
			}, o)
		})
	}
	f("one unit", influencetest.Func{Train: 40, Query: 40}, influencetest.Options{SelfIsDiagonal: true})
	f("units", influencetest.Func{Train: 40, Query: 25, QBlock: 10, NBlock: 7, QTile: 4, NTile: 3, Shuffle: 1}, influencetest.Options{})
	f("outputs", influencetest.Func{Train: 30, Query: 9, Outputs: 3, QBlock: 6, NBlock: 8},
		influencetest.Options{Of: influence.Quantity{Kind: influence.Margin, Output: influence.Every}})
}

// spoiled changes tiles of a scorer on their way into the sink.
type spoiled struct {
	influence.Scorer
	tile func(t *influence.Tile) (again bool)
}

func (s spoiled) Score(ctx context.Context, j influence.Job, to influence.Sink) error {
	return s.Scorer.Score(ctx, j, &spoiler{Sink: to, tile: s.tile})
}

type spoiler struct {
	influence.Sink
	mu   sync.Mutex
	tile func(t *influence.Tile) bool
}

func (s *spoiler) Put(ctx context.Context, t influence.Tile) error {
	s.mu.Lock()
	again := s.tile(&t)
	s.mu.Unlock()
	if again {
		if err := s.Sink.Put(ctx, t); err != nil {
			return err
		}
	}
	return s.Sink.Put(ctx, t)
}

// TestCheckFindsBadTiles shows that a scorer with a fault does not pass.
func TestCheckFindsBadTiles(t *testing.T) {
	f := func(message string, tile func(t *influence.Tile) bool) {
		t.Helper()
		good := influencetest.Func{Train: 9, Query: 4, NBlock: 5, Score: func(int64, int64, int) float64 { return 1 }}
		job := influence.Job{Train: influence.RowRange(0, 9), Query: influence.RowRange(0, 4)}
		err := influencetest.Collect(t.Context(), spoiled{good.NewScorer(), tile}, job)
		require.ErrorContains(t, err, message)
	}
	f("not a number", func(t *influence.Tile) bool { t.F32[3] = float32(math.NaN()); return false })
	f("comes 2 times", func(*influence.Tile) bool { return true })
	f("comes 0 times", func(t *influence.Tile) bool {
		t.Query.Hi--
		t.F32 = t.F32[:t.Query.Len()*t.Train.Len()]
		return false
	})
	f("over the edge", func(t *influence.Tile) bool { t.Train.Lo, t.Train.Hi = 3, 3+t.Train.Len(); return false })
	f("precision", func(t *influence.Tile) bool { t.F64, t.F32 = make([]float64, len(t.F32)), nil; return false })
}
