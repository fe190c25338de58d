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

// memorySink is an influence.Sink that keeps everything in memory.
type memorySink struct{ core }

func newMemorySink(train influence.Rows, r reducer) *memorySink {
	return &memorySink{core{reducers: []reducer{r}, store: newMemoryStore(), train: train}}
}

func (s *memorySink) Begin(ctx context.Context, l influence.Layout) error { return s.begin(l) }

func (s *memorySink) Missing() iter.Seq[influence.Range2] { return s.missing() }

func (s *memorySink) Put(ctx context.Context, t influence.Tile) error { return s.put(ctx, t) }

func (s *memorySink) Commit(ctx context.Context) error { return s.complete() }

func (s *memorySink) Abort() error { return nil }

// run scores a job into the sink and ends it.
func (s *memorySink) run(ctx context.Context, from influence.Scorer, j influence.Job) error {
	if err := from.Score(ctx, j, s); err != nil {
		return errors.Join(err, s.Abort())
	}
	return s.Commit(ctx)
}
