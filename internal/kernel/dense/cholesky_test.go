package dense

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/infl-dev/infl/internal/kernel"
)

// someSizes lie around those at which algorithms change over.
var someSizes = []int{0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 65, 97, 128, 129, 200, 257, 300}

// strided returns a matrix with random numbers between its rows.
func strided(rng *rand.Rand, rows, cols int) matrix {
	stride := cols + 3
	m := matrix{Data: make([]float64, rows*stride), Rows: rows, Cols: cols, Stride: stride}
	for i := range m.Data {
		m.Data[i] = rng.NormFloat64()
	}
	return m
}

// gapsOf returns what lies between the rows.
func gapsOf(m matrix) []float64 {
	var gaps []float64
	for i := range m.Rows {
		gaps = append(gaps, m.Data[i*m.Stride+m.Cols:(i+1)*m.Stride]...)
	}
	return gaps
}

// positive returns a positive definite matrix of eigenvalues between 1/condition
// and about 1.
func positive(rng *rand.Rand, n int, condition float64) matrix {
	values := make([]float64, n)
	for i := range values {
		values[i] = math.Pow(condition, -float64(i)/float64(max(1, n-1)))
	}
	return withSpectrum(rng, values)
}

func TestCholeskyByDefinition(t *testing.T) {
	for _, n := range someSizes {
		for _, condition := range []float64{1, 1e3, 1e12} {
			for _, scale := range []float64{1, 1e-290, 1e290} {
				t.Run(fmt.Sprintf("%d/%g/%g", n, condition, scale), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(uint64(n), 1))
					a := positive(rng, n, condition)
					l := strided(rng, n, n)
					for i := range n {
						for j := range i + 1 { // what lies above the diagonal must not matter
							l.Row(i)[j] = a.At(i, j) * scale
						}
					}
					gaps := gapsOf(l)
					require.NoError(t, Cholesky(2, l))
					require.Equal(t, gaps, gapsOf(l))
					for i := range n {
						require.Positive(t, l.At(i, i))
						for j := range n {
							if j > i {
								require.Zero(t, l.At(i, j))
								continue
							}
							sum := 0.0
							for k := range j + 1 {
								sum += l.At(i, k) * l.At(j, k)
							}
							require.InDelta(t, a.At(i, j), sum/scale, 1e-15*float64(8+n))
						}
					}
				})
			}
		}
	}
}

func TestCholeskyIsGonums(t *testing.T) {
	const n = 150
	a := positive(rand.New(rand.NewPCG(2, 2)), n, 100)
	var oracle mat.Cholesky
	require.True(t, oracle.Factorize(mat.NewSymDense(n, a.Data)))
	var want mat.TriDense
	oracle.LTo(&want)
	l := clone(a)
	require.NoError(t, Cholesky(1, l))
	for i := range n {
		for j := range i + 1 {
			require.InDelta(t, want.At(i, j), l.At(i, j), 1e-12)
		}
	}
}

func TestCholeskyNamesThePivot(t *testing.T) {
	for _, n := range []int{1, 5, 40, 130} {
		for _, pivot := range []int{0, n / 2, n - 1} {
			for _, bad := range []float64{-1, 0, math.NaN(), math.Inf(-1)} {
				a := symmetric(n, func(i, j int) float64 { return float64(max(0, 1-i+j)) })
				a.Row(pivot)[pivot] = bad
				var e *NotPositiveError
				require.True(t, errors.As(Cholesky(2, a), &e))
				require.Equal(t, pivot, e.Pivot)
				require.Contains(t, e.Error(), fmt.Sprintf("pivot %d is ", pivot))
			}
		}
	}
	require.Panics(t, func() { _ = Cholesky(1, kernel.NewMatrix[float64](2, 3)) })
}

// TestTriangularByDefinition multiplies the solution back.
func TestTriangularByDefinition(t *testing.T) {
	for _, n := range someSizes {
		for _, q := range []int{0, 1, 3, 8, 130} {
			for form := range 8 {
				upper, transposed, right := form&1 > 0, form&2 > 0, form&4 > 0
				t.Run(fmt.Sprintf("%d/%d/%d", n, q, form), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(uint64(n), uint64(q)))
					m := strided(rng, n, n)
					op := kernel.NewMatrix[float64](n, n) // what T stands for
					for i := range n {
						for j := range n {
							switch {
							case i == j:
								m.Row(i)[i] = 1 + rng.Float64()
							case (j > i) != upper:
								m.Row(i)[j] = math.NaN() // not to be read
								continue
							default:
								m.Row(i)[j] /= float64(n)
							}
							if transposed {
								op.Row(j)[i] = m.At(i, j)
							} else {
								op.Row(i)[j] = m.At(i, j)
							}
						}
					}
					b := strided(rng, n, q)
					if right {
						b = strided(rng, q, n)
					}
					want, gaps := clone(b), gapsOf(b)
					solve := SolveLeft
					if right {
						solve = SolveRight
					}
					require.NoError(t, solve(2, Triangular{Matrix: m, Upper: upper, Transposed: transposed}, b))
					require.Equal(t, gaps, gapsOf(b))
					got := kernel.NewMatrix[float64](b.Rows, b.Cols)
					if right {
						kernel.GemmNN(1, b, op, got)
					} else {
						kernel.GemmNN(1, op, b, got)
					}
					require.InDeltaSlice(t, want.Data, got.Data, 1e-13)
				})
			}
		}
	}
}

func TestTriangularRefuses(t *testing.T) {
	a := symmetric(3, func(_, _ int) float64 { return 1 })
	a.Row(1)[1] = 0
	b := kernel.NewMatrix[float64](3, 2)
	require.ErrorIs(t, SolveLeft(1, Triangular{Matrix: a}, b), ErrSingular)
	require.Panics(t, func() { _ = SolveRight(1, Triangular{Matrix: a}, b) })
}
