package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"
)

// cuts splits a batch into pieces of the given size.
func cuts(batch arrow.RecordBatch, rows int64) []arrow.RecordBatch {
	var out []arrow.RecordBatch
	for lo := int64(0); lo < batch.NumRows(); lo += rows {
		out = append(out, batch.NewSlice(lo, min(lo+rows, batch.NumRows())))
	}
	return out
}

// TestFramesAreFull reads the same rows from files of every kind, cut in odd
// ways: the frames must be the same.
func TestFramesAreFull(t *testing.T) {
	const rows = 2*BatchRows + 777
	batch := floatBatch(rows, 3)
	var text, lines []byte
	matrix := make([]float64, 0, 3*rows)
	text = append(text, "f0,f1,f2\n"...)
	for i := range rows {
		a, b, c := value(batch, 0, i), value(batch, 1, i), value(batch, 2, i)
		text = fmt.Appendf(text, "%v,%v,%v\n", a, b, c)
		lines = fmt.Appendf(lines, "{\"f0\":%v,\"f1\":%v,\"f2\":%v}\n", a, b, c)
		matrix = append(matrix, a, b, c)
	}
	files := map[string]string{
		"csv":            write(t, "t.csv", text),
		"jsonl":          write(t, "t.jsonl", lines),
		"npy":            write(t, "t.npy", npyBytes(t, "<f8", matrix, rows, 3)),
		"one group":      write(t, "t.parquet", parquetBytes(t, 1<<30, batch)),
		"odd groups":     write(t, "t.parquet", parquetBytes(t, 5003, batch)),
		"arrow":          write(t, "t.arrow", arrowFileBytes(t, batch)),
		"arrow batches":  write(t, "t.arrow", arrowFileBytes(t, cuts(batch, 1237)...)),
		"arrow streamed": write(t, "t.arrows", arrowStreamBytes(t, cuts(batch, 20_011)...)),
	}
	for kind, path := range files {
		for _, workers := range []int{1, 3} {
			table, err := Open(path, Options{Workers: workers})
			require.NoError(t, err)
			bound, err := table.Bind(Binding{ByPosition: true, Features: named("a", "b", "c")})
			require.NoError(t, err)
			c, err := readAll(t, bound)
			require.NoError(t, err, kind)
			require.Equal(t, []int{BatchRows, BatchRows, 777}, c.sizes, kind)
			for f := range 3 {
				require.Equal(t, batch.Column(f).(*array.Float64).Float64Values(), c.x[f], kind)
			}
			require.EqualValues(t, rows, bound.Keys().Len())
		}
	}
}

func value(batch arrow.RecordBatch, column, row int) float64 {
	return batch.Column(column).(*array.Float64).Value(row)
}

func TestShards(t *testing.T) {
	dir := t.TempDir()
	batch := floatBatch(40_000, 2)
	var want []float64
	for i, piece := range cuts(batch, 13_000) {
		path := filepath.Join(dir, fmt.Sprintf("part-%d.parquet", i))
		require.NoError(t, os.WriteFile(path, parquetBytes(t, 5000, piece), 0o600))
		want = append(want, piece.Column(1).(*array.Float64).Float64Values()...)
	}
	glob := filepath.Join(dir, "part-*.parquet")
	c, b := loads(t, glob, Binding{Features: named("f1")})
	require.Equal(t, want, c.x[0])
	require.Equal(t, []int{BatchRows, BatchRows, 40_000 - 2*BatchRows}, c.sizes)
	require.EqualValues(t, 40_000, b.Keys().Len())
	require.Len(t, b.Table().Files(), 4)
	rows, known := b.Table().Rows()
	require.True(t, known)
	require.EqualValues(t, 40_000, rows)

	got, err := b.Table().Take(t.Context(), []int64{39_999, 12_999, 13_000}, []string{"f1"})
	require.NoError(t, err)
	for j, row := range []int{39_999, 12_999, 13_000} {
		require.Equal(t, formatFloat(want[row], 64), got[j][0])
	}
}

