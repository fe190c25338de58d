package dataset

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// decodeArray sends n values of an array, from off on, to rows i, i+1, … of a
// decoder. On an error it returns which of the n values was wrong.
func decodeArray(d decoder, i int, values arrow.Array, off, n int) (int, error) {
	if f, ok := d.(*numberDecoder); ok && f.check == nil && copyFloats(f.out[i:i+n], values, off) {
		return 0, nil
	}
	read, err := cellReader(values)
	if err != nil {
		return 0, err
	}
	for k := range n {
		if err := d.cell(i+k, read(off+k)); err != nil {
			return k, err
		}
	}
	return 0, nil
}

// copyFloats fills out with numbers, NaN for nulls. It reports false for an
// array of another type than the common ones.
func copyFloats(out []float64, values arrow.Array, off int) bool {
	switch v := values.(type) {
	case *array.Float64:
		copy(out, v.Float64Values()[off:off+len(out)])
	case *array.Float32:
		convert(out, v.Float32Values()[off:])
	case *array.Int64:
		convert(out, v.Int64Values()[off:])
	case *array.Int32:
		convert(out, v.Int32Values()[off:])
	case *array.Int16:
		convert(out, v.Int16Values()[off:])
	case *array.Int8:
		convert(out, v.Int8Values()[off:])
	case *array.Uint64:
		convert(out, v.Uint64Values()[off:])
	case *array.Uint32:
		convert(out, v.Uint32Values()[off:])
	case *array.Uint16:
		convert(out, v.Uint16Values()[off:])
	case *array.Uint8:
		convert(out, v.Uint8Values()[off:])
	default:
		return false
	}
	if values.NullN() > 0 {
		for k := range out {
			if values.IsNull(off + k) {
				out[k] = math.NaN()
			}
		}
	}
	return true
}

func convert[T float32 | int64 | int32 | int16 | int8 | uint64 | uint32 | uint16 | uint8](out []float64, in []T) {
	in = in[:len(out)]
	for k := range out {
		out[k] = float64(in[k])
	}
}

// cellReader returns a function that reads a value of an array as a cell.
// Dictionaries are read by value.
func cellReader(values arrow.Array) (func(i int) cell, error) {
	if v, ok := values.(*array.Dictionary); ok {
		inner, err := cellReader(v.Dictionary())
		if err != nil {
			return nil, err
		}
		return orMissing(v, func(i int) cell { return inner(v.GetValueIndex(i)) }), nil
	}
	switch v := values.(type) {
	case *array.Float64:
		return numbers(v, v.Value), nil
	case *array.Float32:
		return orMissing(v, func(i int) cell { return single(v.Value(i)) }), nil
	case *array.Float16:
		return orMissing(v, func(i int) cell { return single(v.Value(i).Float32()) }), nil
	case *array.Int64:
		return integers(v, v.Value), nil
	case *array.Int32:
		return integers(v, v.Value), nil
	case *array.Int16:
		return integers(v, v.Value), nil
	case *array.Int8:
		return integers(v, v.Value), nil
	case *array.Uint32:
		return integers(v, v.Value), nil
	case *array.Uint16:
		return integers(v, v.Value), nil
	case *array.Uint8:
		return integers(v, v.Value), nil
	case *array.Uint64:
		return orMissing(v, func(i int) cell {
			if x := v.Value(i); x > math.MaxInt64 {
				return cell{kind: jsonNumber, text: strconv.FormatUint(x, 10)}
			}
			return cell{kind: integerCell, integer: int64(v.Value(i))}
		}), nil
	case *array.Boolean:
		return orMissing(v, func(i int) cell { return cell{kind: boolCell, truth: v.Value(i)} }), nil
	case *array.String:
		return texts(v, v.Value), nil
	case *array.LargeString:
		return texts(v, v.Value), nil
	case *array.StringView:
		return texts(v, v.Value), nil
	case *array.Binary:
		return texts(v, v.ValueString), nil
	case *array.LargeBinary:
		return texts(v, v.ValueString), nil
	case *array.Null:
		return func(int) cell { return cell{} }, nil
	}
	if isDecimal(values.DataType()) {
		return orMissing(values, func(i int) cell { return cell{kind: jsonNumber, text: values.ValueStr(i)} }), nil
	}
	return orMissing(values, func(i int) cell { return cell{kind: textCell, text: values.ValueStr(i)} }), nil
}

func orMissing(values arrow.Array, read func(i int) cell) func(i int) cell {
	return func(i int) cell {
		if values.IsNull(i) {
			return cell{}
		}
		return read(i)
	}
}

func numbers(values arrow.Array, value func(i int) float64) func(i int) cell {
	return orMissing(values, func(i int) cell { return cell{kind: numberCell, number: value(i)} })
}

// single keeps the text of a float32, which is shorter than that of the
// float64 of the same value.
func single(v float32) cell {
	return cell{kind: numberCell, number: float64(v), short: true}
}

func integers[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](values arrow.Array, value func(i int) T) func(i int) cell {
	return orMissing(values, func(i int) cell { return cell{kind: integerCell, integer: int64(value(i))} })
}

// texts copies the strings, which otherwise would lie in the array's buffer.
func texts(values arrow.Array, value func(i int) string) func(i int) cell {
	return orMissing(values, func(i int) cell { return cell{kind: textCell, text: strings.Clone(value(i))} })
}

func isDecimal(t arrow.DataType) bool { return arrow.IsDecimal(t.ID()) }

// valueType returns the type of a dictionary's values, or the type itself.
func valueType(t arrow.DataType) arrow.DataType {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return d.ValueType
	}
	return t
}

func isTextType(t arrow.DataType) bool {
	switch valueType(t).ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.STRING_VIEW, arrow.BINARY, arrow.LARGE_BINARY, arrow.NULL:
		return true
	}
	return false
}

func isIntegerType(t arrow.DataType) bool { return arrow.IsInteger(valueType(t).ID()) }

func isNumberType(t arrow.DataType) bool {
	v := valueType(t)
	return isIntegerType(v) || arrow.IsFloating(v.ID()) || v.ID() == arrow.BOOL || isDecimal(v)
}

// columnsOf lists the fields of an Arrow schema.
func columnsOf(schema *arrow.Schema) []Column {
	columns := make([]Column, schema.NumFields())
	for i, f := range schema.Fields() {
		columns[i] = Column{Name: f.Name, Type: typeName(f.Type), arrow: f.Type}
	}
	return columns
}

func typeName(t arrow.DataType) string {
	if d, ok := t.(*arrow.DictionaryType); ok {
		return fmt.Sprintf("dictionary of %s", d.ValueType)
	}
	return t.String()
}

// A boundedAllocator panics where a damaged file asks for more memory at once
// than its size can explain. The panic is turned into an error by [catch].
type boundedAllocator struct {
	memory.Allocator
	most int
}

// allocatorFor bounds one allocation by 256 MiB or 64 times the file.
func allocatorFor(fileBytes int64) memory.Allocator {
	return boundedAllocator{memory.NewGoAllocator(), int(min(max(256<<20, 64*fileBytes), math.MaxInt))}
}

func (b boundedAllocator) check(size int) {
	if size < 0 || size > b.most {
		panic(fmt.Sprintf("it asks for %d bytes of memory at once", size))
	}
}

func (b boundedAllocator) Allocate(size int) []byte {
	b.check(size)
	return b.Allocator.Allocate(size)
}

func (b boundedAllocator) Reallocate(size int, buf []byte) []byte {
	b.check(size)
	return b.Allocator.Reallocate(size, buf)
}
