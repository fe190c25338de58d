package influence_test

import (
	"context"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/internal/kernel"
)

// rowSums are sums of outer products of rows in memory, some of which are streamed at a
// time.
type rowSums struct {
	starts []int
	g, a   kernel.Matrix[float64]
}

// randomSums draws examples with as many rows as counts says in turn.
func randomSums(seed uint64, n, out, in int, counts ...int) *rowSums {
	v := &rowSums{starts: []int{0}}
	for i := range n {
		v.starts = append(v.starts, v.starts[i]+counts[i%len(counts)])
	}
	rows := v.starts[n]
	v.g = kernel.MatrixOf(numbers[float64](randomTable(seed, rows, out)), rows, out)
	v.a = kernel.MatrixOf(numbers[float64](randomTable(seed+1, rows, in)), rows, in)
	return v
}

func (v *rowSums) Rows() int64            { return int64(len(v.starts) - 1) }
func (v *rowSums) Cols() int              { return v.g.Cols * v.a.Cols }
func (v *rowSums) Dtype() dataset.Dtype   { return dataset.Float64 }
func (v *rowSums) Shape() (out, in int)   { return v.g.Cols, v.a.Cols }
func (v *rowSums) Single() bool           { return v.RowsEach() == 1 }
func (v *rowSums) RowsEach() float64      { return float64(v.g.Rows) / float64(v.Rows()) }
func (v *rowSums) formed() [][]float64    { return v.vectors(0, v.Rows()) }
func (v *rowSums) flat(i int64) []float64 { return slices.Concat(v.vectors(i, i+1)...) }

func (v *rowSums) vectors(lo, hi int64) (out [][]float64) {
	for i := lo; i < hi; i++ {
		x := make([]float64, v.Cols())
		for t := v.starts[i]; t < v.starts[i+1]; t++ {
			for j := range x {
				x[j] += v.g.At(t, j/v.a.Cols) * v.a.At(t, j%v.a.Cols)
			}
		}
		out = append(out, x)
	}
	return out
}

func (v *rowSums) Blocks(_ context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		for ; lo < hi; lo++ {
			if !yield(dataset.Block{First: lo, Rows: 1, Cols: v.Cols(), Float64: v.flat(lo)}, nil) {
				return
			}
		}
	}
}