func TestShardsThatDisagree(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	put("a1.csv", "x,y\n1,2\n")
	put("a2.csv", "x,z\n1,2\n")
	put("b1.csv", "x,y\n1,2\n")
	put("b2.csv", "x,y,z\n1,2,3\n")
	put("c1.csv", "x\n1\n")
	put("c2.tsv", "x\n1\n")
	put("d1.csv", "k,x\na,1\n")
	put("d2.csv", "k,x\nb,1\na,1\n")
	fails(t, filepath.Join(dir, "a*.csv"), Binding{}, "a2.csv", "a1.csv", `column 2 is "z"`)
	fails(t, filepath.Join(dir, "b*.csv"), Binding{}, "b2.csv", "3 columns, not 2")
	fails(t, filepath.Join(dir, "c*"), Binding{}, "c2.tsv", "is tsv")
	fails(t, filepath.Join(dir, "d*"), Binding{Key: "k"}, "d2.csv:3", "row 0", "row 2")
	fails(t, filepath.Join(dir, "e*"), Binding{}, "no file matches")
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	fails(t, filepath.Join(dir, "absent.csv"), Binding{}, "absent.csv", "no such file")
	fails(t, dir, Binding{}, "is a directory")
	fails(t, write(t, "t.xlsx", []byte("PK")), Binding{}, "not known", ".parquet")
	fails(t, write(t, "t.parquet.gz", []byte("x")), Binding{}, "not read through gzip")
	_, err := Open(dir, Options{Workers: -1})
	require.ErrorContains(t, err, "-1 workers")
}

func TestTable(t *testing.T) {
	path := write(t, "t.csv", []byte("a,b\n1,2\n"))
	table, err := Open(path, Options{})
	require.NoError(t, err)
	require.Equal(t, path, table.Path())
	require.Equal(t, CSV, table.Kind())
	require.EqualValues(t, 8, table.Bytes())
	require.Equal(t, "b", table.Columns()[1].Name)
	_, known := table.Rows()
	require.False(t, known)
	require.NoError(t, table.Close())
}

func TestLeavingAPass(t *testing.T) {
	for name, content := range map[string][]byte{
		"t.csv.zst": zstded(t, csvOf(3*BatchRows)),
		"t.parquet": parquetBytes(t, 1<<20, floatBatch(3*BatchRows, 2)),
	} {
		table, err := Open(write(t, name, content), Options{})
		require.NoError(t, err)
		bound, err := table.Bind(Binding{Features: named("f0")})
		require.NoError(t, err)
		frames := 0
		for _, err := range bound.Frames(t.Context()) {
			require.NoError(t, err)
			frames++
			break
		}
		require.Equal(t, 1, frames)
		require.Nil(t, bound.Keys())

		ctx, cancel := context.WithCancel(t.Context())
		var last error
		for _, err := range bound.Frames(ctx) {
			cancel()
			last = err
		}
		cancel()
		require.ErrorIs(t, last, context.Canceled)
	}
}

// TestPanicOfTheCaller checks that a panic in the loop is not taken for a
// damaged file.
func TestPanicOfTheCaller(t *testing.T) {
	table, err := Open(write(t, "t.parquet", parquetBytes(t, 1<<20, floatBatch(10, 1))), Options{})
	require.NoError(t, err)
	bound, err := table.Bind(Binding{Features: named("f0")})
	require.NoError(t, err)
	require.PanicsWithValue(t, "mine", func() {
		for range bound.Frames(t.Context()) {
			panic("mine")
		}
	})
}

func csvOf(rows int) string {
	text := []byte("f0,f1\n")
	for i := range rows {
		text = fmt.Appendf(text, "%d,%d\n", i, -i)
	}
	return string(text)
}

