package influence_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/influencetest"
	"github.com/infl-dev/infl/influence/sink"
)

// table is rows of random numbers that every stored type holds exactly.
type table struct {
	rows [][]float64
	cols int
}

func randomTable(seed uint64, rows, cols int) table {
	rng := rand.New(rand.NewPCG(seed, 1))
	t := table{make([][]float64, rows), cols}
	for i := range t.rows {
		t.rows[i] = make([]float64, cols)
		for j := range t.rows[i] {
			t.rows[i][j] = math.Round(rng.NormFloat64()*16) / 16
		}
	}
	return t
}

func numbers[F float32 | float64](t table) []F {
	out := make([]F, 0, len(t.rows)*t.cols)
	for _, row := range t.rows {
		for _, v := range row {
			out = append(out, F(v))
		}
	}
	return out
}

// in returns the table as vectors of a type.
func (t table) in(tb testing.TB, d dataset.Dtype) influence.Vectors {
	tb.Helper()
	var v influence.Vectors
	var err error
	switch d {
	case dataset.Float64:
		v, err = influence.VectorsOf(numbers[float64](t), t.cols)
	case dataset.Float32:
		v, err = influence.VectorsOf(numbers[float32](t), t.cols)
	default:
		v, err = t.onDisk(tb, d)
	}
	require.NoError(tb, err)
	return v
}

// onDisk writes the table as numbers of 16 bits, and opens it in blocks of 7 rows.
func (t table) onDisk(tb testing.TB, d dataset.Dtype) (*dataset.Matrix, error) {
	var raw []byte
	for _, v := range numbers[float32](t) {
		bits := uint16(math.Float32bits(v) >> 16)
		if d == dataset.Float16 {
			bits = float16Bits(v)
		}
		raw = append(raw, byte(bits), byte(bits>>8))
	}
	path := filepath.Join(tb.TempDir(), "rows.bin")
	require.NoError(tb, os.WriteFile(path, raw, 0o666))
	m, err := dataset.OpenMatrix(path, dataset.MatrixOptions{Raw: &dataset.RawMatrix{Dtype: d, Rows: int64(len(t.rows)), Cols: int64(t.cols)}, BlockRows: 7})
	if err == nil {
		tb.Cleanup(func() { require.NoError(tb, m.Close()) })
	}
	return m, err
}

