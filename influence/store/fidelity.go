package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/influence"
)

// A Fidelity says how far the scores of a store are from those of the numbers that it
// was made from, as measured on rows of the store itself: inner products of some rows,
// taken as queries, with others, by the path that infl score takes.
type Fidelity struct {
	Queries     int          `json:"queries"`
	TrainRows   int          `json:"train_rows"`
	LeftOut     int          `json:"left_out"` // rows that were drawn and are not finite
	Comparisons []Comparison `json:"comparisons"`
}

// A Comparison is of the scores of a store with those of Against. Errors are differences
// of inner products over the largest inner product of the query.
type Comparison struct {
	Against      string  `json:"against"`
	SpearmanMean float64 `json:"spearman_mean"` // over queries, of the rank correlations
	SpearmanMin  float64 `json:"spearman_min"`
	ErrorMean    float64 `json:"error_mean"`
	ErrorMax     float64 `json:"error_max"`
	TopOverlap   float64 `json:"top_overlap"` // mean share of the best rows that both name
	Top          int     `json:"top"`         // how many best rows: 100, or a tenth of fewer than 1,000 rows
}

// String writes a comparison for people.
func (c *Comparison) String() string {
	return fmt.Sprintf("Spearman %.6f (least %.6f), error %.2g (largest %.2g), top %d in common %.1f %%",
		c.SpearmanMean, c.SpearmanMin, c.ErrorMean, c.ErrorMax, c.Top, 100*c.TopOverlap)
}

// The sample of a [Fidelity]: so many queries, or as many as have so many numbers
// together, but one at least; and so many train rows in runs.
const (
	fidelityQueries = 32
	fidelityNumbers = 1 << 22
	fidelityRows    = 16384
	fidelityRun     = 64
)

// A Reference is what the scores of a store are compared with: the same rows in another
// form.
type Reference struct {
	Name   string // see [Comparison]
	Blocks []influence.Vectors
}

// Measure compares the scores of stored rows with those of each reference. Queries are
// rows of asked: what the query side of the store is, in the form in which queries come.
// Rows are drawn evenly; those that are not finite are left out. Cost: about 16,000 rows
// of each, 32 queries, or fewer where they are longer than 131,072 numbers.
func Measure(ctx context.Context, stored, asked []influence.Vectors, references []Reference, o influence.ProductOptions) (*Fidelity, error) {
	n := stored[0].Rows()
	train, bad, err := finiteRows(ctx, asked, evenRows(n, fidelityRows, fidelityRun))
	if err != nil {
		return nil, err
	}
	if len(train) == 0 {
		return nil, errors.New("there is no row whose scores could be compared")
	}
	f := &Fidelity{TrainRows: len(train), LeftOut: bad}
	numbers := int64(1)
	for _, r := range references {
		for _, v := range r.Blocks {
			numbers += int64(v.Cols())
		}
	}
	var queries []int64
	for _, at := range evenRows(int64(len(train)), min(fidelityQueries, max(1, fidelityNumbers/numbers)), 1) {
		queries = append(queries, train[at])
	}
	f.Queries = len(queries)
	j := influence.Job{Train: influence.RowList(train), Query: influence.RowList(queries)}
	got, err := tableOf(ctx, j, stored, asked, o)
	if err != nil {
		return nil, err
	}
	for _, r := range references {
		want, err := tableOf(ctx, j, r.Blocks, r.Blocks, o)
		if err != nil {
			return nil, err
		}
		c, err := compare(r.Name, got, want)
		if err != nil {
			return nil, err
		}
		f.Comparisons = append(f.Comparisons, c)
	}
	return f, nil
}

// evenRows returns up to most of n row numbers in ascending order: all, or runs of
// neighbours, evenly spread.
func evenRows(n, most, run int64) []int64 {
	var out []int64
	if n <= most {
		run, most = n, n
	}
	runs := most / max(1, run)
	for r := range runs {
		first := r * (n - run) / max(1, runs-1)
		for i := range run {
			out = append(out, first+i)
		}
	}
	return out
}

// finiteRows returns those of ascending rows whose vectors are finite, and how many are
// not.
func finiteRows(ctx context.Context, blocks []influence.Vectors, rows []int64) (out []int64, bad int, err error) {
	broken := map[int64]bool{}
	for lo := 0; lo < len(rows); {
		hi := lo + 1
		for hi < len(rows) && rows[hi] == rows[hi-1]+1 {
			hi++
		}
		for _, v := range blocks {
			for b, err := range influence.InFloat32(v, 1).Blocks(ctx, rows[lo], rows[hi-1]+1) {
				if err != nil {
					return nil, 0, err
				}
				for i, x := range b.Float32 {
					if x-x != 0 {
						broken[b.First+int64(i/b.Cols)] = true
					}
				}
			}
		}
		lo = hi
	}
	out = slices.DeleteFunc(slices.Clone(rows), func(row int64) bool { return broken[row] })
	return out, len(rows) - len(out), nil
}

// A scoreTable is a sink that keeps all scores, query by query.
type scoreTable struct {
	layout influence.Layout
	scores [][]float32
}

// tableOf scores a job by inner products.
func tableOf(ctx context.Context, j influence.Job, train, query []influence.Vectors, o influence.ProductOptions) ([][]float32, error) {
	s, err := influence.DotOfLayers(influence.Checkpoint{Train: train, Query: query}, o)
	if err != nil {
		return nil, err
	}
	t := &scoreTable{}
	if err := s.Score(ctx, j, t); err != nil {
		return nil, err
	}
	return t.scores, nil
}

func (t *scoreTable) Begin(_ context.Context, l influence.Layout) error {
	t.layout, t.scores = l, make([][]float32, l.Query)
	for q := range t.scores {
		t.scores[q] = make([]float32, l.Train)
	}
	return nil
}

func (t *scoreTable) Missing() iter.Seq[influence.Range2] { return t.layout.Units() }

func (t *scoreTable) Put(_ context.Context, tile influence.Tile) error {
	for i := range tile.Train.Len() {
		for e := range tile.Query.Len() {
			t.scores[tile.Query.Lo+e][tile.Train.Lo+i] = tile.F32[i*tile.Query.Len()+e]
		}
	}
	return nil
}

func (t *scoreTable) Commit(context.Context) error { return nil }
func (t *scoreTable) Abort() error                 { return nil }

// WriteFidelity writes what was measured into the folder of a store.
func WriteFidelity(dir string, f *Fidelity) error {
	return writeHead(filepath.Join(dir, fidelityFile), f)
}

// ReadFidelity reads it; nil where nothing was measured.
func ReadFidelity(dir string) (*Fidelity, error) {
	path := filepath.Join(dir, fidelityFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	f := &Fidelity{}
	return f, readHead(path, f)
}
