package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/lapack/gonum"
	"gonum.org/v1/gonum/mat"

	"github.com/infl-dev/infl/internal/kernel"
)

// orthonormal returns rows × cols numbers with orthonormal columns, rows ≥ cols:
// eigenvectors of a random matrix.
func orthonormal(t *testing.T, rng *rand.Rand, rows, cols int) matrix {
	a := symmetric(rows, func(_, _ int) float64 { return rng.NormFloat64() })
	require.NoError(t, Eigh(1, a, make([]float64, rows)))
	q := kernel.NewMatrix[float64](rows, cols)
	transpose(q, a.Block(0, 0, cols, rows))
	return q
}

// TestSingularValuesAreThoseBuiltIn makes U·diag(σ)·Vᵀ of known σ, at any scale.
func TestSingularValuesAreThoseBuiltIn(t *testing.T) {
	for _, shape := range [][2]int{{0, 0}, {0, 4}, {1, 1}, {1, 7}, {7, 1}, {2, 2}, {3, 3}, {5, 5}, {40, 33}, {33, 40}, {300, 70}, {130, 130}} {
		for _, scale := range []float64{1, 1e-280, 1e300} {
			n := min(shape[0], shape[1])
			rng := rand.New(rand.NewPCG(uint64(shape[0]), uint64(shape[1])))
			for name, want := range spectra(rng, n) {
				t.Run(fmt.Sprintf("%v/%g/%s", shape, scale, name), func(t *testing.T) {
					for i, w := range want {
						want[i] = math.Abs(w)
					}
					slices.SortFunc(want, func(x, y float64) int { return int(math.Copysign(1, y-x)) })
					u, v := orthonormal(t, rng, shape[0], n), orthonormal(t, rng, shape[1], n)
					for i := range u.Rows {
						for j := range n {
							u.Row(i)[j] *= want[j] * scale
						}
					}
					a := strided(rng, shape[0], shape[1])
					for i := range a.Rows {
						clear(a.Row(i))
					}
					kernel.GemmNT(1, u, v, a)
					before, values := slices.Clone(a.Data), make([]float64, n)
					require.NoError(t, SingularValues(2, a, values))
					require.Equal(t, before, a.Data)
					for i := range want {
						require.InDelta(t, want[i], values[i]/scale, 3*bound(n)*want[0], i)
						require.GreaterOrEqual(t, values[i], 0.0)
					}
				})
			}
		}
	}
}

// TestSingularValuesOfManyRows takes a matrix of several groups of rows, with
// scales of columns that a Gram matrix would lose, and compares with gonum.
func TestSingularValuesOfManyRows(t *testing.T) {
	const rows, cols = 40_000, 12
	rng := rand.New(rand.NewPCG(1, 9))
	a := strided(rng, rows, cols)
	for i := range rows {
		for j, x := range a.Row(i) {
			a.Row(i)[j] = x * math.Pow(10, -float64(j))
		}
	}
	var oracle mat.SVD
	require.True(t, oracle.Factorize(mat.NewDense(rows, cols, clone(a).Data), mat.SVDNone))
	values := make([]float64, cols)
	require.NoError(t, SingularValues(2, a, values))
	want := oracle.Values(nil)
	require.InDeltaSlice(t, want, values, bound(cols)*want[0])
	require.InEpsilon(t, want[cols-1], values[cols-1], 1e-3)
}

// TestQuotientsKeepSmallValues asks for relative accuracy, which gonum's qd algorithm
// has too, of graded matrices both ways and of such as fall apart.
func TestQuotientsKeepSmallValues(t *testing.T) {
	for _, n := range []int{2, 3, 4, 9, 40, 150} {
		for _, grade := range []float64{1, 0.5, 2, 1e-3, 1e3} {
			for _, hole := range []int{0, 2, 5} { // every so many-th number is zero
				t.Run(fmt.Sprintf("%d/%g/%d", n, grade, hole), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(uint64(n), uint64(hole)))
					diagonal, beside := make([]float64, n), make([]float64, n)
					largest := math.Max(1, math.Pow(grade, float64(min(n, 40)-1)))
					for i := range n {
						size := math.Pow(grade, float64(i%40)) / largest
						diagonal[i], beside[i] = size*rng.NormFloat64(), size*rng.NormFloat64()
						if hole > 0 && rng.IntN(hole) == 0 {
							beside[i] = 0
						}
						if hole > 0 && rng.IntN(3*hole) == 0 {
							diagonal[i] = 0
						}
					}
					beside[n-1] = 0
					values := make([]float64, n)
					require.NoError(t, newQuotients(diagonal, beside).eigenvalues(values))
					require.Zero(t, gonum.Implementation{}.Dlasq1(n, diagonal, beside, make([]float64, 4*n)))
					slices.Sort(values)
					for i, want := range diagonal {
						// Squares of what is below 1e-140 leave the range in full precision.
						require.InDelta(t, want, math.Sqrt(values[n-1-i]), 1e-12*want+1e-140, i)
					}
				})
			}
		}
	}
}

func TestSingularValuesRefuse(t *testing.T) {
	a := symmetric(3, func(_, _ int) float64 { return math.MaxFloat64 })
	require.ErrorIs(t, SingularValues(1, a, make([]float64, 3)), ErrRange)
	a.Row(0)[2] = math.NaN()
	require.ErrorIs(t, SingularValues(1, a, make([]float64, 3)), ErrNotFinite)
	require.Panics(t, func() { _ = SingularValues(1, a, make([]float64, 2)) })
}
