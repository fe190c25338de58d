package influence_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// TestOuterProductsNeedNotBeFormed: the product of the parts is that of the rows, and
// the rows are what the definition says.
func TestOuterProductsNeedNotBeFormed(t *testing.T) {
	const n, q = 50, 30
	x, g, xq, gq := randomTable(1, n, 6), randomTable(2, n, 3), randomTable(3, q, 6), randomTable(4, q, 3)
	for _, bias := range []bool{false, true} {
		for _, d := range allTypes {
			train, err := influence.Outer(x.in(t, d), g.in(t, dataset.Float32), bias, dataset.Float32)
			require.NoError(t, err)
			query, err := influence.Outer(xq.in(t, d), gq.in(t, d), bias, dataset.Float64)
			require.NoError(t, err)
			rows, err := influence.ReadVectors(t.Context(), train)
			require.NoError(t, err)
			var want []float64
			for i := range n {
				for _, slope := range g.rows[i] {
					for _, v := range x.rows[i] {
						want = append(want, slope*v)
					}
					if bias {
						want = append(want, slope)
					}
				}
			}
			require.InDeltaSlice(t, want, rows, 1e-5)
			require.Equal(t, len(want)/n, train.Cols())
			scores := make([][]float64, q)
			for e := range scores {
				for i := range n {
					one := dot(x.rows[i], xq.rows[e])
					if bias {
						one++
					}
					scores[e] = append(scores[e], one*dot(g.rows[i], gq.rows[e])/4)
				}
			}
			formed, err := influence.VectorsOf(rows, train.Cols())
			require.NoError(t, err)
			for p, tolerance := range tolerances {
				for _, side := range []influence.Vectors{train, formed} {
					s, err := influence.TracIn([]influence.Checkpoint{{Train: []influence.Vectors{side}, Query: []influence.Vectors{query}, Rate: 0.25}}, false, influence.ProductOptions{})
					require.NoError(t, err)
					requireNear(t, scores, matrix(t, s, wholeJob(train, query, p)), tolerance)
				}
			}
		}
	}
	_, err := influence.Outer(x.in(t, dataset.Float32), gq.in(t, dataset.Float32), true, dataset.Float32)
	require.EqualError(t, err, "50 and 30 rows")
	_, err = influence.Outer(x.in(t, dataset.Float32), g.in(t, dataset.Float32), true, dataset.Float16)
	require.EqualError(t, err, "gradients are not formed in float16")
}
