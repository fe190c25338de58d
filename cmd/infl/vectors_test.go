package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/infl-dev/infl/influence/dataset"
)

// vectors FILE ROWS COLS SEED [NAN-ROW] writes a .npy or .arrow file of float32
// vectors; the latter also has the columns id, a text, and lang, one of three.
func vectors(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: vectors FILE ROWS COLS SEED [NAN-ROW]")
	}
	var n [4]int
	for i := range min(len(args)-1, 4) {
		v, err := strconv.Atoi(args[i+1])
		ts.Check(err)
		n[i] = v
	}
	rows, cols, seed := n[0], n[1], n[2]
	numbers := make([]float32, rows*cols)
	for i := range numbers {
		numbers[i] = float32((i*i+7*i+seed)%31)/8 - 2
	}
	if len(args) > 4 {
		numbers[n[3]*cols] = float32(math.NaN())
	}
	var b bytes.Buffer
	if filepath.Ext(args[0]) == ".npy" {
		ts.Check(dataset.WriteNPYHeader(&b, "<f4", int64(rows), int64(cols)))
		ts.Check(binary.Write(&b, binary.LittleEndian, numbers))
	} else {
		ts.Check(writeVectors(&b, numbers, rows, cols))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o666))
}

// classes FILE ROWS K writes a .npy file with a class of each row: 0, 1, … K−1, 0, ….
func classes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: classes FILE ROWS K")
	}
	rows, err := strconv.Atoi(args[1])
	ts.Check(err)
	k, err := strconv.Atoi(args[2])
	ts.Check(err)
	var b bytes.Buffer
	ts.Check(dataset.WriteNPYHeader(&b, "<f4", int64(rows), 1))
	for i := range rows {
		ts.Check(binary.Write(&b, binary.LittleEndian, float32(i%k)))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o666))
}

func writeVectors(b *bytes.Buffer, numbers []float32, rows, cols int) error {
	list := arrow.FixedSizeListOf(int32(cols), arrow.PrimitiveTypes.Float32)
	schema := arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "lang", Type: arrow.BinaryTypes.String}, {Name: "v", Type: list}}, nil)
	id, lang := array.NewStringBuilder(memory.DefaultAllocator), array.NewStringBuilder(memory.DefaultAllocator)
	v := array.NewFixedSizeListBuilder(memory.DefaultAllocator, int32(cols), arrow.PrimitiveTypes.Float32)
	for i := range rows {
		id.Append(fmt.Sprint("r", i))
		lang.Append([]string{"de", "en", "fr"}[i%3])
		v.Append(true)
		v.ValueBuilder().(*array.Float32Builder).AppendValues(numbers[i*cols:(i+1)*cols], nil)
	}
	w, err := ipc.NewFileWriter(b, ipc.WithSchema(schema))
	if err != nil {
		return err
	}
	record := array.NewRecordBatch(schema, []arrow.Array{id.NewArray(), lang.NewArray(), v.NewArray()}, int64(rows))
	defer record.Release()
	if err := w.Write(record); err != nil {
		return err
	}
	return w.Close()
}
