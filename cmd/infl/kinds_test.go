package main

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/dataset"
)

// columns returns the train table of a ladder as an Arrow table; keys are row
// numbers.
func (l ladder) columns(t testing.TB) arrow.Table {
	id, x, y := array.NewInt64Builder(memory.DefaultAllocator), array.NewFloat64Builder(memory.DefaultAllocator), array.NewFloat64Builder(memory.DefaultAllocator)
	for row := range l.rows {
		id.Append(int64(row))
		x.Append(float64(l.x(row)))
		y.Append(l.y(row))
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "x", Type: arrow.PrimitiveTypes.Float64}, {Name: "y", Type: arrow.PrimitiveTypes.Float64}}, nil)
	record := array.NewRecordBatch(schema, []arrow.Array{id.NewArray(), x.NewArray(), y.NewArray()}, int64(l.rows))
	defer record.Release()
	return array.NewTableFromRecords(schema, []arrow.RecordBatch{record})
}

func (l ladder) parquet(t testing.TB) []byte {
	var b bytes.Buffer
	require.NoError(t, pqarrow.WriteTable(l.columns(t), &b, 20, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps()))
	return b.Bytes()
}

func (l ladder) arrow(t testing.TB) []byte {
	table := l.columns(t)
	var b bytes.Buffer
	w, err := ipc.NewFileWriter(&b, ipc.WithSchema(table.Schema()))
	require.NoError(t, err)
	r := array.NewTableReader(table, 20)
	defer r.Release()
	for r.Next() {
		require.NoError(t, w.Write(r.RecordBatch()))
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// npy has the columns x and y, without their names.
func (l ladder) npy(t testing.TB) []byte {
	var b bytes.Buffer
	require.NoError(t, dataset.WriteNPYHeader(&b, "<f8", int64(l.rows), 2))
	for row := range l.rows {
		require.NoError(t, binary.Write(&b, binary.LittleEndian, []float64{float64(l.x(row)), l.y(row)}))
	}
	return b.Bytes()
}
