package dataset

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// Tensors are safetensors files whose tensors of one name belong together, shard
// after shard. Each file is opened and mapped once, however many tensors it has.
// Tensors may be used from several goroutines until they are closed.
type Tensors struct {
	files   []*matrixFile
	headers []SafetensorsHeader
}

// OpenTensors opens the files in the order given and reads their headers. With
// read, files are read where they would be mapped, as [MatrixOptions] has it. Every
// error is an [*Error].
func OpenTensors(paths []string, read bool) (_ *Tensors, err error) {
	t := &Tensors{}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	for _, path := range paths {
		f, err := openMatrixFile(path, read)
		if err != nil {
			return nil, at(path, err)
		}
		t.files = append(t.files, f)
		h, err := ReadSafetensorsHeader(f, f.size)
		if err != nil {
			return nil, at(path, err)
		}
		t.headers = append(t.headers, h)
	}
	return t, nil
}

// Header returns what file number shard holds, 0 ≤ shard < number of paths.
func (t *Tensors) Header(shard int) SafetensorsHeader { return t.headers[shard] }

// Bytes returns the size of all files.
func (t *Tensors) Bytes() int64 {
	var sum int64
	for _, f := range t.files {
		sum += f.size
	}
	return sum
}

// Matrix returns the tensors of one name as one matrix: their first dimensions one
// after the other are its rows, the others together its columns. Dtype and columns
// must agree. It lives as long as t; closing it has no effect.
func (t *Tensors) Matrix(name string) (*Matrix, error) {
	m := &Matrix{kind: Safetensors}
	for i, f := range t.files {
		if m.path == "" {
			m.path = f.Name()
		}
		x, err := t.tensor(i, name)
		if err != nil {
			return nil, err
		}
		if len(x.Shape) == 0 {
			return nil, at(f.Name(), problem("tensor %s is a single number, not rows", quote(name)))
		}
		cols := int64(1)
		for _, n := range x.Shape[1:] {
			cols *= n
		}
		if err := m.add(f, tensorDtype(x), x.Shape[0], cols, x.Offset, false); err != nil {
			return nil, at(f.Name(), problem("tensor %s: %v", quote(name), err))
		}
	}
	if m.cols == 0 {
		return nil, problem("there is no file to read %s from", quote(name))
	}
	m.blockRows = m.rowsOfBytes(0)
	return m, nil
}

// Ints returns values lo … hi−1 of a tensor of integers (I64, I32, U8, BOOL) in one
// file, in row-major order.
func (t *Tensors) Ints(shard int, name string, lo, hi int64) ([]int64, error) {
	b, x, err := t.read(shard, name, lo, hi)
	if err != nil {
		return nil, err
	}
	out := make([]int64, hi-lo)
	for i := range out {
		switch x.Dtype {
		case "I64":
			out[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		case "I32":
			out[i] = int64(int32(binary.LittleEndian.Uint32(b[4*i:])))
		case "U8", "BOOL":
			out[i] = int64(b[i])
		default:
			return nil, at(t.files[shard].Name(), problem("tensor %s is %s where integers are expected", quote(name), x.Dtype))
		}
	}
	return out, nil
}

// Floats returns values lo … hi−1 of a tensor of F64 or F32 in one file, in
// row-major order.
func (t *Tensors) Floats(shard int, name string, lo, hi int64) ([]float64, error) {
	b, x, err := t.read(shard, name, lo, hi)
	if err != nil {
		return nil, err
	}
	out := make([]float64, hi-lo)
	for i := range out {
		switch x.Dtype {
		case "F64":
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		case "F32":
			out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
		default:
			return nil, at(t.files[shard].Name(), problem("tensor %s is %s, not F64 or F32", quote(name), x.Dtype))
		}
	}
	return out, nil
}

// read returns the bytes of values lo … hi−1 of a tensor.
func (t *Tensors) read(shard int, name string, lo, hi int64) ([]byte, Tensor, error) {
	x, err := t.tensor(shard, name)
	if err != nil {
		return nil, Tensor{}, err
	}
	f := t.files[shard]
	item, known := safetensorsItem[x.Dtype]
	if !known {
		return nil, Tensor{}, at(f.Name(), problem("tensor %s has the type %s, which is not known", quote(name), x.Dtype))
	}
	if lo < 0 || hi < lo || hi > x.Bytes/item {
		return nil, Tensor{}, at(f.Name(), problem("tensor %s has %d values; %d to %d do not exist", quote(name), x.Bytes/item, lo, hi))
	}
	b := make([]byte, (hi-lo)*item)
	if err := f.copyAt(b, x.Offset+lo*item); err != nil {
		return nil, Tensor{}, at(f.Name(), err)
	}
	return b, x, nil
}

func (t *Tensors) tensor(shard int, name string) (Tensor, error) {
	x, there := t.headers[shard].Tensor(name)
	if !there {
		return Tensor{}, at(t.files[shard].Name(), problem("has no tensor %s", quote(name)))
	}
	return x, nil
}

// Close unmaps and closes the files; matrices and blocks of t must not be used
// after it. It is safe to call it twice.
func (t *Tensors) Close() error {
	var errs []error
	for _, f := range slices.Backward(t.files) {
		errs = append(errs, f.close())
	}
	t.files = nil
	return errors.Join(errs...)
}
