package sink

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/influence"
)

// Top scores a job and returns the ends of each query entry, as scores.parquet
// holds them: where the sign has a meaning, up to k scores > 0, largest first
// (Helpful), and up to k scores < 0, smallest first (Harmful); otherwise the k
// largest (High) and the k smallest of the rest (Low). Ties are ordered by
// train row. Entries come sorted by query entry, side and rank.
//
// Special values: ±Inf are scores like others; NaN is an error that names the
// query entry and the train position. Memory is about q × 4k × 16 bytes, and
// the finished lists of each unit. The result does not depend on workers.
// Errors: k < 1, a self job, those of the scorer, ctx's error.
func Top(ctx context.Context, s influence.Scorer, j influence.Job, k int) ([]Entry, error) {
	return topFrom(ctx, s, j, k, newMemoryStore())
}

// Top is [Top] of a pass that a run makes before its own scores, to know what they are to be
// about. Its finished units are files of the run folder until the run is finished, so that
// after a kill only missing ones are scored. The inputs of the run must be set: files count
// for any later pass over the same query rows.
func (r *Run) Top(ctx context.Context, s influence.Scorer, j influence.Job, k int) ([]Entry, error) {
	h := xxh3.New()
	for i := range j.Query.Len() {
		fmt.Fprintln(h, j.Query.At(i)) // A hash never fails.
	}
	parts := newPartStore(filepath.Join(r.dir, partsName), r.open)
	parts.prefix = fmt.Sprintf("%s%016x-", firstPrefix, h.Sum64())
	return topFrom(ctx, s, j, k, parts)
}

// topFrom is [Top] with finished units in a store.
func topFrom(ctx context.Context, s influence.Scorer, j influence.Job, k int, in store) ([]Entry, error) {
	if k < 1 {
		return nil, fmt.Errorf("k is %d; it must be at least 1", k)
	}
	if j.Self {
		return nil, errors.New("a self job has no queries to keep train rows for")
	}
	r := &topK{k: k, signed: s.Describe().Signed, train: j.Train}
	m := &plainSink{core{reducers: []reducer{r}, store: in, train: j.Train}}
	if err := m.run(ctx, s, j); err != nil {
		return nil, err
	}
	var out []Entry
	queryRow := func(e int64) int64 { return j.Query.At(e / int64(m.layout.PerRow)) }
	err := r.merge(in, 0, queryRow, func(e Entry) error {
		out = append(out, e)
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