func (v *rowSums) OuterBlocks(_ context.Context, lo, hi int64) iter.Seq2[influence.OuterBlock, error] {
	return func(yield func(influence.OuterBlock, error) bool) {
		const step = 17
		for ; lo < hi; lo += step {
			end := min(lo+step, hi)
			first, last := v.starts[lo], v.starts[end]
			b := influence.OuterBlock{
				First:   lo,
				Outputs: dataset.Block{Rows: last - first, Cols: v.g.Cols, Float64: v.g.Data[first*v.g.Cols : last*v.g.Cols]},
				Inputs:  dataset.Block{Rows: last - first, Cols: v.a.Cols, Float64: v.a.Data[first*v.a.Cols : last*v.a.Cols]},
			}
			for _, s := range v.starts[lo : end+1] {
				b.Starts = append(b.Starts, s-first)
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

// columnScales is an inverse that is a diagonal: number j is multiplied with j + 1.
type columnScales struct{ cols int }

func (c columnScales) Bytes(int64) int64        { return 0 }
func (c columnScales) Operations(int64) float64 { return 0 }

func (c columnScales) Diagonal(context.Context) ([]float64, error) {
	out := make([]float64, c.cols)
	for j := range out {
		out[j] = float64(j + 1)
	}
	return out, nil
}

func (c columnScales) Apply(ctx context.Context, rows kernel.Matrix[float64]) error {
	scales, err := c.Diagonal(ctx)
	for i := range rows.Rows {
		for j := range rows.Row(i) {
			rows.Row(i)[j] *= scales[j]
		}
	}
	return err
}

// general hides that an inverse is a diagonal.
type general struct{ influence.Inverse }

// TestScoresOfSumsAreThoseOfVectors: whether train gradients are formed changes nothing,
// for one outer product each and for several, few queries and many, and their sums.
func TestScoresOfSumsAreThoseOfVectors(t *testing.T) {
	const n, out, in = 70, 5, 9
	for _, counts := range [][]int{{1}, {0, 1, 1}, {3, 0, 1, 20}} {
		train := randomSums(1, n, out, in, counts...)
		for _, q := range []int{1, 2, 40} {
			query := randomSums(3, q, out, in, 2, 1)
			for _, inverse := range []influence.Inverse{nil, columnScales{out * in}, general{columnScales{out * in}}} {
				want := make([][]float64, q)
				pool := make([][]float64, 1)
				pool[0] = make([]float64, n)
				for e, y := range query.formed() {
					if inverse != nil {
						require.NoError(t, inverse.Apply(t.Context(), kernel.MatrixOf(y, 1, out*in)))
					}
					for i, x := range train.formed() {
						want[e] = append(want[e], dot(x, y))
						pool[0][i] += dot(x, y)
					}
				}
				create := func() influence.Scorer {
					c := influence.Checkpoint{Train: []influence.Vectors{train}, Query: []influence.Vectors{query}}
					s, err := influence.WithInverses(c, []influence.Inverse{inverse}, influence.Description{Method: "m", Source: "s"}, influence.CurvatureOptions{})
					require.NoError(t, err)
					return s
				}
				for p, tolerance := range tolerances {
					j := wholeJob(train, query, p)
					requireNear(t, want, matrix(t, create(), j), tolerance)
					j.Pools = &influence.Pools{Of: make([]int32, q), Count: 1}
					requireNear(t, pool, matrix(t, create(), j), tolerance)
				}
				influencetest.Scorer(t, func() (influence.Scorer, int64, int64) { return create(), n, int64(q) }, influencetest.Options{ByQueries: train.RowsEach() > 1})
			}
		}
	}
}

// TestSelfOfSums: what vectors have to do with themselves, and norms of them, do not depend
// on whether they are formed.
func TestSelfOfSums(t *testing.T) {
	const n, out, in, q = 40, 5, 9, 3
	query := randomSums(3, q, out, in, 2, 1)
	for _, counts := range [][]int{{1}, {0, 3, 1}} {
		train := randomSums(1, n, out, in, counts...)
		want := map[influence.Normalization][][]float64{influence.AsTheyAre: make([][]float64, q), influence.LRelatIF: make([][]float64, q), influence.ThetaRelatIF: make([][]float64, q)}
		self := make([][]float64, 1)
		scales := columnScales{out * in}
		for _, x := range train.formed() {
			moved := slices.Clone(x)
			require.NoError(t, scales.Apply(t.Context(), kernel.MatrixOf(moved, 1, out*in)))
			self[0] = append(self[0], dot(x, moved))
			for e, y := range query.formed() {
				score := dot(moved, y)
				for kind, norm := range map[influence.Normalization]float64{influence.AsTheyAre: 1, influence.LRelatIF: math.Sqrt(dot(x, moved)), influence.ThetaRelatIF: math.Sqrt(dot(moved, moved))} {
					if norm > 0 {
						want[kind][e] = append(want[kind][e], score/norm)
					} else {
						want[kind][e] = append(want[kind][e], 0)
					}
				}
			}
		}
		for _, inverse := range []influence.Inverse{scales, general{scales}} {
			for kind, scores := range want {
				c := influence.Checkpoint{Train: []influence.Vectors{train}, Query: []influence.Vectors{query}}
				s, err := influence.WithInverses(c, []influence.Inverse{inverse}, influence.Description{Method: "m", Source: "s"}, influence.CurvatureOptions{Normalize: kind})
				require.NoError(t, err)
				for p, tolerance := range tolerances {
					j := wholeJob(train, query, p)
					requireNear(t, scores, matrix(t, s, j), tolerance)
					if kind == influence.AsTheyAre {
						j.Query, j.Self = influence.Rows{}, true
						requireNear(t, self, matrix(t, s, j), tolerance)
					}
				}
			}
		}
	}
}

// TestSumsThatAreNoNumbers: a query with NaN, and one beyond the precision, are errors.
func TestSumsThatAreNoNumbers(t *testing.T) {
	train, query := randomSums(1, 9, 2, 3, 1), randomSums(3, 4, 2, 3, 1)
	s, err := influence.Dot(train, query, influence.ProductOptions{})
	require.NoError(t, err)
	score := func() error {
		j := wholeJob(train, query, influence.Float32)
		return s.Score(t.Context(), j, newScores(t, s, j))
	}
	query.g.Data[2*2], query.a.Data[2*3] = 1e30, 1e30
	require.ErrorContains(t, score(), "the vector of query entry 2 is beyond float32")
	query.g.Data[2*2] = math.NaN()
	var bad *influence.NonFiniteError
	require.ErrorAs(t, score(), &bad)
	require.Equal(t, influence.NonFiniteError{Side: "query", Row: 2, Count: 1}, *bad)
}

// An askedSums notes the longest run of vectors whose rows it was asked for at once.
type askedSums struct {
	*rowSums
	longest *int64
}

func (s askedSums) OuterBlocks(ctx context.Context, lo, hi int64) iter.Seq2[influence.OuterBlock, error] {
	*s.longest = max(*s.longest, hi-lo)
	return s.rowSums.OuterBlocks(ctx, lo, hi)
}

// TestListedRowsAreCollectedInPieces: of a list that is one long run but for a gap no more
// rows are in memory at a time than of any other, and scores are the same.
func TestListedRowsAreCollectedInPieces(t *testing.T) {
	const n, gap, each, width = 1200, 900, 64, 16
	var longest int64
	sums := askedSums{randomSums(5, n, width, width, each), &longest}
	s, err := influence.TracIn([]influence.Checkpoint{{Train: []influence.Vectors{sums}, Query: []influence.Vectors{randomSums(7, 1, width, width, 1)}, Rate: 1}}, false, influence.ProductOptions{})
	require.NoError(t, err)
	scores := func(rows influence.Rows) []float64 {
		return matrix(t, s, influence.Job{Train: rows, Query: influence.RowRange(0, 1), Precision: influence.Float64})[0]
	}
	whole := scores(influence.RowRange(0, n))
	longest = 0
	var listed []int64
	for i := range int64(n) {
		if i != gap {
			listed = append(listed, i)
		}
	}
	require.Equal(t, slices.Delete(whole, gap, gap+1), scores(influence.RowList(listed)))
	require.Positive(t, longest)
	require.LessOrEqual(t, longest*each*2*width, int64(1<<20))
}
