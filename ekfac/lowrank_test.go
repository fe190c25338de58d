package ekfac

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/kernel/dense"
)

// normalMatrix is a matrix of normal numbers.
func normalMatrix(r *rand.Rand, rows, cols int) kernel.Matrix[float64] {
	m := kernel.NewMatrix[float64](rows, cols)
	for i := range m.Data {
		m.Data[i] = r.NormFloat64()
	}
	return m
}

// smallestRest is the least norm, by that of m, that a matrix of rank k leaves of m
// (Eckart and Young 1936): where singular values differ, only the nearest one leaves it.
func smallestRest(t *testing.T, m kernel.Matrix[float64], k int) float64 {
	values := make([]float64, min(m.Rows, m.Cols))
	require.NoError(t, dense.SingularValues(1, m, values))
	return math.Sqrt(squares(values[k:]) / squares(values))
}

// rest is the norm, by that of m, that u and v leave of m.
func rest(m, u, v kernel.Matrix[float64]) float64 {
	left := kernel.NewMatrix[float64](m.Rows, m.Cols)
	kernel.GemmTN(1, u, v, left)
	for i, x := range m.Data {
		left.Data[i] -= x
	}
	return math.Sqrt(squares(left.Data) / squares(m.Data))
}

func TestCutIsTheNearestMatrix(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	for _, shape := range [][2]int{{2, 2}, {3, 20}, {20, 3}, {40, 41}} {
		for k := 1; k < min(shape[0], shape[1]); k += 3 {
			m := normalMatrix(r, shape[0], shape[1])
			u, v := kernel.NewMatrix[float64](k, m.Rows), kernel.NewMatrix[float64](k, m.Cols)
			said, err := cutTo(m, u, v)
			require.NoError(t, err)
			least := smallestRest(t, m, k)
			require.InDelta(t, least, said, 1e-12)
			require.InDelta(t, least, rest(m, u, v), 1e-12)
		}
	}
	u, v := kernel.NewMatrix[float64](1, 2), kernel.NewMatrix[float64](1, 3)
	said, err := cutTo(kernel.NewMatrix[float64](2, 3), u, v)
	require.NoError(t, err)
	require.Zero(t, said, "nothing is cut off nothing")
}

// TestSketchIsNear draws matrices whose singular values fall slowly, fast, and to zero.
func TestSketchIsNear(t *testing.T) {
	const rows, cols, k = 60, 90, 6
	r := rand.New(rand.NewPCG(1, 6))
	for _, fall := range []float64{0.97, 0.7, 0.01} {
		m, left := kernel.NewMatrix[float64](rows, cols), normalMatrix(r, rows, rows)
		require.NoError(t, orthonormal(left))
		right := normalMatrix(r, rows, cols)
		for l := range rows {
			for j := range right.Row(l) {
				right.Row(l)[j] *= math.Pow(fall, float64(l))
			}
		}
		kernel.GemmTN(1, left, right, m)
		c := &cut{Inverse: &Inverse{out: rows, in: cols}, rank: k, sketch: true, seed: 4}
		u, v := kernel.NewMatrix[float64](k, rows), kernel.NewMatrix[float64](k, cols)
		said, err := sketchTo(m, c.signs(), u, v)
		require.NoError(t, err)
		least := smallestRest(t, m, k)
		require.InDelta(t, rest(m, u, v), said, 1e-7)
		require.Less(t, said, 1.01*least+1e-7)
	}
}

func TestOrthonormal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	rows := normalMatrix(r, 4, 9)
	copy(rows.Row(2), rows.Row(1)) // There are three directions.
	for j := range rows.Row(3) {
		rows.Row(3)[j] *= 1e-5
	}
	require.NoError(t, orthonormal(rows))
	inner := kernel.NewMatrix[float64](4, 4)
	kernel.GemmNT(1, rows, rows, inner)
	ones := 0
	for i := range 4 {
		for j := range 4 {
			if i == j && inner.At(i, j) > 0.5 {
				ones++
				require.InDelta(t, 1, inner.At(i, j), 1e-14)
			} else {
				require.InDelta(t, 0, inner.At(i, j), 1e-14)
			}
		}
	}
	require.Equal(t, 3, ones)
}

