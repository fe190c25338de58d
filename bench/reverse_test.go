package bench

import (
	"context"
	"fmt"
	"iter"
	"math"
	"testing"
	"time"

	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// discard is a sink that asks for all units and keeps nothing.
type discard struct{ layout influence.Layout }

func (d *discard) Begin(_ context.Context, l influence.Layout) error { d.layout = l; return nil }
func (d *discard) Missing() iter.Seq[influence.Range2]               { return d.layout.Units() }
func (*discard) Put(context.Context, influence.Tile) error           { return nil }
func (*discard) Commit(context.Context) error                        { return nil }
func (*discard) Abort() error                                        { return nil }

// reverseGrid are the sizes of BenchmarkReverse: rows, trees and seeds around a
// common corner, so that growth in each shows as a slope.
func reverseGrid(name string) (sizes []Size) {
	rows, trees, seeds := 1_000_000, 100, 32
	if name == "smoke" {
		rows, trees = 20_000, 20
	}
	for _, s := range [][3]int{{rows, trees, seeds}, {rows / 2, trees, seeds}, {rows / 4, trees, seeds}, {rows, trees / 2, seeds}, {rows, trees / 4, seeds}, {rows, trees, 2 * seeds}, {rows, trees, 3 * seeds}} {
		sizes = append(sizes, Size{Train: s[0], Query: s[2], Features: 8, Trees: s[1], Leaves: 31})
	}
	return sizes
}

// BenchmarkReverse measures LeafInfluence of a prepared model: all of Score but
// the keeping of its tiles. The limit is a plain read of what a pass must touch:
// leaf ids and one coefficient per row and tree for 32 seeds together, and one
// read and one write of a float64 adjoint per row, tree and seed.
func BenchmarkReverse(b *testing.B) {
	data := make([]byte, 1<<30)
	for i := range data {
		data[i] = byte(i)
	}
	for _, s := range reverseGrid(sizeName(b)) {
		b.Run(fmt.Sprintf("rows=%d/trees=%d/seeds=%d", s.Train, s.Trees, s.Query), func(b *testing.B) {
			x := fixtureOf(b, s)
			m, q := x.prepare(b)
			defer m.Close()
			scorer, err := m.LeafInfluence(q, gbdt.Options{})
			if err != nil {
				b.Fatal(err)
			}
			j := influence.Job{Train: influence.RowRange(0, m.Rows()), Query: influence.RowRange(0, q.Rows())}
			cells := float64(s.Train) * float64(s.Trees)
			traffic := cells * ((1+8)/32.0 + 16) // bytes per seed
			best, limit := math.Inf(1), math.Inf(1)
			for b.Loop() {
				limit = math.Min(limit, traffic/kernel.ReadRate(parallel.Workers(0), data))
				begin := time.Now()
				if err := scorer.Score(b.Context(), j, new(discard)); err != nil {
					b.Fatal(err)
				}
				best = math.Min(best, time.Since(begin).Seconds()/float64(s.Query))
			}
			b.ReportMetric(best, "s/seed")
			b.ReportMetric(best/cells*1e9, "ns/row·tree·seed")
			b.ReportMetric(best/limit, "×limit")
		})
	}
}
