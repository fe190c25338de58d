package sink

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/infl-dev/infl/influence"
)

// arrowBatchBytes is about how much of the matrix a record batch holds.
const arrowBatchBytes = 4 << 20

// writeArrow writes the finished matrix as an Arrow IPC file, uncompressed:
//
//	query_key  int64 or utf8            key of the query row
//	query_row  int64                    its row number
//	output     int32, nullable          output that the scores are about
//	scores     FixedSizeList<float>[n]  one score per train position
//	module     utf8                     module that they are about, with Modules
//
// with one row per query entry, in order, and the scores float32 or float64.
func (r *matrix) writeArrow(ctx context.Context, w io.Writer, o SinkOptions, notes []note) (err error) {
	if r.layout.Train > math.MaxInt32 {
		return fmt.Errorf("an Arrow list holds at most %d scores, not %d; use the npy matrix", math.MaxInt32, r.layout.Train)
	}
	schema := r.arrowSchema(o, notes)
	out, err := ipc.NewFileWriter(w, ipc.WithSchema(schema))
	if err != nil {
		return err
	}
	rows := max(arrowBatchBytes/max(r.layout.Train*r.layout.Precision.Bytes(), 1), 1)
	rows = min(rows, 1<<16)
	b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	defer b.Release()
	for first := int64(0); first < r.layout.Query; first += rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		for e := first; e < min(first+rows, r.layout.Query); e++ {
			if err := r.appendArrow(b, e, o); err != nil {
				return err
			}
		}
		batch := b.NewRecordBatch()
		err := out.Write(batch)
		batch.Release()
		if err != nil {
			return err
		}
	}
	return out.Close()
}

func (r *matrix) arrowSchema(o SinkOptions, notes []note) *arrow.Schema {
	key, score := arrow.DataType(arrow.BinaryTypes.String), arrow.DataType(arrow.PrimitiveTypes.Float32)
	if o.QueryKeys.IsInt() {
		key = arrow.PrimitiveTypes.Int64
	}
	if r.layout.Precision == influence.Float64 {
		score = arrow.PrimitiveTypes.Float64
	}
	var names, values []string
	for _, n := range notes {
		names, values = append(names, n.name), append(values, n.value)
	}
	metadata := arrow.NewMetadata(names, values)
	fields := []arrow.Field{
		{Name: "query_key", Type: key},
		{Name: "query_row", Type: arrow.PrimitiveTypes.Int64},
		{Name: "output", Type: arrow.PrimitiveTypes.Int32, Nullable: true},
		{Name: "scores", Type: arrow.FixedSizeListOfNonNullable(int32(r.layout.Train), score)},
	}
	if o.Modules != nil {
		fields = append(fields, arrow.Field{Name: "module", Type: arrow.BinaryTypes.String})
	}
	if o.Dampings != nil {
		fields = append(fields, arrow.Field{Name: "damping", Type: arrow.PrimitiveTypes.Float64})
	}
	return arrow.NewSchema(fields, &metadata)
}

func (r *matrix) appendArrow(b *array.RecordBuilder, e int64, o SinkOptions) error {
	row := o.QueryRows.At(e / int64(r.layout.PerRow))
	switch keys := b.Field(0).(type) {
	case *array.Int64Builder:
		keys.Append(o.QueryKeys.Int(row))
	case *array.StringBuilder:
		keys.Append(o.QueryKeys.String(row))
	}
	b.Field(1).(*array.Int64Builder).Append(row)
	if o.Dampings != nil {
		b.Field(4).(*array.Float64Builder).Append(o.Dampings[r.layout.Output[e]])
	}
	if o.Modules != nil {
		b.Field(4).(*array.StringBuilder).Append(o.Modules[r.layout.Output[e]])
	}
	if r.layout.Output == nil || o.parts() > 0 {
		b.Field(2).AppendNull()
	} else {
		b.Field(2).(*array.Int32Builder).Append(r.layout.Output[e])
	}
	list := b.Field(3).(*array.FixedSizeListBuilder)
	list.Append(true)
	buf := make([]byte, r.layout.Train*r.layout.Precision.Bytes())
	if _, err := r.opened().ReadAt(buf, r.offset(e, 0)); err != nil && len(buf) > 0 {
		return fmt.Errorf("reading %s: %w", r.path, err)
	}
	switch values := list.ValueBuilder().(type) {
	case *array.Float32Builder:
		values.Reserve(int(r.layout.Train))
		for ; len(buf) > 0; buf = buf[4:] {
			values.UnsafeAppend(math.Float32frombits(binary.LittleEndian.Uint32(buf)))
		}
	case *array.Float64Builder:
		values.Reserve(int(r.layout.Train))
		for ; len(buf) > 0; buf = buf[8:] {
			values.UnsafeAppend(math.Float64frombits(binary.LittleEndian.Uint64(buf)))
		}
	}
	return nil
}
