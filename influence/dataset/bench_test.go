package dataset

import (
	"bytes"
	"context"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"
)

const (
	benchRows    = 300_000
	benchColumns = 30
)

func benchmarkFrames(b *testing.B, path string) {
	table, err := Open(path, Options{})
	require.NoError(b, err)
	var features []Feature
	for _, c := range table.Columns() {
		features = append(features, Feature{Name: c.Name})
	}
	bound, err := table.Bind(Binding{Features: features})
	require.NoError(b, err)
	b.SetBytes(table.Bytes())
	for b.Loop() {
		rows := 0
		for f, err := range bound.Frames(context.Background()) {
			require.NoError(b, err)
			rows += f.N
		}
		require.Equal(b, benchRows, rows)
	}
}

// BenchmarkParquet reads one row group of 300,000 × 30 float64.
func BenchmarkParquet(b *testing.B) {
	benchmarkFrames(b, write(b, "t.parquet", parquetBytes(b, 1<<20, floatBatch(benchRows, benchColumns))))
}

// BenchmarkCSV reads the same numbers as text.
func BenchmarkCSV(b *testing.B) {
	batch := floatBatch(benchRows, benchColumns)
	var text bytes.Buffer
	for c := range benchColumns {
		text.WriteString("f" + strconv.Itoa(c))
		text.WriteByte(",\n"[(c+1)/benchColumns])
	}
	for i := range benchRows {
		for c := range benchColumns {
			text.WriteString(strconv.FormatFloat(batch.Column(c).(*array.Float64).Value(i), 'g', -1, 64))
			text.WriteByte(",\n"[(c+1)/benchColumns])
		}
	}
	benchmarkFrames(b, write(b, "t.csv", text.Bytes()))
}