// outerProducts are random gradients of a linear map, formed and not.
func outerProducts(t *testing.T, r *rand.Rand, n, out, in int) (kernel.Matrix[float64], influence.Vectors) {
	x, g := normalMatrix(r, n, in-1), normalMatrix(r, n, out)
	inputs, err := influence.VectorsOf(x.Data, x.Cols)
	require.NoError(t, err)
	gradients, err := influence.VectorsOf(g.Data, g.Cols)
	require.NoError(t, err)
	v, err := influence.Outer(inputs, gradients, true, "float64")
	require.NoError(t, err)
	numbers, err := influence.ReadVectors(t.Context(), v)
	require.NoError(t, err)
	return kernel.MatrixOf(numbers, n, out*in), v
}

// TestScoresOfLowRank compares scores with inner products of train gradients with the
// nearest matrices to what the inverse makes of queries.
func TestScoresOfLowRank(t *testing.T) {
	const out, in, n, q, rank = 5, 7, 60, 30, 2
	r := rand.New(rand.NewPCG(2, 1))
	f, _ := randomFactors(t, r, out, in)
	train, rows := outerProducts(t, r, n, out, in)
	query := normalMatrix(r, q, out*in)
	formed, err := influence.VectorsOf(train.Data, out*in)
	require.NoError(t, err)
	queries, err := influence.VectorsOf(query.Data, out*in)
	require.NoError(t, err)

	near := kernel.NewMatrix[float64](q, out*in)
	o := ScoreOptions{CurvatureOptions: influence.CurvatureOptions{Damping: influence.Damping{Heuristic: true}, Rank: rank}}
	v, err := f.Inverse("m", EKFAC, Exact, o.Damping, 1)
	require.NoError(t, err)
	moved := kernel.MatrixOf(append([]float64(nil), query.Data...), q, out*in)
	require.NoError(t, v.Apply(t.Context(), moved))
	mean := 0.0
	for i := range q {
		left, right := kernel.NewMatrix[float64](rank, out), kernel.NewMatrix[float64](rank, in)
		part, err := cutTo(kernel.MatrixOf(moved.Row(i), out, in), left, right)
		require.NoError(t, err)
		mean += part / q
		kernel.GemmTN(1, left, right, kernel.MatrixOf(near.Row(i), out, in))
	}
	want := kernel.NewMatrix[float64](q, n)
	kernel.GemmNT(1, near, train, want)

	job := influence.Job{Train: influence.RowRange(0, n), Query: influence.RowRange(0, q), Precision: influence.Float64}
	for what, side := range map[string]influence.Vectors{"formed": formed, "rows": rows} {
		create := func() (influence.Scorer, int64, int64) {
			o.MemoryBytes = 6000 - o.MemoryBytes // With and without room for all queries.
			s, err := Scores(f, influence.Checkpoint{Train: []influence.Vectors{side}, Query: []influence.Vectors{queries}}, []string{"m"}, o)
			require.NoError(t, err)
			return s, n, q
		}
		influencetest.Scorer(t, create, influencetest.Options{ByQueries: true})

		s, _, _ := create()
		_, known := influence.ErrorOfRank(s)
		require.False(t, known)
		got, err := sink.Dense(t.Context(), s, job)
		require.NoError(t, err)
		require.InDeltaSlice(t, want.Data, got.Scores, 1e-10, what)
		said, known := influence.ErrorOfRank(s)
		require.True(t, known)
		require.InDelta(t, mean, said.Mean, 1e-12)
		require.Greater(t, said.Largest, said.Mean)

		pooled := job
		pooled.Pools = &influence.Pools{Of: make([]int32, q), Count: 1}
		_, err = s.Layout(pooled)
		require.ErrorContains(t, err, "do not add up")

		uncut := o
		uncut.Rank = min(out, in)
		s, err = Scores(f, influence.Checkpoint{Train: []influence.Vectors{side}, Query: []influence.Vectors{queries}}, []string{"m"}, uncut)
		require.NoError(t, err)
		_, err = sink.Dense(t.Context(), s, job)
		require.NoError(t, err)
		_, known = influence.ErrorOfRank(s)
		require.False(t, known, "a rank that cuts nothing off")
	}
}
