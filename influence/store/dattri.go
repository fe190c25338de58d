package store

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
)

// dattriHead is the …_metadata.json of a chunk.
type dattriHead struct {
	Storage string        `json:"storage_dtype"`
	Shape   []int64       `json:"shape"`
	Layers  []int         `json:"layer_dims"`
	Batches []dattriBatch `json:"batches"`
}

// dattriBatch is the rows of a batch in a chunk.
type dattriBatch struct {
	Index int64 `json:"batch_idx"`
	Start int64 `json:"start_row"`
	End   int64 `json:"end_row"`
}

const dattriPattern = "chunk_gradients_*_metadata.json"

// dattriFolder returns the folder of the chunks of gradients: the folder itself or its
// subfolder grad.
func dattriFolder(path string) string {
	for _, dir := range []string{path, filepath.Join(path, "grad")} {
		if len(namesIn(dir, dattriPattern)) > 0 {
			return dir
		}
	}
	return ""
}

func isDattri(path string, folder bool) bool { return folder && dattriFolder(path) != "" }

// openDattri opens the chunks of gradients, whose rows are in order of batch.
func (s *Store) openDattri(o dataset.MatrixOptions) error {
	type piece struct {
		batch int64
		part  dataset.Part
	}
	var pieces []piece
	var layers []int
	dir := dattriFolder(s.path)
	for _, name := range namesIn(dir, dattriPattern) {
		path := s.file(filepath.Join(dir, name))
		h := &dattriHead{}
		if err := readHead(path, h); err != nil {
			return err
		}
		dtype, err := h.check()
		if err != nil {
			return problem(path, "%v", err)
		}
		if layers == nil {
			layers = h.Layers
		} else if !slices.Equal(layers, h.Layers) {
			return problem(path, "layer_dims %v differ from %v of the first chunk", h.Layers, layers)
		}
		file := filepath.Join(dir, strings.TrimSuffix(name, "_metadata.json")+".mmap")
		for _, b := range h.Batches {
			pieces = append(pieces, piece{b.Index, dataset.Part{Path: file, RawMatrix: dataset.RawMatrix{
				Dtype: dtype, Rows: b.End - b.Start, Cols: h.Shape[1], Offset: b.Start * h.Shape[1] * dtype.Bytes(),
			}}})
		}
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return cmp.Compare(a.batch, b.batch) })
	var parts []dataset.Part
	for i, p := range pieces {
		if i > 0 && p.batch == pieces[i-1].batch {
			return problem(dir, "batch %d stands in two chunks", p.batch)
		}
		parts = appendPart(parts, p.part)
	}
	m, err := s.parts(parts, o)
	if err != nil {
		return err
	}
	names := make([]string, len(layers))
	for i := range names {
		names[i] = fmt.Sprint("layer", i)
	}
	return s.split(m, names, layers)
}

// check returns the type of the numbers. The bits of bfloat16 are stored as uint16.
func (h *dattriHead) check() (dataset.Dtype, error) {
	dtype := numpyDtype(h.Storage)
	if h.Storage == "uint16" {
		dtype = dataset.BFloat16
	}
	width, ok := sum(h.Layers)
	switch {
	case dtype == "":
		return "", fmt.Errorf("storage_dtype %q is none of float32, float16, float64 and uint16", h.Storage)
	case len(h.Shape) != 2 || h.Shape[0] < 0:
		return "", fmt.Errorf("shape %v is not rows and numbers", h.Shape)
	case !ok || width != h.Shape[1] || width == 0:
		return "", fmt.Errorf("layer_dims %v do not add up to the %d numbers of a row", h.Layers, h.Shape[1])
	case len(h.Batches) == 0:
		return "", fmt.Errorf("batches is empty")
	}
	for i, b := range h.Batches {
		if b.Start < 0 || b.End < b.Start || b.End > h.Shape[0] {
			return "", fmt.Errorf("batches: rows %d to %d of batch %d (number %d) are none of %d", b.Start, b.End, b.Index, i, h.Shape[0])
		}
	}
	return dtype, nil
}
