package store

import (
	"context"
	"iter"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// byQuery returns the blocks with a vector for each query: of the scores of all train
// rows. A block with a vector for each train row is turned while it is read, for as
// many queries at a time as memory bytes hold; it is read again for the next ones.
func (s *Scores) byQuery(memory int64) []Block {
	if !s.TrainRows {
		return s.Blocks
	}
	out := make([]Block, len(s.Blocks))
	for i, b := range s.Blocks {
		out[i] = Block{b.Name, turned{b.Vectors, memory}}
	}
	return out
}

// WriteScoresNPY writes scores to a .npy file: queries × train rows, with a dimension
// of modules before them where there are several blocks, and one of tokens after them
// where train rows have more than one; or one number for each train row where scores
// have no queries. At most memory bytes are used beside buffers.
func WriteScoresNPY(ctx context.Context, path string, s *Scores, memory int64) error {
	shape := s.shape()
	if len(s.Blocks) > 1 {
		shape = append([]int64{int64(len(s.Blocks))}, shape...)
	}
	var blocks []influence.Vectors
	for _, b := range s.byQuery(memory) {
		blocks = append(blocks, b.Vectors)
	}
	return WriteNPY(ctx, path, shape, blocks...)
}

// WriteScoresTensors writes scores to a safetensors file: a tensor for each block, named
// after its module or whole.
func WriteScoresTensors(ctx context.Context, path, whole string, s *Scores, memory int64) error {
	var tensors []tensor
	for _, b := range s.byQuery(memory) {
		if b.Name == "" {
			b.Name = whole
		}
		tensors = append(tensors, rowsTensor(ctx, b, s.shape()...))
	}
	_, err := writeTensors(path, nil, tensors)
	return err
}

// WriteKronfluence writes scores as kronfluence names and reads them: into the file
// pairwise_scores.safetensors of a folder, or self_scores.safetensors.
func WriteKronfluence(ctx context.Context, dir string, s *Scores, memory int64) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	name := pairwiseFile
	if s.Self {
		name = selfFile
	}
	return WriteScoresTensors(ctx, filepath.Join(dir, name), "all_modules", s, memory)
}

// shape returns the dimensions of a block with a vector for each query.
func (s *Scores) shape() []int64 {
	switch {
	case s.Self:
		return []int64{s.Train()}
	case s.Tokens > 1:
		return []int64{s.Queries(), s.Train(), s.Tokens}
	}
	return []int64{s.Queries(), s.Train()}
}

// turned sees column j of vectors as vector j.
type turned struct {
	of     influence.Vectors
	memory int64
}

func (t turned) Rows() int64          { return int64(t.of.Cols()) }
func (t turned) Cols() int            { return int(t.of.Rows()) }
func (t turned) Dtype() dataset.Dtype { return t.of.Dtype() }

func (t turned) Blocks(ctx context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		step := max(1, t.memory/max(1, t.of.Rows()*t.Dtype().Bytes()))
		for ; lo < hi; lo += step {
			b, err := t.block(ctx, int(lo), int(min(lo+step, hi)))
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

func (t turned) block(ctx context.Context, lo, hi int) (dataset.Block, error) {
	n := t.Cols()
	out := dataset.Block{First: int64(lo), Rows: hi - lo, Cols: n}
	switch t.Dtype() {
	case dataset.Float64:
		out.Float64 = make([]float64, n*out.Rows)
	case dataset.Float32:
		out.Float32 = make([]float32, n*out.Rows)
	default:
		out.Half = make([]uint16, n*out.Rows)
	}
	for b, err := range t.of.Blocks(ctx, 0, t.of.Rows()) {
		if err != nil {
			return out, err
		}
		turn(out.Float64, b.Float64, int(b.First), n, b.Cols, lo, hi)
		turn(out.Float32, b.Float32, int(b.First), n, b.Cols, lo, hi)
		turn(out.Half, b.Half, int(b.First), n, b.Cols, lo, hi)
	}
	return out, nil
}

// turn writes columns lo … hi−1 of rows of cols numbers, the first of which is row
// first, as rows of n numbers.
func turn[T any](out, x []T, first, n, cols, lo, hi int) {
	for i := 0; len(x) >= cols && cols > 0; i, x = i+1, x[cols:] {
		for j := lo; j < hi; j++ {
			out[(j-lo)*n+first+i] = x[j]
		}
	}
}
