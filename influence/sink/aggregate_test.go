package sink_test

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/stretchr/testify/require"
)

// readColumns returns the columns of a Parquet file by name. Nulls are nil.
func readColumns(t *testing.T, path string) (names []string, columns map[string][]any) {
	t.Helper()
	f, err := file.OpenParquetFile(path, false)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	r, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, memory.NewGoAllocator())
	require.NoError(t, err)
	table, err := r.ReadTable(context.Background())
	require.NoError(t, err)
	columns = make(map[string][]any)
	for c := range int(table.NumCols()) {
		name := table.Column(c).Name()
		names = append(names, name)
		columns[name] = []any{}
		for _, chunk := range table.Column(c).Data().Chunks() {
			for i := range chunk.Len() {
				columns[name] = append(columns[name], valueAt(t, chunk, i))
			}
		}
	}
	return names, columns
}

func valueAt(t *testing.T, a arrow.Array, i int) any {
	t.Helper()
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Int64:
		return a.Value(i)
	case *array.Int32:
		return a.Value(i)
	case *array.Float32:
		return a.Value(i)
	case *array.Float64:
		return a.Value(i)
	case *array.String:
		return a.Value(i)
	}
	require.Failf(t, "type", "%s is not a type of ours", a.DataType())
	return nil
}

// treeSum is the definition of a sum over queries: blocks of 32 query rows in
// order, then neighbours pairwise. Absent values are skipped.
func treeSum(values []float64, present []bool) float64 {
	var level []float64
	for lo := 0; lo < len(values); lo += sink.QueryBlock {
		sum := 0.0
		for i := lo; i < min(lo+sink.QueryBlock, len(values)); i++ {
			if present[i] {
				sum += values[i]
			}
		}
		level = append(level, sum)
	}
	for len(level) > 1 {
		var up []float64
		for i := 0; i+1 < len(level); i += 2 {
			up = append(up, level[i]+level[i+1])
		}
		if len(level)%2 == 1 {
			up = append(up, level[len(level)-1])
		}
		level = up
	}
	return level[0]
}

func TestAggregatesAreTheirDefinition(t *testing.T) {
	for c := range 24 {
		r := rand.New(rand.NewPCG(uint64(c), 2))
		outputs := 1 + c%3
		f := influencetest.Func{
			Train: 1 + r.Int64N(80), Query: 1 + r.Int64N(400), Outputs: outputs,
			QTile: int64(32*outputs) * (1 + r.Int64N(4)), NTile: 1 + r.Int64N(30), NBlock: 1 + r.Int64N(60),
			QBlock:  int64(32*outputs) * (1 + r.Int64N(6)),
			Shuffle: uint64(c), Workers: 2, Score: fine(uint64(c)),
		}
		k := task{
			record: sink.Record{Configuration: c},
			keep: sink.SinkOptions{
				Aggregate: true, TopK: c % 2,
				TrainRows: influence.RowRange(0, f.Train), QueryRows: influence.RowRange(0, f.Query),
				TrainKeys: sink.RowNumbers(f.Train), QueryKeys: sink.RowNumbers(f.Query),
			},
			scorer: f,
			dtype:  influence.Precision(c % 2),
			of:     influence.Quantity{Kind: influence.Margin, Output: influence.Every},
		}
		groups := make([]int32, f.Query)
		names := words{"a", "b", "c", "d"}
		if c%4 > 1 {
			for i := range groups {
				// Sorted and mixed groups; group d has no queries.
				groups[i] = int32(min(i/50, 2))
				if c%4 == 3 {
					groups[i] = r.Int32N(3)
				}
			}
			k.keep.QueryGroups = sink.QueryGroups{Of: groups, Names: names}
		}
		dir := t.TempDir()
		k.finish(t, dir)
		dense, err := sink.Dense(t.Context(), f.NewScorer(), k.job())
		require.NoError(t, err)
		_, got := readColumns(t, filepath.Join(dir, "rows.parquet"))

		want := map[string][]any{}
		put := func(name string, v any) { want[name] = append(want[name], v) }
		score := func(name string, v float64) {
			if k.dtype == influence.Float64 {
				put(name, v)
			} else {
				put(name, float32(v))
			}
		}
		for i := range f.Train {
			best := slices.Repeat([]float64{math.Inf(-1)}, outputs) // of the groups' means
			for g := range int32(4) {
				for o := range outputs {
					values, present := make([]float64, f.Query), make([]bool, f.Query)
					n, most, least := 0, math.Inf(-1), math.Inf(1)
					for q := range f.Query {
						v := dense.At(q*int64(outputs)+int64(o), i)
						values[q], present[q] = v, groups[q] == g
						if present[q] {
							n, most, least = n+1, max(most, v), min(least, v)
						}
					}
					if n == 0 {
						continue
					}
					put("train_key", i)
					put("train_row", i)
					put("output", int32(o))
					if k.keep.QueryGroups.Of != nil {
						put("query_group", names[g])
					}
					sum := treeSum(values, present)
					score("sum", sum)
					score("mean", sum/float64(n))
					best[o] = max(best[o], sum/float64(n))
					score("max", most)
					score("min", least)
				}
			}
			if k.keep.QueryGroups.Of != nil {
				for at := len(want["max_mean"]); at < len(want["mean"]); at++ {
					score("max_mean", best[at%outputs])
				}
			}
		}
		delete(got, "times_in_top")
		require.Equal(t, want, got, "case %d", c)
	}
}

func TestAggregateRefusesCutBlocks(t *testing.T) {
	f := func(qBlock, qTile int64, message string) {
		t.Helper()
		k := newTask()
		k.scorer.QBlock, k.scorer.QTile = qBlock, qTile
		require.ErrorContains(t, k.run(t.Context(), t.TempDir(), nil), message)
	}
	f(100, 64, "units of a multiple of 64 query entries")
	f(64, 20, "tiles cut at multiples of 64 query entries")
}

func TestSumsThatAreNoNumbers(t *testing.T) {
	f := func(message string, a, b float64) {
		t.Helper()
		k := newTask()
		k.keep.QueryGroups = sink.QueryGroups{}
		k.scorer.Score = func(_, q int64, _ int) float64 { return []float64{a, b}[q%2] }
		dir := t.TempDir()
		require.ErrorContains(t, k.run(t.Context(), dir, nil), message)
		require.NoFileExists(t, filepath.Join(dir, "rows.parquet"))
	}
	f("add up to no number", math.Inf(1), math.Inf(-1))
	f("beyond float32", math.MaxFloat32, math.MaxFloat32)
}
