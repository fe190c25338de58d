package dataset

import (
	"errors"
	"io"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// vectorDtype returns the dtype of a column of vectors, or "" for another column.
func vectorDtype(t arrow.DataType) Dtype {
	list, ok := t.(arrow.ListLikeType)
	if !ok {
		return ""
	}
	switch list.Elem().ID() {
	case arrow.FLOAT64:
		return Float64
	case arrow.FLOAT32:
		return Float32
	case arrow.FLOAT16:
		return Float16
	}
	return ""
}

// vectorColumn returns the number of the column of vectors that is wanted.
func vectorColumn(schema *arrow.Schema, wanted string) (int, error) {
	var names []string
	for _, f := range schema.Fields() {
		if vectorDtype(f.Type) != "" {
			names = append(names, f.Name)
		}
	}
	name, err := choose(wanted, names, "column")
	if err != nil {
		return 0, err
	}
	return schema.FieldIndices(name)[0], nil
}

// vectorsOf returns the values of an array of vectors as bytes, and how many values
// a vector has. An array without vectors has none.
func vectorsOf(a arrow.Array) (values []byte, cols int64, err error) {
	if a.NullN() > 0 {
		return nil, 0, problem("holds a null where a vector is expected").hint("drop such rows")
	}
	if a.Len() == 0 {
		return nil, 0, nil
	}
	list, ok := a.(array.ListLike)
	if !ok {
		return nil, 0, problem("is a column of %s, not of vectors", a.DataType())
	}
	first, end := list.ValueOffsets(0)
	cols = end - first
	for i := range a.Len() {
		lo, hi := list.ValueOffsets(i)
		if hi-lo != cols || lo != first+int64(i)*cols {
			return nil, 0, problem("row %d has a vector of %d numbers, the rows before have %d", i, hi-lo, cols)
		}
	}
	end = first + int64(a.Len())*cols
	inner := array.NewSlice(list.ListValues(), first, end)
	defer inner.Release()
	if inner.NullN() > 0 {
		return nil, 0, problem("holds a null where a number is expected")
	}
	switch v := inner.(type) {
	case *array.Float64:
		return bytesOf(v.Float64Values()), cols, nil
	case *array.Float32:
		return bytesOf(v.Float32Values()), cols, nil
	case *array.Float16:
		return bytesOf(v.Values()), cols, nil
	}
	return nil, 0, problem("is a column of %s, not of floating-point vectors", a.DataType())
}

// addArrow appends the vectors of an Arrow file: where they lie in the mapping, or
// unpacked where they do not.
func (m *Matrix) addArrow(file *matrixFile, opt MatrixOptions) error {
	if file.mapped != nil {
		if found, err := m.addMappedVectors(file, opt.Name); found || err != nil {
			return err
		}
	}
	return m.addUnpacked(file, opt, "compressed, or cannot be mapped; an uncompressed file is used as it is", arrowVectors)
}

// addMappedVectors appends record batch after record batch. It reports false, and
// appends nothing, where values do not lie in the mapping as they are.
func (m *Matrix) addMappedVectors(file *matrixFile, wanted string) (found bool, err error) {
	defer catch(file.Name(), "Arrow file", &err)
	start, err := firstArrowMessage(file, file.size)
	if err != nil {
		return false, err
	}
	s, err := newArrowStream(&mappedSource{file.mapped[start:]}, file.size, func() error { return nil })
	if err != nil {
		return false, invalidArrow(err)
	}
	defer closeInto(&err, s.close)
	column, err := vectorColumn(s.Schema(), wanted)
	if err != nil {
		return false, err
	}
	t := s.Schema().Field(column).Type
	if list, ok := t.(*arrow.FixedSizeListType); ok {
		if err := m.add(file, vectorDtype(t), 0, int64(list.Len()), 0, false); err != nil {
			return false, err
		}
	}
	kept, rows := len(m.extents), m.rows
	for {
		batch, err := s.read(file.Name())
		if errors.Is(err, io.EOF) {
			return m.dtype != "", nil
		}
		if err != nil {
			return false, invalidArrow(err)
		}
		values, cols, err := vectorsOf(batch.Column(column))
		if err != nil {
			return false, err
		}
		if len(values) == 0 {
			continue
		}
		offset := int64(uintptr(unsafe.Pointer(unsafe.SliceData(values))) - uintptr(unsafe.Pointer(unsafe.SliceData(file.mapped))))
		if offset < 0 || offset >= file.size {
			m.extents, m.rows = m.extents[:kept], rows
			return false, nil
		}
		if err := m.add(file, vectorDtype(t), batch.NumRows(), cols, offset, false); err != nil {
			return false, err
		}
	}
}

// arrowVectors gives the arrays of vectors of an Arrow file.
func arrowVectors(path, wanted string, each func(arrow.Array) error) (err error) {
	s, err := openArrow(path)
	if err != nil {
		return err
	}
	defer closeInto(&err, s.close)
	defer catch(path, "Arrow file", &err)
	column, err := vectorColumn(s.Schema(), wanted)
	if err != nil {
		return err
	}
	for {
		batch, err := s.read(path)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return invalidArrow(err)
		}
		if err := each(batch.Column(column)); err != nil {
			return err
		}
	}
}
