package dataset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

const npyMagic = "\x93NUMPY"

// maxNPYHeader bounds the header of a .npy file; real ones have 80 to 200 bytes.
const maxNPYHeader = 1 << 20

// An NPYHeader says what a .npy file holds.
type NPYHeader struct {
	Dtype   string  // numpy's name, for example "<f4"
	Shape   []int64 // one number per dimension; empty for a scalar
	Fortran bool    // the first index runs fastest
	Offset  int64   // of the data in the file, in bytes
}

// Items returns the number of values, and an error where the shape has a
// negative length or overflows.
func (h NPYHeader) Items() (int64, error) {
	n := int64(1)
	for _, d := range h.Shape {
		if d < 0 || d > 0 && n > math.MaxInt64/16/d {
			return 0, problem("the shape %v is not possible", h.Shape)
		}
		n *= d
	}
	return n, nil
}

// ItemBytes returns the size of one value, or 0 where the dtype is none that
// infl reads: little-endian floats and integers, and bool.
func (h NPYHeader) ItemBytes() int64 {
	switch h.Dtype {
	case "<f8", "<i8", "<u8":
		return 8
	case "<f4", "<i4", "<u4":
		return 4
	case "<f2", "<i2", "<u2":
		return 2
	case "|i1", "|u1", "|b1":
		return 1
	}
	return 0
}

var (
	npyDescr   = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	npyFortran = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	npyShape   = regexp.MustCompile(`'shape'\s*:\s*\(([0-9,\sL]*)\)`)
)

// ReadNPYHeader reads the header of a .npy file, versions 1 to 3, and leaves r
// at the data.
func ReadNPYHeader(r io.Reader) (NPYHeader, error) {
	var h NPYHeader
	var start [12]byte
	if _, err := io.ReadFull(r, start[:10]); err != nil || string(start[:6]) != npyMagic {
		return h, problem("is not a .npy file")
	}
	size, prefix := int64(binary.LittleEndian.Uint16(start[8:])), int64(10)
	switch start[6] {
	case 1:
	case 2, 3:
		if _, err := io.ReadFull(r, start[10:12]); err != nil {
			return h, problem("the header of the .npy file is cut short")
		}
		size, prefix = int64(binary.LittleEndian.Uint32(start[8:])), 12
	default:
		return h, problem("version %d of .npy is not known", start[6]).hint("versions 1 to 3 are read")
	}
	if size > maxNPYHeader {
		return h, problem("the header of the .npy file has %d bytes", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, problem("the header of the .npy file is cut short")
	}
	h.Offset = prefix + size
	descr, order, shape := npyDescr.FindSubmatch(text), npyFortran.FindSubmatch(text), npyShape.FindSubmatch(text)
	if descr == nil || order == nil || shape == nil {
		return h, problem("the header of the .npy file is not understood: %s", quote(string(bytes.TrimSpace(text))))
	}
	h.Dtype, h.Fortran = normalDtype(string(descr[1])), string(order[1]) == "True"
	for _, field := range strings.Split(string(shape[1]), ",") {
		field = strings.TrimSuffix(strings.TrimSpace(field), "L")
		if field == "" {
			continue
		}
		d, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return h, problem("the shape (%s) of the .npy file is not understood", shape[1])
		}
		h.Shape = append(h.Shape, d)
	}
	_, err := h.Items()
	return h, err
}

// normalDtype writes a one-byte type without a byte order, as numpy does.
func normalDtype(s string) string {
	if len(s) == 3 && s[2] == '1' && s[1] != 'f' {
		return "|" + s[1:]
	}
	return s
}

// NPYHeaderBytes returns the header of a .npy file, version 1, in C order. The
// data that follows is aligned to 64 bytes.
func NPYHeaderBytes(dtype string, shape ...int64) ([]byte, error) {
	h := NPYHeader{Dtype: dtype, Shape: shape}
	if h.ItemBytes() == 0 {
		return nil, problem("the dtype %q is not known", dtype)
	}
	if _, err := h.Items(); err != nil {
		return nil, err
	}
	lengths := make([]string, len(shape))
	for i, d := range shape {
		lengths[i] = strconv.FormatInt(d, 10)
	}
	tuple := strings.Join(lengths, ", ")
	if len(shape) == 1 {
		tuple += ","
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", dtype, tuple)
	const prefix = 10
	total := (prefix + len(text) + 1 + 63) / 64 * 64
	if total-prefix > math.MaxUint16 {
		return nil, problem("a shape of %d dimensions does not fit the header", len(shape))
	}
	out := make([]byte, 0, total)
	out = append(out, npyMagic+"\x01\x00"...)
	out = binary.LittleEndian.AppendUint16(out, uint16(total-prefix))
	out = append(out, text...)
	out = append(out, bytes.Repeat([]byte{' '}, total-1-len(out))...)
	return append(out, '\n'), nil
}

// WriteNPYHeader writes the header of [NPYHeaderBytes] to w.
func WriteNPYHeader(w io.Writer, dtype string, shape ...int64) error {
	header, err := NPYHeaderBytes(dtype, shape...)
	if err != nil {
		return err
	}
	_, err = w.Write(header)
	return err
}
