package sink

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/internal/kernel"
)

// rowsWindowBytes bounds the sums that are in memory while rows are written.
const rowsWindowBytes = 32 << 20

// rowsWriter writes rows.parquet, one row per train position, query group and
// output:
//
//	train_key     int64 or utf8       key of the train row
//	train_row     int64               row number in the train table
//	group         int64 or utf8       group of the train row, with TrainGroups
//	output        int32, nullable     with every output; null for a loss
//	query_group   int64 or utf8       with QueryGroups
//	self          float or double     with Self
//	sum           float or double     with Aggregate: over the group's queries
//	mean          float or double     sum by the number of queries
//	max_mean      float or double     with QueryGroups: the largest mean of the row's groups
//	max, min      float or double     without PoolRows
//	times_in_top  int32               with TopK: lists that hold the train row
//	module        utf8, nullable      with Modules or Tokens
//	token         int32, nullable     with Modules or Tokens
//	damping       float64             with Dampings
//
// sorted by train position, query group, and output or module. Groups without queries
// have no rows.
type rowsWriter struct {
	o       SinkOptions
	notes   []note
	layout  influence.Layout
	lanes   *lanes
	states  states
	sums    *aggregate
	sumsAt  int
	self    *self
	selfAt  int
	inTop   *topCounts
	columns map[string]*column
	order   []*column
	finer   finerColumns
}

func (w *rowsWriter) column(c *column) {
	w.columns[c.name] = c
	w.order = append(w.order, c)
}

func (w *rowsWriter) begin() {
	w.columns = make(map[string]*column)
	double := w.layout.Precision == influence.Float64
	w.column(keyColumn("train_key", w.o.TrainKeys.IsInt(), false))
	w.column(&column{name: "train_row", kind: parquet.Types.Int64})
	if w.o.TrainGroups != nil {
		w.column(keyColumn("group", w.o.TrainGroups.IsInt(), true))
	}
	w.column(&column{name: "output", kind: parquet.Types.Int32, nullable: true, repeats: true})
	if w.o.QueryGroups.Of != nil {
		w.column(keyColumn("query_group", w.o.QueryGroups.Names.IsInt(), true))
	}
	if w.self != nil {
		w.column(scoreColumn("self", double))
	}
	if w.sums != nil {
		names := []string{"sum", "mean"}
		if w.o.QueryGroups.Of != nil {
			names = append(names, "max_mean")
		}
		if w.o.PoolRows == nil {
			names = append(names, "max", "min")
		}
		for _, name := range names {
			w.column(scoreColumn(name, double))
		}
	}
	if w.inTop != nil {
		w.column(&column{name: "times_in_top", kind: parquet.Types.Int32})
	}
	w.finer = newFinerColumns(w.o.Finer)
	w.order = append(w.order, w.finer.list()...)
}

func (w *rowsWriter) write(ctx context.Context, to io.Writer) error {
	w.begin()
	if w.inTop != nil {
		w.inTop.count()
	}
	used := w.lanes.in(rootOf(w.lanes))
	return writeTable(to, w.order, w.notes, func(t *table) error {
		if len(used) == 0 {
			return nil
		}
		window := int64(max(rowsWindowBytes/totalBytes/len(used), 1))
		for lo := int64(0); lo < w.layout.Train; {
			if err := ctx.Err(); err != nil {
				return err
			}
			edge := (lo/w.layout.NBlock + 1) * w.layout.NBlock
			hi := min(lo+window, edge, w.layout.Train)
			if err := w.window(t, lo, hi, used); err != nil {
				return err
			}
			lo = hi
		}
		return nil
	})
}

func rootOf(l *lanes) node { return newTree(l.blocks(), l.in).root() }

