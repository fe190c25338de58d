package dataset

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"
)

// typedFiles writes one batch in each of the typed kinds of file.
func typedFiles(t testing.TB, batch arrow.RecordBatch) map[string]string {
	return map[string]string{
		"parquet": write(t, "t.parquet", parquetBytes(t, 1<<20, batch)),
		"file":    write(t, "t.arrow", arrowFileBytes(t, batch)),
		"stream":  write(t, "t.arrows", arrowStreamBytes(t, batch)),
		"unnamed": write(t, "table", arrowFileBytes(t, batch)),
	}
}

func TestNumericTypes(t *testing.T) {
	types := []arrow.DataType{
		arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
		arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64,
	}
	for _, typ := range types {
		batch := record(t, fields([]string{"a"}, typ), "[1,null,3]")
		for kind, path := range typedFiles(t, batch) {
			c, _ := loads(t, path, Binding{Features: named("a")})
			equalFloats(t, []float64{1, nan, 3}, c.x[0])
			table, err := Open(path, Options{})
			require.NoError(t, err)
			text, err := table.Take(t.Context(), []int64{2, 1, 0}, nil)
			require.NoError(t, err)
			require.Equal(t, [][]string{{"3"}, {""}, {"1"}}, text, "%s %s", kind, typ)
		}
	}
}

func TestOtherTypes(t *testing.T) {
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	schema := fields([]string{"b", "s", "d", "m"}, arrow.FixedWidthTypes.Boolean, arrow.BinaryTypes.String, dictionary, &arrow.Decimal128Type{Precision: 10, Scale: 2})
	batch := record(t, schema, "[true,false,null]", `["1.5","","NA"]`, `["red","blue",null]`, `["1.25","-0.10",null]`)
	features := append(named("b", "s", "m"), Feature{Name: "d", Categorical: true, Categories: []any{"blue", "green", "red"}})
	for kind, path := range typedFiles(t, batch) {
		c, _ := loads(t, path, Binding{Features: features, Extra: []string{"b", "d"}})
		equalFloats(t, []float64{1, 0, nan}, c.x[0])
		equalFloats(t, []float64{1.5, nan, nan}, c.x[1])
		equalFloats(t, []float64{1.25, -0.1, nan}, c.x[2])
		equalFloats(t, []float64{2, 0, nan}, c.x[3])
		require.Equal(t, [][]string{{"true", "false", ""}, {"red", "blue", ""}}, c.text, kind)
	}
}

func TestTypesThatAreNoFeature(t *testing.T) {
	stamp := &arrow.TimestampType{Unit: arrow.Second}
	batch := record(t, fields([]string{"when", "list"}, stamp, arrow.ListOf(arrow.PrimitiveTypes.Int64)), `["2024-01-02 03:04:05"]`, `[[1,2]]`)
	for _, path := range typedFiles(t, batch) {
		fails(t, path, Binding{Features: named("when")}, `column "when"`, "timestamp", "cannot be a feature")
		fails(t, path, Binding{Features: named("list")}, `column "list"`, "list")
		fails(t, path, Binding{Key: "when"}, "cannot be a key")
		c, _ := loads(t, path, Binding{Extra: []string{"when", "list"}})
		require.Contains(t, c.text[0][0], "2024-01-02")
		require.Equal(t, "[1,2]", c.text[1][0])
	}
}

func TestNumbersAreDisplayedShort(t *testing.T) {
	batch := record(t, fields([]string{"f", "g"}, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64), "[0.1,1000000,1e-7]", "[0.1,1000000,1e300]")
	for _, path := range typedFiles(t, batch) {
		table, err := Open(path, Options{})
		require.NoError(t, err)
		got, err := table.Take(t.Context(), []int64{0, 1, 2}, []string{"g", "f"})
		require.NoError(t, err)
		require.Equal(t, [][]string{{"0.1", "0.1"}, {"1000000", "1000000"}, {"1e+300", "1e-07"}}, got)
	}
}

func TestErrorsInTypedFilesNameTheRow(t *testing.T) {
	batch := record(t, fields([]string{"a", "w"}, arrow.BinaryTypes.String, arrow.PrimitiveTypes.Float64), `["1","x"]`, "[1,-1]")
	for _, path := range typedFiles(t, batch) {
		require.EqualValues(t, 1, fails(t, path, Binding{Features: named("a")}, `row 1: column "a"`, "not a number").Row)
		require.EqualValues(t, 1, fails(t, path, Binding{Weight: "w"}, `row 1: column "w"`).Row)
	}
}

func TestDamagedTypedFiles(t *testing.T) {
	batch := floatBatch(1000, 3)
	for kind, content := range map[string][]byte{"t.parquet": parquetBytes(t, 1<<20, batch), "t.arrow": arrowFileBytes(t, batch), "t.arrows": arrowStreamBytes(t, batch)} {
		for _, n := range []int{0, 3, 8, len(content) / 3, len(content) / 2, len(content) - 20} {
			path := write(t, kind, content[:n])
			_, _, err := load(t, path, Binding{Features: named("f0", "f1", "f2")})
			var e *Error
			require.ErrorAs(t, err, &e, "%s of %d bytes", kind, n)
			require.Equal(t, path, e.Path)
		}
	}
}

// TestRowsAreCountedWithoutColumns binds nothing, so that only keys remain.
func TestRowsAreCountedWithoutColumns(t *testing.T) {
	batch := floatBatch(BatchRows+3, 2)
	for kind, path := range typedFiles(t, batch) {
		c, b := loads(t, path, Binding{})
		require.Equal(t, []int{BatchRows, 3}, c.sizes, kind)
		require.EqualValues(t, BatchRows+3, b.Keys().Len())
	}
}

