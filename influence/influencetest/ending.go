package influencetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// cancelled ends the context before the job and at some of its tiles.
func (s *suite) cancelled(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.scorer.Score(ctx, s.whole, new(collector)), context.Canceled)

	for _, after := range []int64{1, 3} {
		ctx, cancel := context.WithCancel(t.Context())
		var tiles atomic.Int64
		c := &collector{onPut: func() error {
			if tiles.Add(1) < after {
				return nil
			}
			cancel()
			return ctx.Err()
		}}
		scorer, _, _ := s.create()
		err := scorer.Score(ctx, s.whole, c)
		if tiles.Load() >= after {
			require.ErrorIs(t, err, context.Canceled)
		}
		cancel()
	}
}

// sinkError lets the sink fail; the scorer must hand its error on and stop.
func (s *suite) sinkError(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	full := errors.New("the sink is full")
	c := &collector{onPut: func() error { return full }}
	scorer, _, _ := s.create()
	require.ErrorIs(t, scorer.Score(t.Context(), s.whole, c), full)
	require.False(t, c.ended, "the scorer ends the sink, which is its maker's part")
}