// float16Bits converts a number that float16 holds as a normal one, or 0.
func float16Bits(v float32) uint16 {
	bits := math.Float32bits(v)
	if v == 0 {
		return 0
	}
	return uint16(bits>>16&0x8000) | uint16(int(bits>>23&0xff)-112)<<10 | uint16(bits>>13&0x3ff)
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func cosine(a, b []float64) float64 {
	norms := math.Sqrt(dot(a, a) * dot(b, b))
	if norms == 0 {
		return 0
	}
	return dot(a, b) / norms
}

// matrix returns the scores of a job, query entries down.
func matrix(tb testing.TB, s influence.Scorer, j influence.Job) [][]float64 {
	tb.Helper()
	c := newScores(tb, s, j)
	require.NoError(tb, s.Score(tb.Context(), j, c))
	return c.got
}

// requireNear compares scores with want relative to the largest.
func requireNear(tb testing.TB, want, got [][]float64, tolerance float64) {
	tb.Helper()
	largest := 0.0
	for _, row := range want {
		for _, v := range row {
			largest = max(largest, math.Abs(v))
		}
	}
	require.Len(tb, got, len(want))
	for e := range want {
		require.InDeltaSlice(tb, want[e], got[e], tolerance*largest, "query entry %d", e)
	}
}

func wholeJob(train, query influence.Vectors, p influence.Precision) influence.Job {
	return influence.Job{Train: influence.RowRange(0, train.Rows()), Query: influence.RowRange(0, query.Rows()), Precision: p}
}

var (
	allTypes   = []dataset.Dtype{dataset.Float64, dataset.Float32, dataset.Float16, dataset.BFloat16}
	tolerances = map[influence.Precision]float64{influence.Float32: 1e-5, influence.Float64: 1e-12}
)

// TestProductsAreTheirDefinition compares with loops, for each stored type, few and
// many queries, and queries that come in parts.
func TestProductsAreTheirDefinition(t *testing.T) {
	for _, d := range allTypes {
		for _, q := range []int{1, 5, 100} {
			train, query := randomTable(1, 90, 37), randomTable(2, q, 37)
			clear(train.rows[3])
			clear(query.rows[0])
			dots, cosines := make([][]float64, q), make([][]float64, q)
			for e := range query.rows {
				for i := range train.rows {
					dots[e] = append(dots[e], dot(train.rows[i], query.rows[e]))
					cosines[e] = append(cosines[e], cosine(train.rows[i], query.rows[e]))
				}
			}
			for p, tolerance := range tolerances {
				for _, memory := range []int64{0, 1} {
					t.Run(fmt.Sprintf("%s/%d/%v/%d", d, q, p, memory), func(t *testing.T) {
						a, b := train.in(t, d), query.in(t, d)
						o := influence.ProductOptions{Workers: 3, MemoryBytes: memory}
						s, err := influence.Dot(a, b, o)
						require.NoError(t, err)
						requireNear(t, dots, matrix(t, s, wholeJob(a, b, p)), tolerance)
						s, err = influence.Cosine(a, b, o)
						require.NoError(t, err)
						requireNear(t, cosines, matrix(t, s, wholeJob(a, b, p)), tolerance)
					})
				}
			}
		}
	}
}

// TestProductsKeepTheContract runs the suite with few queries, which have one
// kernel whatever part of them is asked for, and with many.
func TestProductsKeepTheContract(t *testing.T) {
	for name, create := range map[string]func(train, query influence.Vectors, o influence.ProductOptions) (influence.Scorer, error){
		"dot": influence.Dot, "cosine": influence.Cosine,
	} {
		for _, n := range []int{20, 70} {
			for _, d := range allTypes {
				t.Run(fmt.Sprintf("%s/%d/%s", name, n, d), func(t *testing.T) {
					both := randomTable(3, n, 19).in(t, d)
					workers := 0
					influencetest.Scorer(t, func() (influence.Scorer, int64, int64) {
						workers++
						s, err := create(both, both, influence.ProductOptions{Workers: 1 + workers%3, MemoryBytes: int64(workers%2) * 64})
						require.NoError(t, err)
						return s, both.Rows(), both.Rows()
					}, influencetest.Options{SelfIsDiagonal: true, ByQueries: n > 24})
				})
			}
		}
	}
}

// TestPoolsAreSums: a pool's score is the sum of the scores of its queries.
func TestPoolsAreSums(t *testing.T) {
	train, query := randomTable(4, 30, 11).in(t, dataset.Float32), randomTable(5, 101, 11).in(t, dataset.Float32)
	pools := &influence.Pools{Of: make([]int32, 101), Count: 4} // pool 3 has no queries
	for i := range pools.Of {
		pools.Of[i] = int32(i*i) % 3
	}
	for _, create := range []func(train, query influence.Vectors, o influence.ProductOptions) (influence.Scorer, error){influence.Dot, influence.Cosine} {
		s, err := create(train, query, influence.ProductOptions{})
		require.NoError(t, err)
		j := wholeJob(train, query, influence.Float64)
		want := make([][]float64, pools.Count)
		for p := range want {
			want[p] = make([]float64, train.Rows())
		}
		for e, row := range matrix(t, s, j) {
			for i, v := range row {
				want[pools.Of[e]][i] += v
			}
		}
		j.Pools = pools
		requireNear(t, want, matrix(t, s, j), 1e-13)
	}
}

func TestVectorsThatAreNotFinite(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		good, spoiled := randomTable(6, 40, 9), randomTable(7, 40, 9)
		spoiled.rows[7][3], spoiled.rows[9][0] = bad, bad
		for _, create := range []func(train, query influence.Vectors, o influence.ProductOptions) (influence.Scorer, error){influence.Dot, influence.Cosine} {
			score := func(train, query table, rows influence.Rows, self bool) error {
				a, b := train.in(t, dataset.Float32), query.in(t, dataset.Float32)
				s, err := create(a, b, influence.ProductOptions{})
				require.NoError(t, err)
				j := wholeJob(a, b, influence.Float32)
				j.Train, j.Self = rows, self
				return s.Score(t.Context(), j, newScores(t, s, j))
			}
			all := influence.RowRange(0, 40)
			for _, self := range []bool{false, true} {
				err := score(spoiled, good, all, self)
				var e *influence.NonFiniteError
				require.ErrorAs(t, err, &e)
				require.Equal(t, influence.NonFiniteError{Side: "train", Row: 7, Count: 2}, *e)
			}
			require.EqualError(t, score(spoiled, good, influence.RowList([]int64{1, 9}), false),
				"1 train row has a vector with NaN or infinite numbers, row 9 first; repair it or leave it out")
			require.NoError(t, score(spoiled, good, influence.RowRange(10, 40), false))
			require.ErrorContains(t, score(good, spoiled, all, false), "2 query rows have vectors with NaN or infinite numbers, row 7 first; repair them or leave them out")
		}
	}
}

