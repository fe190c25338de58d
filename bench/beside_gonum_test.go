package bench

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// A shape is the size of a task: rows and columns of a matrix, or the number of
// rows of either side. Most tasks have one size and leave n at 0.
type shape struct{ m, n int }

func (s shape) String() string {
	if s.n == 0 {
		return fmt.Sprint(s.m)
	}
	return fmt.Sprintf("%dx%d", s.m, s.n)
}

// A contest is a task of one shape for ours and gonum's. Both are called with the
// number of the call, which names their matrices where they overwrite them.
type contest struct{ ours, gonums func(call int) }

// A rival is a kernel that has an equal in gonum.
type rival struct {
	name   string
	shapes []shape
	// meet returns the contest of a shape, for so many calls.
	meet func(s shape, calls int) contest
}

// ladder are sizes around the powers of two, from 1 to most.
func ladder(most int) (shapes []shape) {
	for _, n := range []int{
		1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65,
		96, 100, 127, 128, 129, 200, 255, 256, 257, 400, 511, 512, 513, 1024,
	} {
		if n <= most {
			shapes = append(shapes, shape{m: n})
		}
	}
	return shapes
}

// grid are all pairs of sizes.
func grid(ms, ns []int) (shapes []shape) {
	for _, m := range ms {
		for _, n := range ns {
			shapes = append(shapes, shape{m, n})
		}
	}
	return shapes
}

// BenchmarkBesideGonum climbs the sizes of each kernel that gonum has too, and
// reports the worst ratio of ours to gonum's: above 1.05 there is a size at which
// ours is slower. A ratio is one of medians of ten repetitions that take turns, each
// long enough for a clock. The log has all ratios, one row a kernel.
func BenchmarkBesideGonum(b *testing.B) {
	rounds, smallest := 10, 0
	if sizeName(b) == "smoke" {
		rounds, smallest = 1, 40
	}
	for _, r := range slices.Concat(productRivals(), vectorRivals(), denseRivals()) {
		b.Run(r.name, func(b *testing.B) {
			for b.Loop() {
				worst, at := 0.0, shape{}
				var row strings.Builder
				for _, s := range r.shapes {
					if smallest > 0 && max(s.m, s.n) > smallest {
						continue
					}
					ratio := r.ratio(s, rounds)
					fmt.Fprintf(&row, " %v:%.2f", s, ratio)
					if ratio > worst {
						worst, at = ratio, s
					}
				}
				b.Logf("worst %.2f at %v; %s", worst, at, row.String())
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(worst, "worst-ours/gonum")
			}
		})
	}
}

// ratio returns the median of ours over that of gonum's. Garbage is collected between
// rounds: a collection that runs while one side is timed, and by its period always the
// same one, makes it look twice as slow.
func (r rival) ratio(s shape, rounds int) float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const long, mostCalls = 100e-6, 4000
	one := seconds(1, r.meet(s, 1).gonums)
	one = min(one, seconds(1, r.meet(s, 1).gonums))
	if one > 2 {
		rounds = min(rounds, 3) // the noise of a machine is none to what takes seconds
	}
	calls := int(min(max(1, long/one), mostCalls))
	var ours, gonums []float64
	for range rounds {
		runtime.GC()
		c := r.meet(s, calls)
		ours = append(ours, seconds(calls, c.ours))
		c = r.meet(s, calls)
		gonums = append(gonums, seconds(calls, c.gonums))
	}
	return median(ours) / median(gonums)
}

func seconds(calls int, f func(call int)) float64 {
	begin := time.Now()
	for call := range calls {
		f(call)
	}
	return time.Since(begin).Seconds()
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
