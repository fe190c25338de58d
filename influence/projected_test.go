package influence_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/influencetest"
)

// TestProjectedProductsAreNear: over all pairs the mean square of the error is what
// the definition of a projection allows.
func TestProjectedProductsAreNear(t *testing.T) {
	const n, q, d, size = 40, 30, 3000, 512
	train, query := randomTable(1, n, d), randomTable(2, q, d)
	for i := range train.rows {
		copy(train.rows[i][:d/2], query.rows[i%q][:d/2]) // Products of all sizes.
	}
	for _, kind := range []string{"512", "512:rademacher", "512:gaussian"} {
		p, err := influence.ParseProjection(kind, 7)
		require.NoError(t, err)
		a, err := influence.Project(train.in(t, dataset.Float32), p, 2)
		require.NoError(t, err)
		b, err := influence.Project(query.in(t, dataset.Float64), p, 1)
		require.NoError(t, err)
		require.Equal(t, size, a.Cols())
		s, err := influence.Dot(a, b, influence.ProductOptions{})
		require.NoError(t, err)
		relative := 0.0
		for e, row := range matrix(t, s, wholeJob(a, b, influence.Float32)) {
			for i, got := range row {
				x, y := train.rows[i], query.rows[e]
				want := dot(x, y)
				relative += math.Pow(got-want, 2) / ((dot(x, x)*dot(y, y) + want*want) / size) / (n * q)
			}
		}
		require.Less(t, relative, 1.3, kind)
		require.Greater(t, relative, 0.4, kind)
	}
}

func TestProjectedVectorsKeepTheContract(t *testing.T) {
	both := randomTable(3, 20, 100)
	influencetest.Scorer(t, func() (influence.Scorer, int64, int64) {
		v, err := influence.Project(both.in(t, dataset.BFloat16), influence.Projection{Kind: "srht", Size: 32}, 2)
		require.NoError(t, err)
		s, err := influence.Dot(v, v, influence.ProductOptions{})
		require.NoError(t, err)
		return s, 20, 20
	}, influencetest.Options{SelfIsDiagonal: true})
}

func TestProjectionsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"x": `projection "x" is not known`, "64:count": `projection "count" is not known`, "0": "a projection to 0 numbers",
		"100": "needs a power of two; use 128", "-1:gaussian": "a projection to -1 numbers",
	} {
		_, err := influence.ParseProjection(text, 0)
		require.ErrorContains(t, err, want, text)
	}
	short := randomTable(1, 3, 8).in(t, dataset.Float32)
	same, err := influence.Project(short, influence.Projection{Kind: "gaussian", Size: 8}, 1)
	require.NoError(t, err)
	require.Equal(t, short, same)
}

func TestMappedIsAProductWithAMatrix(t *testing.T) {
	x, m := randomTable(1, 30, 7), randomTable(2, 7, 4)
	v, err := influence.Mapped(t.Context(), x.in(t, dataset.Float32), m.in(t, dataset.Float64), 2)
	require.NoError(t, err)
	got, err := influence.ReadVectors(t.Context(), v)
	require.NoError(t, err)
	require.Len(t, got, 30*4)
	for i, row := range x.rows {
		for k := range 4 {
			sum := 0.0
			for j, a := range row {
				sum += a * m.rows[j][k]
			}
			require.InDelta(t, sum, got[i*4+k], 1e-12)
		}
	}
	m.rows[5][1] = math.Inf(1)
	_, err = influence.Mapped(t.Context(), x.in(t, dataset.Float32), m.in(t, dataset.Float64), 2)
	require.ErrorContains(t, err, "row 5 of the matrix")
}