// window writes the train positions [lo, hi) of one column of units.
func (w *rowsWriter) window(t *table, lo, hi int64, used []int32) error {
	var sums []kernel.Total
	var selves []float64
	var err error
	if w.sums != nil {
		if sums, err = w.sums.sums(w.states, w.sumsAt, lo, hi); err != nil {
			return err
		}
	}
	if w.self != nil {
		if selves, err = w.self.scores(w.states, w.selfAt, lo, hi); err != nil {
			return err
		}
	}
	for i := lo; i < hi; i++ {
		var totals []kernel.Total // of the lanes in use
		if w.sums != nil {
			totals = sums[(i-lo)*int64(len(used)):][:len(used)]
		}
		best := w.largestMeans(totals, used)
		for l, lane := range used {
			w.names(i, lane)
			if w.self != nil {
				w.columns["self"].score(selves[i-lo])
			}
			if w.sums != nil {
				if err := w.aggregates(i, lane, totals[l], best); err != nil {
					return err
				}
			}
			if w.inTop != nil {
				c := w.columns["times_in_top"]
				c.int32s = append(c.int32s, w.inTop.of(w.o.TrainRows.At(i), lane))
			}
			if err := t.row(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *rowsWriter) names(position int64, lane int32) {
	row, token := w.o.trainRow(w.o.TrainRows.At(position))
	w.columns["train_key"].key(keyOf(w.o.TrainKeys, row))
	w.columns["train_row"].int64s = append(w.columns["train_row"].int64s, row)
	if w.o.TrainGroups != nil {
		w.columns["group"].key(keyOf(w.o.TrainGroups, row))
	}
	output := w.outputOf(lane)
	w.columns["output"].output(w.o.output(output))
	w.finer.add(output, token)
	if w.o.QueryGroups.Of != nil {
		w.columns["query_group"].key(keyOf(w.o.QueryGroups.Names, int64(lane)/int64(w.layout.PerRow)))
	}
}

// outputOf returns the output that all entries of a lane share, or NoOutput.
func (w *rowsWriter) outputOf(lane int32) int32 {
	if w.layout.Output == nil {
		return NoOutput
	}
	if w.layout.PerRow > 1 || w.o.parts() > 0 {
		return w.layout.Output[lane%int32(w.layout.PerRow)]
	}
	if slices.Min(w.layout.Output) != slices.Max(w.layout.Output) {
		return NoOutput
	}
	return w.layout.Output[0]
}

// largestMeans returns, for each output, the largest mean of the query groups of a train
// position; nil without groups.
func (w *rowsWriter) largestMeans(totals []kernel.Total, used []int32) []float64 {
	if w.o.QueryGroups.Of == nil || totals == nil {
		return nil
	}
	best := make([]float64, w.layout.PerRow)
	for k := range best {
		best[k] = math.Inf(-1)
	}
	for l, lane := range used {
		k := int(lane) % w.layout.PerRow
		best[k] = max(best[k], w.mean(lane, totals[l]))
	}
	return best
}

// mean returns the mean score of a train position over the queries of a lane.
func (w *rowsWriter) mean(lane int32, a kernel.Total) float64 {
	return a.Sum / float64(w.queries(lane))
}

// aggregates appends the sums of a train position. A sum that is no number,
// or that only the job's precision makes infinite, is an error.
func (w *rowsWriter) aggregates(position int64, lane int32, a kernel.Total, best []float64) error {
	if math.IsNaN(a.Sum) {
		return fmt.Errorf("the scores of train row %d add up to no number: they hold +Inf and -Inf", w.o.TrainRows.At(position))
	}
	if w.layout.Precision == influence.Float32 && math.IsInf(float64(float32(a.Sum)), 0) && !math.IsInf(a.Sum, 0) {
		return fmt.Errorf("the sum of the scores of train row %d is %g, beyond float32; use --dtype float64", w.o.TrainRows.At(position), a.Sum)
	}
	w.columns["sum"].score(a.Sum)
	w.columns["mean"].score(w.mean(lane, a))
	if best != nil {
		w.columns["max_mean"].score(best[int(lane)%w.layout.PerRow])
	}
	if w.o.PoolRows != nil {
		return nil
	}
	w.columns["max"].score(a.Max)
	w.columns["min"].score(a.Min)
	return nil
}

// queries returns the number of query rows behind a lane.
func (w *rowsWriter) queries(lane int32) int64 {
	if w.o.PoolRows == nil {
		return w.lanes.count[lane]
	}
	return w.o.PoolRows[int(lane)/w.layout.PerRow]
}

// topCounts counts in how many lists of a lane a train row is. It takes 16
// bytes for each entry of scores.parquet.
type topCounts struct{ seen []rowLane }

type rowLane struct {
	row   int64
	lane  int32
	times int32
}

func (c *topCounts) add(row int64, lane int32) { c.seen = append(c.seen, rowLane{row, lane, 1}) }

func byRowLane(a, b rowLane) int {
	return cmp.Or(cmp.Compare(a.row, b.row), cmp.Compare(a.lane, b.lane))
}

// count sorts what was added and joins what is equal.
func (c *topCounts) count() {
	slices.SortFunc(c.seen, byRowLane)
	joined := c.seen[:0]
	for _, s := range c.seen {
		if n := len(joined); n > 0 && byRowLane(joined[n-1], s) == 0 {
			joined[n-1].times++
			continue
		}
		joined = append(joined, s)
	}
	c.seen = joined
}

func (c *topCounts) of(row int64, lane int32) int32 {
	at, found := slices.BinarySearchFunc(c.seen, rowLane{row: row, lane: lane}, byRowLane)
	if !found {
		return 0
	}
	return c.seen[at].times
}
