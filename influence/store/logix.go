package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
)

// logixRecord is what a row's arrays are in a chunk: one after the other from an offset
// on, in the order of path.
type logixRecord struct {
	ID     json.RawMessage `json:"data_id"`
	Path   [][]string      `json:"path"`
	Offset int64           `json:"offset"`
	Shape  [][]int64       `json:"shape"`
	Size   int64           `json:"block_size"` // numbers
	Dtype  string          `json:"dtype"`
}

// logixChunk is the number of a file.
type logixChunk struct{ rank, chunk int }

func (c logixChunk) file() string { return fmt.Sprintf("log_rank_%d_chunk_%d", c.rank, c.chunk) }

// logixChunks returns the chunks of a folder by rank and number.
func logixChunks(path string) []logixChunk {
	var out []logixChunk
	for _, name := range namesIn(path, "log_rank_*_chunk_*.mmap") {
		var c logixChunk
		if _, err := fmt.Sscanf(name, "log_rank_%d_chunk_%d.mmap", &c.rank, &c.chunk); err == nil && c.file()+".mmap" == name {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b logixChunk) int { return cmp.Or(a.rank-b.rank, a.chunk-b.chunk) })
	return out
}

func isLogIX(path string, folder bool) bool { return folder && len(logixChunks(path)) > 0 }

// openLogIX opens the gradients of a log: rank by rank, chunk by chunk. A row that
// stands several times, as LogIX writes where ranks fill up their last batch, counts
// once, the first time, as LogIX reads it.
func (s *Store) openLogIX(o dataset.MatrixOptions) error {
	var first *logixRecord
	var parts []dataset.Part
	var keys []string
	seen := map[string]bool{}
	repeated := 0
	for _, c := range logixChunks(s.path) {
		head := s.file(filepath.Join(s.path, c.file()+"_metadata.json"))
		var records []logixRecord
		if err := readHead(head, &records); err != nil {
			return err
		}
		for i := range records {
			r := &records[i]
			if first == nil {
				first = r
			}
			if err := r.check(first); err != nil {
				return problem(head, "record %d: %v", i, err)
			}
			key := r.key()
			if seen[key] {
				repeated++
				continue
			}
			seen[key] = true
			keys = append(keys, key)
			parts = appendPart(parts, dataset.Part{
				Path:      filepath.Join(s.path, c.file()+".mmap"),
				RawMatrix: dataset.RawMatrix{Dtype: numpyDtype(r.Dtype), Rows: 1, Cols: r.Size, Offset: r.Offset},
			})
		}
	}
	if repeated > 0 {
		s.fact("repeated rows, left out", repeated)
	}
	m, err := s.parts(parts, o)
	if err != nil {
		return err
	}
	if s.keys, err = dataset.TextKeys(keys); err != nil {
		return err
	}
	names, sizes := first.modules()
	return s.split(m, names, sizes)
}

// check returns an error where a record is not of the same gradients as the first.
func (r *logixRecord) check(first *logixRecord) error {
	size := int64(0)
	for _, shape := range r.Shape {
		n := int64(1)
		for _, d := range shape {
			if d < 1 || n > 1<<40/d {
				return fmt.Errorf("shape %v is not possible", shape)
			}
			n *= d
		}
		size += n
	}
	switch {
	case numpyDtype(r.Dtype) == "":
		return fmt.Errorf("dtype %q is none of float16, float32 and float64", r.Dtype)
	case r.Offset < 0:
		return fmt.Errorf("offset %d is negative", r.Offset)
	case len(r.Path) == 0 || len(r.Path) != len(r.Shape):
		return fmt.Errorf("has %d shapes for %d arrays in path", len(r.Shape), len(r.Path))
	case size != r.Size:
		return fmt.Errorf("block_size %d is not the %d numbers of its shapes", r.Size, size)
	case fmt.Sprint(r.Path, r.Shape, r.Dtype) != fmt.Sprint(first.Path, first.Shape, first.Dtype):
		return fmt.Errorf("path, shape or dtype differ from those of the first record; only gradients, which are alike in all rows, are vectors")
	}
	return nil
}

// key returns the text of data_id, which is text or a number.
func (r *logixRecord) key() string {
	var text string
	if json.Unmarshal(r.ID, &text) == nil {
		return text
	}
	return string(r.ID)
}

// modules returns the names of the arrays, without the word grad, and their sizes.
func (r *logixRecord) modules() (names []string, sizes []int) {
	for i, path := range r.Path {
		n := int64(1)
		for _, d := range r.Shape[i] {
			n *= d
		}
		names = append(names, strings.TrimSuffix(strings.Join(path, "/"), "/grad"))
		sizes = append(sizes, int(n))
	}
	return names, sizes
}

// appendPart appends rows, to the last part where they follow it in the file.
func appendPart(parts []dataset.Part, p dataset.Part) []dataset.Part {
	if len(parts) > 0 {
		last := &parts[len(parts)-1]
		end := last.Offset + last.Rows*last.Cols*last.Dtype.Bytes()
		if last.Path == p.Path && last.Dtype == p.Dtype && last.Cols == p.Cols && end == p.Offset {
			last.Rows += p.Rows
			return parts
		}
	}
	return append(parts, p)
}