// TestNumbersBeyondThePrecision: what float32 cannot hold is an error there, and a
// score in float64.
func TestNumbersBeyondThePrecision(t *testing.T) {
	large, small := table{[][]float64{{3e30, 4e30}}, 2}, table{[][]float64{{3e-30, 4e-30}}, 2}
	score := func(create func(train, query influence.Vectors, o influence.ProductOptions) (influence.Scorer, error), x table, p influence.Precision) (float64, error) {
		v := x.in(t, dataset.Float32)
		s, err := create(v, v, influence.ProductOptions{})
		require.NoError(t, err)
		c := newScores(t, s, wholeJob(v, v, p))
		err = s.Score(t.Context(), wholeJob(v, v, p), c)
		return c.got[0][0], err
	}
	_, err := score(influence.Dot, large, influence.Float32)
	require.EqualError(t, err, "the score of query entry 0 on train row 0 is beyond float32; use float64")
	v, err := score(influence.Dot, large, influence.Float64)
	require.NoError(t, err)
	require.InEpsilon(t, 25e60, v, 1e-6)
	for _, x := range []table{large, small} {
		v, err = score(influence.Cosine, x, influence.Float32)
		require.NoError(t, err)
		require.InDelta(t, 1, v, 1e-6)
	}
}

func TestSidesThatDoNotFit(t *testing.T) {
	a, b := randomTable(1, 3, 4).in(t, dataset.Float32), randomTable(1, 3, 5).in(t, dataset.Float32)
	_, err := influence.Dot(a, b, influence.ProductOptions{})
	require.EqualError(t, err, "train vectors have 4 numbers, query vectors 5; they must be of the same model and layer")
	s, err := influence.Dot(a, nil, influence.ProductOptions{})
	require.NoError(t, err)
	_, err = s.Layout(influence.Job{Train: influence.RowRange(0, 3)})
	require.EqualError(t, err, "method dot was made without queries")
	_, err = s.Layout(influence.Job{Train: influence.RowRange(0, 3), Self: true, Of: influence.Quantity{Kind: influence.Margin}})
	require.EqualError(t, err, "method dot multiplies vectors; it has no margin")
	_, err = influence.VectorsOf([]float32{1, 2, 3}, 2)
	require.EqualError(t, err, "3 numbers are no rows of 2")
}

// TestSelfNeedsNoQueries also tells self-influence from its definition.
func TestSelfNeedsNoQueries(t *testing.T) {
	train := randomTable(8, 50, 6)
	clear(train.rows[4])
	v := train.in(t, dataset.Float64)
	job := influence.Job{Train: influence.RowRange(0, 50), Self: true, Precision: influence.Float64}
	dots, cosines := make([]float64, 50), make([]float64, 50)
	for i, x := range train.rows {
		dots[i], cosines[i] = dot(x, x), cosine(x, x)
	}
	s, err := influence.Dot(v, nil, influence.ProductOptions{})
	require.NoError(t, err)
	requireNear(t, [][]float64{dots}, matrix(t, s, job), 1e-14)
	s, err = influence.Cosine(v, nil, influence.ProductOptions{})
	require.NoError(t, err)
	requireNear(t, [][]float64{cosines}, matrix(t, s, job), 1e-14)
}

func ExampleDot() {
	train, _ := influence.VectorsOf([]float32{1, 0, 0, 1, 3, 4}, 2)
	query, _ := influence.VectorsOf([]float32{1, 1}, 2)
	s, _ := influence.Dot(train, query, influence.ProductOptions{})
	top, _ := sink.Top(context.Background(), s, influence.Job{Train: influence.RowRange(0, 3), Query: influence.RowRange(0, 1)}, 2)
	for _, e := range top {
		fmt.Println(e.Side, e.Rank, e.TrainRow, e.Score)
	}
	// Output:
	// high 1 2 7
	// high 2 0 1
	// low 1 1 1
}
