package dataset

import (
	"encoding/binary"
	"errors"
	"io"
	"math"

	"github.com/apache/arrow-go/v18/arrow/float16"
)

// Numbers are the values of an array of any shape, the last index running fastest.
type Numbers struct {
	Shape  []int64
	Values []float64
}

// maxNumbers bounds what ReadNumbers takes into memory: 2 GiB.
const maxNumbers = 1 << 28

// ReadNumbers reads a whole .npy file of floats, integers or bool as float64. It takes
// 8 bytes for each value. An integer beyond 2⁵³, which float64 would round, is an
// error, as are more than 2²⁸ values and arrays in Fortran order. Errors are of type
// *[Error].
func ReadNumbers(path string) (_ Numbers, err error) {
	f, err := OpenNPY(path)
	if err != nil {
		return Numbers{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n, err := f.numbers()
	if err != nil {
		return Numbers{}, at(path, err)
	}
	return n, nil
}

func (n *NPY) numbers() (Numbers, error) {
	items, err := n.Items()
	switch {
	case err != nil:
		return Numbers{}, err
	case items > maxNumbers:
		return Numbers{}, problem("an array of shape %v is too large to be read whole", n.Shape)
	case n.Fortran && len(n.Shape) > 1:
		return Numbers{}, problem("the array is in Fortran order").hint("save numpy.ascontiguousarray of it")
	}
	raw := make([]byte, items*n.ItemBytes())
	if _, err := io.ReadFull(n.SectionReader, raw); err != nil {
		return Numbers{}, err
	}
	out := Numbers{Shape: n.Shape, Values: make([]float64, items)}
	number := numberReader(n.Dtype)
	for i := range out.Values {
		v := number(raw[int64(i)*n.ItemBytes():])
		if math.Abs(v) > maxExactInt && n.Dtype[1] != 'f' {
			return Numbers{}, problem("the integer %.0f is beyond 2^53", v)
		}
		out.Values[i] = v
	}
	return out, nil
}

// numberReader returns what reads a value at the beginning of bytes.
func numberReader(dtype string) func(b []byte) float64 {
	order := binary.LittleEndian
	return map[string]func(b []byte) float64{
		"<f8": func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) },
		"<f4": func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) },
		"<f2": func(b []byte) float64 { return float64(float16.FromBits(order.Uint16(b)).Float32()) },
		"<i8": func(b []byte) float64 { return float64(int64(order.Uint64(b))) },
		"<u8": func(b []byte) float64 { return float64(order.Uint64(b)) },
		"<i4": func(b []byte) float64 { return float64(int32(order.Uint32(b))) },
		"<u4": func(b []byte) float64 { return float64(order.Uint32(b)) },
		"<i2": func(b []byte) float64 { return float64(int16(order.Uint16(b))) },
		"<u2": func(b []byte) float64 { return float64(order.Uint16(b)) },
		"|i1": func(b []byte) float64 { return float64(int8(b[0])) },
		"|u1": func(b []byte) float64 { return float64(b[0]) },
		"|b1": func(b []byte) float64 { return float64(b[0]) },
	}[dtype]
}

// Write writes the numbers as a .npy file of one of the dtypes "<f8", "<i8" and "|b1".
// Values that are not of the dtype are rounded to it, as a conversion in Go does.
func (n Numbers) Write(w io.Writer, dtype string) error {
	h := NPYHeader{Dtype: dtype, Shape: n.Shape}
	if items, err := h.Items(); err != nil || items != int64(len(n.Values)) {
		return problem("%d values do not have the shape %v", len(n.Values), n.Shape)
	}
	var b []byte
	for _, v := range n.Values {
		switch dtype {
		case "<f8":
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		case "<i8":
			b = binary.LittleEndian.AppendUint64(b, uint64(int64(v)))
		case "|b1":
			b = append(b, byte(v))
		default:
			return problem("numbers of dtype %s are not written", quote(dtype))
		}
	}
	if err := WriteNPYHeader(w, dtype, n.Shape...); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}
