package store

import (
	"archive/zip"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
)

// maxPickle bounds the pickle of a file of tensors, in which each has some hundred
// bytes.
const maxPickle = 16 << 20

func isTorch(path string, folder bool) bool {
	if folder || filepath.Ext(path) != ".pt" && filepath.Ext(path) != ".pth" {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [4]byte
	_, err = io.ReadFull(f, head[:])
	return err == nil && string(head[:]) == "PK\x03\x04"
}

// openTorch opens a file of torch.save: the one tensor in it, or all that have equally
// many rows, by name. A file that LESS calls an influence score holds scores.
func (s *Store) openTorch(o dataset.MatrixOptions) error {
	tensors, err := torchTensors(s.file(s.path))
	if err != nil {
		return err
	}
	for _, t := range tensors {
		part, lo, err := t.part()
		if err != nil {
			return problem(s.path, "%s %v", t.title(), err)
		}
		m, err := s.parts([]dataset.Part{part}, o)
		if err != nil {
			return err
		}
		block := Block{t.name, m}
		if cols := t.cols(); cols < m.Cols() {
			if block.Vectors, err = someColumns(m, lo, lo+cols); err != nil {
				return err
			}
		}
		s.blocks = append(s.blocks, block)
		if m.Rows() != s.blocks[0].Rows() {
			return problem(s.path, "tensor %q has %d rows, tensor %q has %d", t.name, m.Rows(), s.blocks[0].Name, s.blocks[0].Rows())
		}
	}
	if strings.HasSuffix(s.path, "_influence_score.pt") && len(s.blocks) == 1 && s.blocks[0].Cols() == 1 {
		s.scores, s.blocks = column(s.blocks[0].Vectors), nil
		s.fact("scores", "of LESS: the largest mean over the queries of a subtask")
	}
	return nil
}

// A torchTensor is a tensor that lies in a file.
type torchTensor struct {
	namedTensor
	path  string
	begin int64 // of its storage, in bytes
	size  int64 // of its storage, in bytes
}

// torchTensors lists the tensors of a file, an archive with a pickle that describes
// them and a member for the numbers of each.
func torchTensors(file string) (_ []torchTensor, err error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, problem(file, "is no file of torch.save as torch has written them since 1.6: %v", err)
	}
	defer z.Close()
	members := map[string]*zip.File{}
	for _, f := range z.File {
		if _, name, ok := strings.Cut(f.Name, "/"); ok {
			members[name] = f
		}
	}
	if order, err := readMember(members["byteorder"], 16); err == nil && string(order) != "little" {
		return nil, problem(file, "byteorder is %q, not little", order)
	}
	text, err := readMember(members["data.pkl"], maxPickle)
	if err != nil {
		return nil, problem(file, "data.pkl: %v", err)
	}
	value, err := readPickle(text)
	if err != nil {
		return nil, problem(file, "data.pkl: %v", err)
	}
	found, err := tensorsOf(value)
	if err != nil {
		return nil, problem(file, "data.pkl: %v", err)
	}
	var out []torchTensor
	for _, t := range found {
		f := members[path.Join("data", t.storage.key)]
		if f == nil {
			return nil, problem(file, "has no member data/%s for %s", t.storage.key, t.title())
		}
		begin, err := f.DataOffset()
		if err != nil || f.Method != zip.Store || f.UncompressedSize64 > math.MaxInt64 {
			return nil, problem(file, "member data/%s is packed or damaged; torch.save packs nothing", t.storage.key)
		}
		out = append(out, torchTensor{t, file, begin, int64(f.UncompressedSize64)})
	}
	if len(out) == 0 {
		return nil, problem(file, "holds no tensor")
	}
	return out, nil
}

// readMember returns the bytes of a member of at most so many.
func readMember(f *zip.File, most int64) ([]byte, error) {
	if f == nil {
		return nil, fmt.Errorf("is missing")
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("has more than %d bytes", most)
	}
	return b, err
}

// dtype returns the type of the numbers.
func (t *torchTensor) dtype() (dataset.Dtype, error) {
	switch t.storage.kind {
	case "torch DoubleStorage":
		return dataset.Float64, nil
	case "torch FloatStorage":
		return dataset.Float32, nil
	case "torch HalfStorage":
		return dataset.Float16, nil
	case "torch BFloat16Storage":
		return dataset.BFloat16, nil
	}
	return "", fmt.Errorf("is of %s, which holds no floating-point numbers", strings.TrimPrefix(t.storage.kind, "torch "))
}

// cols returns the length of a row.
func (t *torchTensor) cols() int {
	if len(t.shape) == 2 {
		return int(t.shape[1])
	}
	return 1
}

// part returns where the rows lie. Rows that are parts of longer ones are in columns lo
// and on of the part.
func (t *torchTensor) part() (p dataset.Part, lo int, err error) {
	d, err := t.dtype()
	if err != nil {
		return p, 0, err
	}
	if len(t.shape) != 1 && len(t.shape) != 2 {
		return p, 0, fmt.Errorf("of shape %v is no vector or matrix", t.shape)
	}
	rows, cols, down, across := t.shape[0], int64(1), t.stride[0], int64(1)
	if len(t.shape) == 2 {
		cols, across = t.shape[1], t.stride[1]
	}
	most := t.size / d.Bytes() // numbers in the storage
	for _, n := range []int64{rows, cols, down, across, t.offset} {
		if n < 0 || n > most {
			return p, 0, fmt.Errorf("of shape %v, strides %v and offset %d does not lie in its %d numbers", t.shape, t.stride, t.offset, most)
		}
	}
	p = dataset.Part{Path: t.path, RawMatrix: dataset.RawMatrix{Dtype: d, Rows: rows, Cols: cols, Offset: t.begin + t.offset*d.Bytes()}}
	switch {
	case rows <= 1 && across == 1, cols == 1 && down == 1, down == cols && across == 1:
	case down == 1 && across == rows:
		p.ByColumn = true
	case across == 1 && down > cols && t.offset%down+cols <= down, cols == 1 && down > 1:
		lo = int(t.offset % down)
		p.Cols, p.Offset = down, p.Offset-int64(lo)*d.Bytes()
	default:
		return p, 0, fmt.Errorf("of strides %v is no matrix in rows or columns; save it with .contiguous()", t.stride)
	}
	if end := (p.Offset-t.begin)/d.Bytes() + p.Rows*p.Cols; rows > 0 && (p.Cols > most/rows || end > most) {
		return p, 0, fmt.Errorf("of shape %v and offset %d does not lie in its %d numbers", t.shape, t.offset, most)
	}
	return p, lo, nil
}
