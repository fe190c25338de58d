package sink

import (
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// groupRows is the number of rows in a row group of a Parquet file.
const groupRows = 1_000_000

// A note is an entry of a file's metadata.
type note struct{ name, value string }

// A column of a Parquet file and the values of the open row group. Exactly one
// of the slices is in use, as kind says.
type column struct {
	name     string
	kind     parquet.Type
	nullable bool
	repeats  bool // worth a dictionary inside the file

	int64s  []int64
	int32s  []int32
	floats  []float32
	doubles []float64
	texts   []parquet.ByteArray
	levels  []int16 // of a nullable column: 1 for a value, 0 for null
}

func keyColumn(name string, isInt, repeats bool) *column {
	if isInt {
		return &column{name: name, kind: parquet.Types.Int64, repeats: repeats}
	}
	return &column{name: name, kind: parquet.Types.ByteArray, repeats: repeats}
}

func scoreColumn(name string, double bool) *column {
	if double {
		return &column{name: name, kind: parquet.Types.Double}
	}
	return &column{name: name, kind: parquet.Types.Float}
}

func (c *column) key(k Key) {
	if c.kind == parquet.Types.Int64 {
		c.int64s = append(c.int64s, k.Int)
	} else {
		c.texts = append(c.texts, parquet.ByteArray(k.Text))
	}
}

func (c *column) score(v float64) {
	if c.kind == parquet.Types.Double {
		c.doubles = append(c.doubles, v)
	} else {
		c.floats = append(c.floats, float32(v))
	}
}

// output appends a number of an output or a token, or null for NoOutput, which NoToken
// is too.
func (c *column) output(v int32) {
	if v == NoOutput {
		c.levels = append(c.levels, 0)
		return
	}
	c.levels = append(c.levels, 1)
	c.int32s = append(c.int32s, v)
}

// text appends a text, or null.
func (c *column) text(v string, known bool) {
	if !known {
		c.levels = append(c.levels, 0)
		return
	}
	c.levels = append(c.levels, 1)
	c.texts = append(c.texts, parquet.ByteArray(v))
}

func (c *column) node() (schema.Node, error) {
	repetition := parquet.Repetitions.Required
	if c.nullable {
		repetition = parquet.Repetitions.Optional
	}
	if c.kind == parquet.Types.ByteArray {
		return schema.NewPrimitiveNodeLogical(c.name, repetition, schema.StringLogicalType{}, c.kind, -1, -1)
	}
	return schema.NewPrimitiveNode(c.name, repetition, c.kind, -1, -1)
}

func (c *column) properties() []parquet.WriterProperty {
	if c.repeats {
		return []parquet.WriterProperty{parquet.WithDictionaryFor(c.name, true)}
	}
	switch c.kind {
	case parquet.Types.Int64, parquet.Types.Int32:
		return []parquet.WriterProperty{parquet.WithEncodingFor(c.name, parquet.Encodings.DeltaBinaryPacked)}
	case parquet.Types.Float, parquet.Types.Double:
		return []parquet.WriterProperty{parquet.WithEncodingFor(c.name, parquet.Encodings.ByteStreamSplit)}
	}
	return nil
}

// flush writes the values into an open row group and empties the column.
func (c *column) flush(to file.ColumnChunkWriter) error {
	var err error
	switch w := to.(type) {
	case *file.Int64ColumnChunkWriter:
		_, err = w.WriteBatch(c.int64s, c.levels, nil)
	case *file.Int32ColumnChunkWriter:
		_, err = w.WriteBatch(c.int32s, c.levels, nil)
	case *file.Float32ColumnChunkWriter:
		_, err = w.WriteBatch(c.floats, c.levels, nil)
	case *file.Float64ColumnChunkWriter:
		_, err = w.WriteBatch(c.doubles, c.levels, nil)
	case *file.ByteArrayColumnChunkWriter:
		_, err = w.WriteBatch(c.texts, c.levels, nil)
	default:
		err = fmt.Errorf("column %s has a type that is not written", c.name)
	}
	c.int64s, c.int32s, c.floats, c.doubles, c.levels = c.int64s[:0], c.int32s[:0], c.floats[:0], c.doubles[:0], c.levels[:0]
	clear(c.texts)
	c.texts = c.texts[:0]
	return err
}

// table writes a Parquet file row group by row group. The bytes depend on the
// rows and the notes only: there are no times, and the library's name is fixed
// with its version.
type table struct {
	columns []*column
	w       *file.Writer
	rows    int
}

// writeTable calls fill to write the rows of a table to w.
func writeTable(w io.Writer, columns []*column, notes []note, fill func(*table) error) (err error) {
	// The Parquet library panics on some failures of the writer below it.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("parquet: %v", p)
		}
	}()
	properties := []parquet.WriterProperty{
		parquet.WithDictionaryDefault(false),
		parquet.WithCompression(compress.Codecs.Zstd),
		parquet.WithCompressionLevel(1),
		parquet.WithMaxRowGroupLength(groupRows),
	}
	var fields schema.FieldList
	for _, c := range columns {
		properties = append(properties, c.properties()...)
		field, err := c.node()
		if err != nil {
			return err
		}
		fields = append(fields, field)
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, -1)
	if err != nil {
		return err
	}
	footer := metadata.NewKeyValueMetadata()
	for _, n := range notes {
		if err := footer.Append(n.name, n.value); err != nil {
			return err
		}
	}
	out, err := file.NewParquetWriterWithError(struct{ io.Writer }{w}, root,
		file.WithWriterProps(parquet.NewWriterProperties(properties...)), file.WithWriteMetadata(footer))
	if err != nil {
		return err
	}
	t := &table{columns: columns, w: out}
	if err := fill(t); err != nil {
		return err
	}
	if err := t.flush(); err != nil {
		return err
	}
	return out.Close()
}

// row counts a row whose values are in the columns.
func (t *table) row() error {
	t.rows++
	if t.rows < groupRows {
		return nil
	}
	return t.flush()
}

func (t *table) flush() error {
	if t.rows == 0 {
		return nil
	}
	t.rows = 0
	group, err := t.w.AppendRowGroupChecked()
	if err != nil {
		return err
	}
	for _, c := range t.columns {
		w, err := group.NextColumn()
		if err != nil {
			return err
		}
		if err := c.flush(w); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
	}
	return group.Close()
}
