package dataset

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strings"
)

// A SafetensorsHeader says what a safetensors file holds.
type SafetensorsHeader struct {
	Tensors  []Tensor          // in order of their place in the file
	Metadata map[string]string // the __metadata__ of the file; may be nil
}

// A Tensor is an array of a safetensors file, in rows and without gaps.
type Tensor struct {
	Name   string
	Dtype  string // the format's name, for example "F32"
	Shape  []int64
	Offset int64 // of its first byte in the file
	Bytes  int64
}

// Tensor returns a tensor by its name.
func (h SafetensorsHeader) Tensor(name string) (Tensor, bool) {
	i := slices.IndexFunc(h.Tensors, func(t Tensor) bool { return t.Name == name })
	if i < 0 {
		return Tensor{}, false
	}
	return h.Tensors[i], true
}

// maxSafetensorsHeader is the format's own limit.
const maxSafetensorsHeader = 100_000_000

// safetensorsItem is the size of a value of the dtypes that infl knows.
var safetensorsItem = map[string]int64{
	"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4,
	"F16": 2, "BF16": 2, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}

// ReadSafetensorsHeader reads the header of a safetensors file of size bytes. It
// checks that each tensor lies in the file and is as long as its shape says, as far
// as its dtype is known. Memory is a small multiple of the header.
func ReadSafetensorsHeader(r io.ReaderAt, size int64) (SafetensorsHeader, error) {
	var h SafetensorsHeader
	var start [8]byte
	if _, err := r.ReadAt(start[:], 0); err != nil {
		return h, problem("is not a safetensors file, or is cut short")
	}
	length := binary.LittleEndian.Uint64(start[:])
	switch {
	case length > maxSafetensorsHeader:
		return h, problem("is not a safetensors file: its header would have %d bytes", length)
	case int64(length) > size-8:
		return h, problem("the safetensors file is cut short: its header has %d bytes", length)
	}
	text := make([]byte, length)
	if _, err := r.ReadAt(text, 8); err != nil && err != io.EOF {
		return h, err
	}
	if err := h.parse(text, 8+int64(length), size); err != nil {
		var e = problem("the header of the safetensors file is not understood: %v", err)
		e.Err = err
		return SafetensorsHeader{}, e
	}
	slices.SortStableFunc(h.Tensors, func(a, b Tensor) int { return cmp.Compare(a.Offset, b.Offset) })
	return h, nil
}

// parse reads the JSON object of a header; data is where the values begin.
func (h *SafetensorsHeader) parse(text []byte, data, size int64) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return cmp.Or(err, error(problem("it is no JSON object")))
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // a key of an object is a string
		if seen[name] {
			return problem("%s stands twice in it", quote(name))
		}
		seen[name] = true
		if name == "__metadata__" {
			if err := d.Decode(&h.Metadata); err != nil {
				return err
			}
			continue
		}
		tensor, err := decodeTensor(d, data, size)
		if err != nil {
			return problem("tensor %s: %v", quote(name), err)
		}
		tensor.Name = name
		h.Tensors = append(h.Tensors, tensor)
	}
	_, err := d.Token()
	return err
}

// decodeTensor reads the description of a tensor and checks it.
func decodeTensor(d *json.Decoder, data, size int64) (Tensor, error) {
	var j struct {
		Dtype   string   `json:"dtype"`
		Shape   []int64  `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	if err := d.Decode(&j); err != nil {
		return Tensor{}, err
	}
	begin, end := j.Offsets[0], j.Offsets[1]
	if begin < 0 || end < begin || end > size-data {
		return Tensor{}, problem("bytes %d to %d do not lie in the file", begin, end)
	}
	items := int64(1)
	for _, n := range j.Shape {
		if n < 0 || n > 0 && items > math.MaxInt64/16/n {
			return Tensor{}, problem("the shape %v is not possible", j.Shape)
		}
		items *= n
	}
	if item, known := safetensorsItem[j.Dtype]; known && items*item != end-begin {
		return Tensor{}, problem("%d bytes for %s of shape %v", end-begin, j.Dtype, j.Shape)
	}
	return Tensor{Dtype: j.Dtype, Shape: j.Shape, Offset: data + begin, Bytes: end - begin}, nil
}

// addTensor appends a tensor of a safetensors file.
func (m *Matrix) addTensor(file *matrixFile, name string) error {
	h, err := ReadSafetensorsHeader(file, file.size)
	if err != nil {
		return err
	}
	names := make([]string, len(h.Tensors))
	for i, t := range h.Tensors {
		names[i] = t.Name
	}
	if name, err = choose(name, names, "tensor"); err != nil {
		return err
	}
	t, _ := h.Tensor(name)
	rows, cols, err := vectors(t.Shape)
	if err != nil {
		return err
	}
	return m.add(file, tensorDtype(t), rows, cols, t.Offset, false)
}

// tensorDtype returns the dtype of a tensor's values, or the format's name of a
// type that no matrix has.
func tensorDtype(t Tensor) Dtype {
	d, known := map[string]Dtype{"F64": Float64, "F32": Float32, "F16": Float16, "BF16": BFloat16}[t.Dtype]
	if !known {
		return Dtype(t.Dtype)
	}
	return d
}

// choose returns the name that is wanted, or the only one there is.
func choose(wanted string, names []string, what string) (string, error) {
	const most = 10
	listed := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		listed += ", …"
	}
	switch {
	case wanted != "" && slices.Contains(names, wanted):
		return wanted, nil
	case len(names) == 0:
		return "", problem("holds no %s of vectors", what)
	case wanted != "":
		return "", problem("has no %s %s of vectors; there are %s", what, quote(wanted), listed)
	case len(names) == 1:
		return names[0], nil
	}
	return "", problem("holds several %ss of vectors: %s", what, listed).hint("name one of them")
}
