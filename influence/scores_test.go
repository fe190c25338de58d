package influence_test

import (
	"context"
	"iter"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
)

// scores is a sink that keeps all scores, query entries down.
type scores struct {
	got    [][]float64
	layout influence.Layout
	mu     sync.Mutex
}

// newScores returns the sink for a job.
func newScores(tb testing.TB, s influence.Scorer, j influence.Job) *scores {
	tb.Helper()
	l, err := s.Layout(j)
	require.NoError(tb, err)
	c := &scores{got: make([][]float64, l.Query)}
	for e := range c.got {
		c.got[e] = make([]float64, l.Train)
	}
	return c
}

func (s *scores) Begin(_ context.Context, l influence.Layout) error {
	s.layout = l
	return l.Validate()
}

func (s *scores) Missing() iter.Seq[influence.Range2] { return s.layout.Units() }

func (s *scores) Put(_ context.Context, t influence.Tile) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	width := t.Query.Len()
	for at := range t.Train.Len() * width {
		v := 0.0
		if t.F64 != nil {
			v = t.F64[at]
		} else {
			v = float64(t.F32[at])
		}
		s.got[t.Query.Lo+at%width][t.Train.Lo+at/width] = v
	}
	return t.Validate()
}

func (s *scores) Commit(context.Context) error { return nil }
func (s *scores) Abort() error                 { return nil }
