package sink

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/infl-dev/infl/influence"
)

// memoryStore keeps the states of finished units in memory.
type memoryStore struct {
	mu    sync.Mutex
	units map[int64][][]byte
}

func newMemoryStore() *memoryStore { return &memoryStore{units: make(map[int64][][]byte)} }

func (m *memoryStore) begin(uint64, int64) error { return nil }

func (m *memoryStore) done(unit int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.units[unit]
	return ok
}

func (m *memoryStore) save(unit int64, states [][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.units[unit] = states
	return nil
}

func (m *memoryStore) drop(unit int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.units, unit)
	return nil
}

// memorySection is a state in memory.
type memorySection struct{ *bytes.Reader }

func (memorySection) Close() error { return nil }

func (m *memoryStore) section(unit int64, reducer int) (section, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return memorySection{bytes.NewReader(m.units[unit][reducer])}, nil
}

// plainSink is an influence.Sink that writes no results.
type plainSink struct{ core }

func newMemorySink(train influence.Rows, r reducer) *plainSink {
	return &plainSink{core{reducers: []reducer{r}, store: newMemoryStore(), train: train}}
}

func (s *plainSink) Begin(ctx context.Context, l influence.Layout) error { return s.begin(l) }

func (s *plainSink) Missing() iter.Seq[influence.Range2] { return s.missing() }

func (s *plainSink) Put(ctx context.Context, t influence.Tile) error { return s.put(ctx, t) }

func (s *plainSink) Commit(ctx context.Context) error { return s.complete() }

func (s *plainSink) Abort() error { return nil }

// run scores a job into the sink and ends it.
func (s *plainSink) run(ctx context.Context, from influence.Scorer, j influence.Job) error {
	if err := from.Score(ctx, j, s); err != nil {
		return errors.Join(err, s.Abort())
	}
	return s.Commit(ctx)
}