// TestTablesWithoutRows reads each kind with columns and no rows.
func TestTablesWithoutRows(t *testing.T) {
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	batch := record(t, fields([]string{"a", "d"}, arrow.PrimitiveTypes.Float64, dictionary), "[]", "[]")
	for kind, path := range typedFiles(t, batch) {
		c, b := loads(t, path, Binding{Features: named("a"), Extra: []string{"d"}})
		require.Empty(t, c.sizes, kind)
		require.Zero(t, b.Keys().Len())
	}
	c, _ := loads(t, write(t, "t.npy", npyBytes(t, "<f4", []float32{}, 0, 2)), Binding{Features: named("Column_1")})
	require.Empty(t, c.sizes)
}

// TestArrowListsLongerThanTheMessage damages each word of a stream's schema in
// turn: whatever it asks for, no more memory than the file may be taken for it.
func TestArrowListsLongerThanTheMessage(t *testing.T) {
	batch := record(t, fields([]string{"a", "b"}, arrow.PrimitiveTypes.Float64, arrow.ListOf(arrow.BinaryTypes.String)), "[1]", `[["x"]]`)
	content := arrowStreamBytes(t, batch)
	for at := 8; at+4 <= len(content); at += 4 {
		damaged := bytes.Clone(content)
		binary.LittleEndian.PutUint32(damaged[at:], 0x7ffffff0)
		readAnything(t, "t.arrows", damaged)
	}
}

// npyBytes writes rows of a matrix as little-endian values of any size.
func npyBytes(t testing.TB, dtype string, values any, shape ...int64) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, WriteNPYHeader(&b, dtype, shape...))
	require.Zero(t, b.Len()%64)
	require.NoError(t, binary.Write(&b, binary.LittleEndian, values))
	return b.Bytes()
}

func TestNPY(t *testing.T) {
	check := func(dtype string, values any) {
		t.Helper()
		c, b := loads(t, write(t, "t.npy", npyBytes(t, dtype, values, 3, 2)), Binding{Features: named("Column_1", "Column_0")})
		require.Equal(t, [][]float64{{2, 4, 6}, {1, 3, 5}}, c.x, dtype)
		n, known := b.Table().Rows()
		require.True(t, known)
		require.EqualValues(t, 3, n)
	}
	check("<f8", []float64{1, 2, 3, 4, 5, 6})
	check("<f4", []float32{1, 2, 3, 4, 5, 6})
	check("<f2", []uint16{0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600})
	check("<i8", []int64{1, 2, 3, 4, 5, 6})
	check("<i4", []int32{1, 2, 3, 4, 5, 6})
	check("<i2", []int16{1, 2, 3, 4, 5, 6})
	check("|i1", []int8{1, 2, 3, 4, 5, 6})
	check("<u8", []uint64{1, 2, 3, 4, 5, 6})
	check("<u4", []uint32{1, 2, 3, 4, 5, 6})
	check("<u2", []uint16{1, 2, 3, 4, 5, 6})
	check("|u1", []uint8{1, 2, 3, 4, 5, 6})

	c, _ := loads(t, write(t, "t.npy", npyBytes(t, "|b1", []bool{true, false}, 2)), Binding{Features: named("Column_0")})
	require.Equal(t, []float64{1, 0}, c.x[0])
}

// npyRaw writes a header as other programs do.
func npyRaw(version byte, header string, data []byte) []byte {
	out := append([]byte(npyMagic), version, 0)
	if version == 1 {
		out = binary.LittleEndian.AppendUint16(out, uint16(len(header)))
	} else {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(header)))
	}
	return append(append(out, header...), data...)
}

func TestNPYHeaders(t *testing.T) {
	for version := byte(1); version <= 3; version++ {
		content := npyRaw(version, "{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2), }\n", []byte{1, 3, 5, 2, 4, 6})
		c, _ := loads(t, write(t, "t.npy", content), Binding{ByPosition: true, Features: named("x", "y")})
		require.Equal(t, [][]float64{{1, 3, 5}, {2, 4, 6}}, c.x)
	}
	bad := func(content []byte, want string) {
		t.Helper()
		fails(t, write(t, "t.npy", content), Binding{}, want)
	}
	bad(nil, "not a .npy file")
	bad([]byte(npyMagic), "not a .npy file")
	bad(npyRaw(4, "", nil), "version 4")
	bad(npyRaw(1, "{}", nil), "not understood")
	bad(npyRaw(1, "{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }", make([]byte, 8)), "little-endian")
	bad(npyRaw(1, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", make([]byte, 8)), "dtype")
	bad(npyRaw(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", make([]byte, 8)), "cut short")
	bad(npyRaw(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", make([]byte, 9)), "more than")
	bad(npyRaw(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }", make([]byte, 8)), "no table")
	bad(npyRaw(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1), }", make([]byte, 8)), "no table")
	bad(npyRaw(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000, 9000000000), }", nil), "not possible")
	bad(npyRaw(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (5, 0), }", nil), "no columns")
	bad(npyRaw(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9000000000), }", nil), "too many")
}

func TestNPYHeaderRefusesNonsense(t *testing.T) {
	for _, write := range []func() ([]byte, error){
		func() ([]byte, error) { return NPYHeaderBytes("<c8", 1) },
		func() ([]byte, error) { return NPYHeaderBytes("<f4", -1) },
		func() ([]byte, error) { return NPYHeaderBytes("<f4", 1<<40, 1<<40) },
		func() ([]byte, error) { return NPYHeaderBytes("<f4", make([]int64, 70_000)...) },
	} {
		_, err := write()
		require.Error(t, err)
	}
}