func TestTake(t *testing.T) {
	files := map[string][]byte{"t.csv": []byte(csvOf(20_000))}
	schema := fields([]string{"f0", "f1"}, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int64)
	ups, downs := []byte("["), []byte("[")
	for i := range 20_000 {
		ups, downs = fmt.Appendf(ups, "%d,", i), fmt.Appendf(downs, "%d,", -i)
	}
	ups[len(ups)-1], downs[len(downs)-1] = ']', ']'
	batch := record(t, schema, string(ups), string(downs))
	files["t.parquet"] = parquetBytes(t, 3001, batch)
	files["t.arrow"] = arrowFileBytes(t, cuts(batch, 999)...)
	for name, content := range files {
		table, err := Open(write(t, name, content), Options{})
		require.NoError(t, err)
		got, err := table.Take(t.Context(), []int64{19_999, 0, 3001, 0, 3000}, []string{"f1", "f0"})
		require.NoError(t, err, name)
		require.Equal(t, [][]string{{"-19999", "19999"}, {"0", "0"}, {"-3001", "3001"}, {"0", "0"}, {"-3000", "3000"}}, got, name)

		all := make([]int64, 20_000)
		for i := range all {
			all[i] = int64(len(all) - 1 - i)
		}
		got, err = table.Take(t.Context(), all, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"17", "-17"}, got[len(all)-1-17])

		got, err = table.Take(t.Context(), nil, nil)
		require.NoError(t, err)
		require.Empty(t, got)
		_, err = table.Take(t.Context(), []int64{5, 20_000}, nil)
		require.ErrorContains(t, err, "row 20000 is outside the table, which has 20000 rows")
		_, err = table.Take(t.Context(), []int64{-1}, nil)
		require.ErrorContains(t, err, "row -1")
		_, err = table.Take(t.Context(), []int64{1}, []string{"f2"})
		require.ErrorContains(t, err, "nearest")
	}
}

// TestTakeStopsEarly has a broken line after the last row that is asked for.
func TestTakeStopsEarly(t *testing.T) {
	table, err := Open(write(t, "t.csv", []byte("a,b\n1,2\n3,4\n5\n")), Options{})
	require.NoError(t, err)
	got, err := table.Take(t.Context(), []int64{1}, nil)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"3", "4"}}, got)
	_, err = table.Take(t.Context(), []int64{2}, nil)
	require.ErrorContains(t, err, "t.csv:4")
}

// TestParquetWindows reads row groups in windows of every size, with and
// without nulls and dictionaries, and compares with reading them at once.
func TestParquetWindows(t *testing.T) {
	const rows = 5*BatchRows + 99
	numbers, words := []byte("["), []byte("[")
	for i := range rows {
		if i%7 == 0 {
			numbers = append(numbers, "null,"...)
		} else {
			numbers = fmt.Appendf(numbers, "%d,", i)
		}
		words = fmt.Appendf(words, "\"w%d\",", i%(1+i/100))
	}
	numbers[len(numbers)-1], words[len(words)-1] = ']', ']'
	batch := record(t, fields([]string{"n", "w"}, arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String), string(numbers), string(words))
	table, err := Open(write(t, "t.parquet", parquetBytes(t, 1<<30, batch)), Options{})
	require.NoError(t, err)
	read := func(windowBytes int64) contents {
		table.format = parquetFormat{windowBytes: windowBytes}
		bound, err := table.Bind(Binding{Features: named("n"), Extra: []string{"w"}})
		require.NoError(t, err)
		c, err := readAll(t, bound)
		require.NoError(t, err)
		return c
	}
	whole := read(1 << 40)
	equalFloats(t, []float64{nan, 1, 2, 3, 4, 5, 6, nan}, whole.x[0][:8])
	small := read(1)
	equalFloats(t, whole.x[0], small.x[0])
	require.Equal(t, whole.text, small.text)
	got, err := table.Take(t.Context(), []int64{rows - 1, minWindowRows}, []string{"n"})
	require.NoError(t, err)
	require.Equal(t, [][]string{{fmt.Sprint(rows - 1)}, {fmt.Sprint(minWindowRows)}}, got)
}

// TestParquetMemory reads a single row group of 72 MB: what is live during the
// pass must stay below the window and some pages.
func TestParquetMemory(t *testing.T) {
	path := write(t, "t.parquet", parquetBytes(t, 1<<30, floatBatch(300_000, 30)))
	table, err := Open(path, Options{})
	require.NoError(t, err)
	var all []Feature
	for _, c := range table.Columns() {
		all = append(all, Feature{Name: c.Name})
	}
	bound, err := table.Bind(Binding{Features: all})
	require.NoError(t, err)
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := uint64(0)
	for f, err := range bound.Frames(t.Context()) {
		require.NoError(t, err)
		if f.First == 8*BatchRows {
			runtime.GC()
			runtime.ReadMemStats(&during)
			most = max(most, during.HeapAlloc)
		}
	}
	require.NotZero(t, most)
	require.Less(t, int64(most)-int64(before.HeapAlloc), int64(48<<20))
}
