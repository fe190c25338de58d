package bench

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/store"
	"github.com/infl-dev/infl/internal/parallel"
)

// storeRounds is how often each form of a store is read; the forms take turns.
const storeRounds = 9

// BenchmarkStore scores the rows of stores of each form, mapped from files in the page
// cache, with a few queries, and reports by how much the smaller forms are faster than
// float32.
func BenchmarkStore(b *testing.B) {
	n, d := 100_000, 4096
	if sizeName(b) == "smoke" {
		n, d = 3000, 257
	}
	train := numbers[float32](n, d)
	stores := map[store.Form]influence.Vectors{}
	forms := []store.Form{store.Single, store.Half, store.Int8}
	for _, form := range forms {
		stores[form] = storeOf(b, train.Data, d, form)
	}
	train.Data = nil
	for _, q := range []int{1, 2, 4} {
		queries, err := influence.VectorsOf(numbers[float32](q, d).Data, d)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%dx%dx%d", n, q, d), func(b *testing.B) {
			times := map[store.Form][]float64{}
			for b.Loop() {
				for range storeRounds {
					for _, form := range forms {
						times[form] = append(times[form], dotSeconds(b, stores[form], queries))
					}
				}
			}
			for _, form := range forms {
				slices.Sort(times[form])
				least, median := times[form][0], times[form][len(times[form])/2]
				b.ReportMetric(least*1e3, string(form)+"-min-ms")
				b.ReportMetric(median*1e3, string(form)+"-median-ms")
				b.ReportMetric(times[store.Single][0]/least, string(form)+"-x-min")
				b.ReportMetric(times[store.Single][len(times[store.Single])/2]/median, string(form)+"-x-median")
			}
		})
	}
}

// storeOf writes rows as a store of a form and opens it.
func storeOf(b *testing.B, rows []float32, d int, form store.Form) influence.Vectors {
	v, err := influence.VectorsOf(rows, d)
	if err != nil {
		b.Fatal(err)
	}
	dir := filepath.Join(b.TempDir(), string(form))
	if _, err := store.Write(b.Context(), dir, store.Content{Blocks: []store.Block{{Name: "all", Vectors: v}}, Form: form, Workers: parallel.Workers(0)}); err != nil {
		b.Fatal(err)
	}
	s, err := store.Open(dir, dataset.MatrixOptions{BlockBytes: influence.BlockBytes(1 << 30)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s.Blocks()[0]
}

func dotSeconds(b *testing.B, train, queries influence.Vectors) float64 {
	s, err := influence.Dot(train, queries, influence.ProductOptions{})
	if err != nil {
		b.Fatal(err)
	}
	j := influence.Job{Train: influence.RowRange(0, train.Rows()), Query: influence.RowRange(0, queries.Rows())}
	begin := time.Now()
	if err := s.Score(b.Context(), j, &nowhere{}); err != nil {
		b.Fatal(err)
	}
	return time.Since(begin).Seconds()
}

// nowhere is a sink that keeps nothing.
type nowhere struct{ layout influence.Layout }

func (n *nowhere) Begin(_ context.Context, l influence.Layout) error { n.layout = l; return nil }
func (n *nowhere) Missing() iter.Seq[influence.Range2]               { return n.layout.Units() }
func (n *nowhere) Put(context.Context, influence.Tile) error         { return nil }
func (n *nowhere) Commit(context.Context) error                      { return nil }
func (n *nowhere) Abort() error                                      { return nil }
