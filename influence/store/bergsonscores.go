package store

import (
	"context"
	"fmt"
	"iter"
	"math"
	"path/filepath"

	"github.com/infl-dev/infl/influence/dataset"
)

// bergsonScoresHead is the info.json beside scores.bin: rows of a numpy structure in
// which each score is followed by a bool, whether it was written.
type bergsonScoresHead struct {
	Rows   *int64 `json:"num_rows"`
	Items  int64  `json:"num_items"`
	Scores int64  `json:"num_scores"`
	Tokens bool   `json:"attribute_tokens"`
	Dtype  struct {
		Names    []string `json:"names"`
		Formats  []string `json:"formats"`
		Offsets  []int64  `json:"offsets"`
		ItemSize int64    `json:"itemsize"`
	} `json:"dtype"`
}

func isBergsonScores(path string, folder bool) bool {
	return folder && there(filepath.Join(path, "scores.bin")) && there(filepath.Join(path, "info.json"))
}

func (s *Store) openBergsonScores(o dataset.MatrixOptions) error {
	path := s.file(filepath.Join(s.path, "info.json"))
	h := &bergsonScoresHead{}
	if err := readHead(path, h); err != nil {
		return err
	}
	if h.Rows == nil {
		h.Rows = &h.Items
	}
	dtype, size, err := h.layout()
	if err != nil {
		return problem(path, "dtype: %v", err)
	}
	m, err := s.parts([]dataset.Part{{
		Path:      filepath.Join(s.path, "scores.bin"),
		RawMatrix: dataset.RawMatrix{Dtype: dtype, Rows: *h.Rows, Cols: h.Dtype.ItemSize / size},
	}}, o)
	if err != nil {
		return err
	}
	if h.Tokens {
		s.fact("rows are", "tokens")
	}
	s.scores = &Scores{Blocks: []Block{{"", written{m, int(h.Scores)}}}, TrainRows: true, Tokens: 1, PositiveMeans: helps}
	return nil
}

// layout checks that score j lies at byte 2·size·j of a row, and its mark after it, as
// bergson writes both.
func (h *bergsonScoresHead) layout() (d dataset.Dtype, size int64, err error) {
	x := &h.Dtype
	if h.Scores < 1 || int64(len(x.Formats)) != 2*h.Scores || len(x.Offsets) != len(x.Formats) {
		return "", 0, fmt.Errorf("has %d formats and %d offsets for %d scores and as many marks", len(x.Formats), len(x.Offsets), h.Scores)
	}
	if d = numpyDtype(x.Formats[0]); d == "" {
		return "", 0, fmt.Errorf("formats: %q is no type of scores", x.Formats[0])
	}
	size = d.Bytes()
	if x.ItemSize%size != 0 || x.ItemSize < 2*size*h.Scores {
		return "", 0, fmt.Errorf("itemsize %d does not hold %d scores of %s and their marks", x.ItemSize, h.Scores, d)
	}
	for j := range h.Scores {
		score, mark := x.Formats[2*j], x.Formats[2*j+1]
		if numpyDtype(score) != d || mark != "bool" && mark != "|b1" || x.Offsets[2*j] != 2*size*j || x.Offsets[2*j+1] != 2*size*j+size {
			return "", 0, fmt.Errorf("score %d is not a %s at byte %d with a bool after it", j, d, 2*size*j)
		}
	}
	return d, size, nil
}

// written is the scores of rows in which each is followed by a number whose first byte
// says whether it was written.
type written struct {
	*dataset.Matrix
	scores int
}

func (w written) Cols() int { return w.scores }

func (w written) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		for b, err := range w.Matrix.Blocks(ctx, lo, hi) {
			out := dataset.Block{First: b.First, Rows: b.Rows, Cols: w.scores}
			missing := -1
			if err == nil {
				out.Float64, missing = everySecond(b.Float64, b.Cols, w.scores, missing)
				out.Float32, missing = everySecond(b.Float32, b.Cols, w.scores, missing)
				out.Half, missing = everySecond(b.Half, b.Cols, w.scores, missing)
			}
			if missing >= 0 {
				err = problem(w.Path(), "score %d of row %d was not written; let bergson finish", missing%w.scores, b.First+int64(missing/w.scores))
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// everySecond returns the scores of rows of cols numbers, and the number of the first
// one without a mark, or missing.
func everySecond[T float64 | float32 | uint16](x []T, cols, scores, missing int) ([]T, int) {
	out := make([]T, 0, len(x)/max(1, cols)*scores)
	for ; len(x) > 0; x = x[cols:] {
		for j := range scores {
			if !marked(x[2*j+1]) && missing < 0 {
				missing = len(out)
			}
			out = append(out, x[2*j])
		}
	}
	return out, missing
}

// marked reports whether the first byte of a number is not zero.
func marked[T float64 | float32 | uint16](x T) bool {
	switch x := any(x).(type) {
	case float64:
		return math.Float64bits(x)&0xff != 0
	case float32:
		return math.Float32bits(x)&0xff != 0
	case uint16:
		return x&0xff != 0
	}
	return false
}
