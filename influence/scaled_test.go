package influence_test

import (
	"context"
	"iter"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/internal/kernel"
)

// narrowed is rows as a store of float16 or int8 has them.
type narrowed struct {
	dtype dataset.Dtype
	half  kernel.HalfMatrix[kernel.Float16]
	small kernel.Int8Matrix
}

func (v narrowed) Rows() int64          { return int64(max(v.half.Rows, v.small.Rows)) }
func (v narrowed) Cols() int            { return max(v.half.Cols, v.small.Cols) }
func (v narrowed) Dtype() dataset.Dtype { return v.dtype }

func (v narrowed) Blocks(_ context.Context, lo, hi int64) iter.Seq2[dataset.Block, error] {
	return func(yield func(dataset.Block, error) bool) {
		const step = 7
		for ; lo < hi; lo += step {
			b := dataset.Block{First: lo, Rows: int(min(step, hi-lo)), Cols: v.Cols()}
			end := int(lo) + b.Rows
			if v.dtype == dataset.Int8 {
				scales := (v.Cols() + kernel.Int8Block - 1) / kernel.Int8Block
				b.Int8, b.Stride, b.Scale = v.small.Data[int(lo)*v.small.Stride:end*v.small.Stride], v.small.Stride, v.small.Scale[int(lo)*scales:end*scales]
			} else {
				for _, x := range v.half.Data[int(lo)*v.half.Cols : end*v.half.Cols] {
					b.Half = append(b.Half, uint16(x))
				}
				b.Scale = v.half.Scale[lo:end]
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

func narrow(m kernel.Matrix[float32]) map[string]influence.Vectors {
	return map[string]influence.Vectors{
		"float16": narrowed{dtype: dataset.Float16, half: kernel.NarrowRows(1, m)},
		"int8":    narrowed{dtype: dataset.Int8, small: kernel.Quantize(1, m)},
	}
}

// spread makes rows of very different lengths.
func spread(rows, cols int) kernel.Matrix[float32] {
	m := kernel.NewMatrix[float32](rows, cols)
	for i := range m.Data {
		m.Data[i] = float32(math.Sin(float64(i*i%977))) * float32(math.Ldexp(1, i/cols%40-30))
	}
	return m
}

// TestScaledNumbers: what is read of scaled rows is each number times its scale.
func TestScaledNumbers(t *testing.T) {
	m := spread(20, 300)
	q := kernel.Quantize(1, m)
	for name, v := range narrow(m) {
		got, err := influence.ReadVectors(t.Context(), v)
		require.NoError(t, err)
		single, err := influence.ReadVectors(t.Context(), influence.InFloat32(v, 2))
		require.NoError(t, err)
		for k, x := range got {
			i, j := k/m.Cols, k%m.Cols
			largest := 0.0
			for _, y := range m.Row(i) {
				largest = max(largest, math.Abs(float64(y)))
			}
			most := largest / 250
			if name == "float16" {
				most = largest / 2000
			} else {
				require.Equal(t, float64(q.Scale[i*2+j/256])*float64(q.Data[i*q.Stride+j]), x)
			}
			require.InDelta(t, m.Data[k], x, most, "%s: row %d, number %d", name, i, j)
			require.Equal(t, float64(float32(x)), single[k])
		}
	}
}

// TestScaledScores: scores of scaled rows are those of their numbers, for few queries
// and many, for rows in a run and listed, in both precisions; in float32 the queries of
// int8 rows are rounded as the rows are.
func TestScaledScores(t *testing.T) {
	const n, d = 50, 300
	m := spread(n, d)
	for _, q := range []int{1, 3, 40} {
		queries, err := influence.VectorsOf(spread(q, d).Data, d)
		require.NoError(t, err)
		for name, v := range narrow(m) {
			plain, err := influence.ReadVectors(t.Context(), v)
			require.NoError(t, err)
			asked, err := influence.ReadVectors(t.Context(), queries)
			require.NoError(t, err)
			for _, rows := range []influence.Rows{influence.RowRange(0, n), influence.RowRange(5, 23), influence.RowList([]int64{40, 3, 4, 5, 17})} {
				for _, precision := range []influence.Precision{influence.Float32, influence.Float64} {
					s, err := influence.Dot(v, queries, influence.ProductOptions{Workers: 2})
					require.NoError(t, err)
					got := matrix(t, s, influence.Job{Train: rows, Query: influence.RowRange(0, int64(q)), Precision: precision})
					for i := range rows.Len() {
						row := plain[rows.At(i)*d:][:d]
						for e := range q {
							want, size := 0.0, 0.0
							largest := 0.0
							for l, x := range asked[e*d:][:d] {
								want += row[l] * x
								size += math.Abs(row[l] * x)
								largest = max(largest, math.Abs(x))
							}
							most := size * 1e-6
							if name == "int8" && precision == influence.Float32 {
								for _, x := range row {
									most += math.Abs(x) * largest / 254 * 1.001
								}
							}
							require.InDelta(t, want, got[e][i], most, "%s, %d queries, %v", name, q, precision)
						}
					}
				}
			}
		}
	}
}

// TestScaledRowsPassTheSuite: tiles, workers and memory change nothing.
func TestScaledRowsPassTheSuite(t *testing.T) {
	queries, err := influence.VectorsOf(spread(9, 300).Data, 300)
	require.NoError(t, err)
	for name, v := range narrow(spread(40, 300)) {
		t.Run(name, func(t *testing.T) {
			influencetest.Scorer(t, func() (influence.Scorer, int64, int64) {
				s, err := influence.Cosine(v, queries, influence.ProductOptions{Workers: 3})
				require.NoError(t, err)
				return s, v.Rows(), queries.Rows()
			}, influencetest.Options{Tolerance: 0.02})
		})
	}
}

func TestInt8IsNotCut(t *testing.T) {
	_, err := influence.Split(narrow(spread(3, 300))["int8"], 100, 200)
	require.ErrorContains(t, err, "rows of int8 are not cut")
}
