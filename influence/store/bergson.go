package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
)

// bergsonHead is the info.json of a bergson index: rows of num_grads gradients, modules
// one after the other. Until 2025 the type stood in a numpy structure.
type bergsonHead struct {
	Tokens bool         `json:"attribute_tokens"`
	Items  int64        `json:"num_items"`
	Rows   *int64       `json:"num_grads"`
	Sizes  orderedSizes `json:"grad_sizes"`
	Base   string       `json:"base_dtype"`
	Dtype  struct {
		Names   []string `json:"names"`
		Formats []string `json:"formats"`
	} `json:"dtype"`
}

// orderedSizes is a JSON object of numbers in the order of the file.
type orderedSizes struct {
	names []string
	sizes []int
}

// UnmarshalJSON reads the object.
func (o *orderedSizes) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("it is no object of sizes")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		var size int
		if err := d.Decode(&size); err != nil {
			return err
		}
		name, _ := t.(string) // a key of an object is a string
		o.names, o.sizes = append(o.names, name), append(o.sizes, size)
	}
	_, err := d.Token()
	return err
}

func isBergson(path string, folder bool) bool {
	return folder && (there(filepath.Join(path, "gradients.bin")) || len(shardsWith(path, "gradients.bin")) > 0)
}

// shardsWith returns the subfolders *shard* that hold a file, in order of name.
func shardsWith(path, file string) []string {
	var dirs []string
	for _, name := range namesIn(path, "*shard*") {
		if dir := filepath.Join(path, name); there(filepath.Join(dir, file)) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// openBergson opens an index, or the shards of one. With tokens attributed a row is a
// token, and its key "item:token".
func (s *Store) openBergson(o dataset.MatrixOptions) error {
	dirs := []string{s.path}
	if !there(filepath.Join(s.path, "gradients.bin")) {
		dirs = shardsWith(s.path, "gradients.bin")
		s.fact("shards", len(dirs))
	}
	var heads []*bergsonHead
	var parts []dataset.Part
	for _, dir := range dirs {
		h, part, err := s.bergsonShard(dir)
		if err != nil {
			return err
		}
		heads, parts = append(heads, h), append(parts, part)
		if fmt.Sprint(h.Sizes) != fmt.Sprint(heads[0].Sizes) || h.Tokens != heads[0].Tokens {
			return problem(filepath.Join(dir, "info.json"), "grad_sizes or attribute_tokens differ from those of %s", filepath.Base(dirs[0]))
		}
	}
	m, err := s.parts(parts, o) // It checks that the files have as many rows.
	if err != nil {
		return err
	}
	if heads[0].Tokens {
		if err := s.tokenKeys(dirs, heads); err != nil {
			return err
		}
	}
	return s.split(m, heads[0].Sizes.names, heads[0].Sizes.sizes)
}

// bergsonShard reads the head of a folder with gradients.bin.
func (s *Store) bergsonShard(dir string) (*bergsonHead, dataset.Part, error) {
	path := s.file(filepath.Join(dir, "info.json"))
	h := &bergsonHead{}
	if err := readHead(path, h); err != nil {
		return nil, dataset.Part{}, err
	}
	if len(h.Sizes.sizes) == 0 {
		if err := h.sizesOfFormats(); err != nil {
			return nil, dataset.Part{}, problem(path, "dtype.formats: %v", err)
		}
	}
	width, ok := sum(h.Sizes.sizes)
	dtype := h.dtype()
	switch {
	case !ok || width == 0:
		return nil, dataset.Part{}, problem(path, "grad_sizes names no modules, or one without numbers")
	case h.Rows == nil:
		return nil, dataset.Part{}, problem(path, "num_grads is missing")
	case dtype == "":
		return nil, dataset.Part{}, problem(path, "base_dtype %q is none of float32, float16 and bfloat16", h.Base)
	}
	return h, dataset.Part{
		Path:      filepath.Join(dir, "gradients.bin"),
		RawMatrix: dataset.RawMatrix{Dtype: dtype, Rows: *h.Rows, Cols: width},
	}, nil
}

// dtype returns the type of the numbers, or "".
func (h *bergsonHead) dtype() dataset.Dtype {
	name := h.Base
	if name == "" && len(h.Dtype.Formats) > 0 {
		name = h.Dtype.Formats[0]
	}
	if at := strings.LastIndexByte(name, ')'); at >= 0 { // "(256,)<f4"
		name = name[at+1:]
	}
	return numpyDtype(name)
}

// numpyDtype returns the dtype of a name that numpy or torch writes, or "".
func numpyDtype(name string) dataset.Dtype {
	switch strings.TrimPrefix(name, "torch.") {
	case "float64", "<f8":
		return dataset.Float64
	case "float32", "<f4":
		return dataset.Float32
	case "float16", "<f2":
		return dataset.Float16
	case "bfloat16":
		return dataset.BFloat16
	}
	return ""
}

// sizesOfFormats takes the modules from the structure of an old head.
func (h *bergsonHead) sizesOfFormats() error {
	if len(h.Dtype.Names) != len(h.Dtype.Formats) {
		return fmt.Errorf("%d for %d names", len(h.Dtype.Formats), len(h.Dtype.Names))
	}
	for i, format := range h.Dtype.Formats {
		var size int
		if _, err := fmt.Sscanf(format, "(%d,)", &size); err != nil {
			return fmt.Errorf("%q has no size such as (256,)<f4", format)
		}
		h.Sizes.names, h.Sizes.sizes = append(h.Sizes.names, h.Dtype.Names[i]), append(h.Sizes.sizes, size)
	}
	return nil
}

// tokenKeys names the rows, whose places among the items the offsets.npy of each shard
// say.
func (s *Store) tokenKeys(dirs []string, heads []*bergsonHead) (err error) {
	var keys []string
	item := int64(0)
	for i, h := range heads {
		path := s.file(filepath.Join(dirs[i], "offsets.npy"))
		offsets, err := readInts(path)
		if err != nil {
			return err
		}
		last := len(offsets) - 1
		if last < 0 || int64(last) != h.Items || offsets[0] != 0 || offsets[last] != *h.Rows {
			return problem(path, "does not go from row 0 to row %d in %d steps, one for each item", *h.Rows, h.Items)
		}
		for k, end := range offsets[1:] {
			if end < offsets[k] {
				return problem(path, "offset %d is below the one before", k+1)
			}
			for t := range end - offsets[k] {
				keys = append(keys, fmt.Sprintf("%d:%d", item, t))
			}
			item++
		}
	}
	s.fact("items", item)
	s.fact("rows are", "tokens")
	s.keys, err = dataset.TextKeys(keys)
	return err
}

// readInts reads a .npy vector of int64.
func readInts(path string) (out []int64, err error) {
	n, err := dataset.OpenNPY(path)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	if n.Dtype != "<i8" && n.Dtype != "<i4" {
		return nil, problem(path, "is of %s, not of integers", n.Dtype)
	}
	items, err := n.Items()
	if err != nil {
		return nil, err
	}
	b := make([]byte, items*n.ItemBytes())
	if _, err := n.ReadAt(b, 0); err != nil && len(b) > 0 {
		return nil, caused(path, err)
	}
	return littleInts(b, n.ItemBytes()), nil
}

// littleInts reads signed little-endian integers of some bytes each.
func littleInts(b []byte, size int64) []int64 {
	out := make([]int64, 0, int64(len(b))/size)
	for ; len(b) > 0; b = b[size:] {
		var v uint64
		for i := range size {
			v |= uint64(b[i]) << (8 * i)
		}
		shift := 64 - 8*size
		out = append(out, int64(v<<shift)>>shift)
	}
	return out
}
