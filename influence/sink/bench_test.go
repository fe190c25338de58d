package sink_test

import (
	"math/rand/v2"
	"testing"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/stretchr/testify/require"
)

// benchmarkPut puts a unit of 64 Ki train rows × 256 queries in tiles of 256
// rows and reports the time per score.
func benchmarkPut(b *testing.B, keep sink.SinkOptions) {
	const rows, queries, tile = 65_536, 256, 256
	r := rand.New(rand.NewPCG(1, 2))
	scores := make([]float32, (rows+4096)*4)
	for i := range scores {
		scores[i] = float32(r.NormFloat64())
	}
	keep.TrainRows, keep.QueryRows = influence.RowRange(0, rows), influence.RowRange(0, queries)
	keep.TrainKeys, keep.QueryKeys = sink.RowNumbers(rows), sink.RowNumbers(queries)
	keep.Description.Signed = true
	for b.Loop() {
		run, err := sink.OpenRun(b.TempDir(), sink.RunOptions{})
		require.NoError(b, err)
		s, err := run.Sink(keep)
		require.NoError(b, err)
		require.NoError(b, s.Begin(b.Context(), influence.Layout{Query: queries, Train: rows, QBlock: queries, NBlock: rows, PerRow: 1}))
		for lo := int64(0); lo < rows; lo += tile {
			from := (lo * 7919) % (int64(len(scores)) - tile*queries)
			t := influence.Tile{
				Range2: influence.Range2{Query: influence.Range{Hi: queries}, Train: influence.Range{Lo: lo, Hi: lo + tile}},
				F32:    scores[from : from+tile*queries],
			}
			require.NoError(b, s.Put(b.Context(), t))
		}
		require.NoError(b, s.Abort())
		require.NoError(b, run.Close())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows/queries, "ns/score")
}

func BenchmarkPut(b *testing.B) {
	b.Run("top=100", func(b *testing.B) { benchmarkPut(b, sink.SinkOptions{TopK: 100}) })
	b.Run("aggregate", func(b *testing.B) { benchmarkPut(b, sink.SinkOptions{Aggregate: true}) })
	b.Run("matrix", func(b *testing.B) { benchmarkPut(b, sink.SinkOptions{Matrix: sink.NPYMatrix}) })
}
