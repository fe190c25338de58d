//go:build blas

package blas

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/internal/kernel"
)

// skipMessage is what a test says where there is no library; .ci/run counts it.
const skipMessage = "no BLAS of the system"

func open(t *testing.T) *Library {
	t.Helper()
	l, err := Open("")
	if err != nil {
		t.Skipf("%s: %v", skipMessage, err)
	}
	require.NotEmpty(t, l.Name())
	return l
}

// random returns a matrix with a gap behind each row.
func random[F kernel.Float](rng *rand.Rand, rows, cols int) kernel.Matrix[F] {
	m := kernel.NewMatrix[F](rows, cols+3)
	for i := range m.Data {
		m.Data[i] = F(rng.NormFloat64())
	}
	return m.Block(0, 0, rows, cols)
}

// checkGemm compares a product with its definition.
func checkGemm[F kernel.Float](t *testing.T, tolerance float64, product func(transposeA, transposeB bool, a, b, c kernel.Matrix[F]) error) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range [][3]int{{1, 1, 1}, {3, 5, 4}, {17, 1, 30}, {1, 40, 9}, {64, 65, 66}, {0, 3, 2}, {2, 3, 0}} {
		m, n, k := size[0], size[1], size[2]
		for flags := range 4 {
			ta, tb := flags&1 == 1, flags&2 == 2
			a, b, c := random[F](rng, m, k), random[F](rng, k, n), random[F](rng, m, n)
			if ta {
				a = random[F](rng, k, m)
			}
			if tb {
				b = random[F](rng, n, k)
			}
			want := make([]float64, m*n)
			for i := range m {
				for j := range n {
					want[i*n+j] = float64(c.At(i, j))
					for l := range k {
						x, y := a.At(min(i, a.Rows-1), min(l, a.Cols-1)), b.At(min(l, b.Rows-1), min(j, b.Cols-1))
						if ta {
							x = a.At(l, i)
						}
						if tb {
							y = b.At(j, l)
						}
						want[i*n+j] += float64(x) * float64(y)
					}
				}
			}
			require.NoError(t, product(ta, tb, a, b, c))
			for i := range m {
				for j := range n {
					require.InDelta(t, want[i*n+j], float64(c.At(i, j)), tolerance*(1+math.Sqrt(float64(k))), "%v %v %v", size, ta, tb)
				}
			}
		}
	}
	require.ErrorContains(t, product(false, false, random[F](rng, 2, 3), random[F](rng, 4, 5), random[F](rng, 2, 5)), "does not fit")
}

func TestGemm(t *testing.T) {
	l := open(t)
	checkGemm(t, 1e-5, l.Gemm32)
	checkGemm(t, 1e-13, l.Gemm64)
}

// spd returns X·Xᵀ, with what must not be read spoilt.
func spd(rng *rand.Rand, n int) (whole [][]float64, lower kernel.Matrix[float64]) {
	x := random[float64](rng, n, n+2)
	lower = random[float64](rng, n, n)
	for i := range n {
		whole = append(whole, make([]float64, n))
		for j := range n {
			for k := range n + 2 {
				whole[i][j] += x.At(i, k) * x.At(j, k)
			}
			if j <= i {
				lower.Row(i)[j] = whole[i][j]
			} else {
				lower.Row(i)[j] = math.NaN()
			}
		}
	}
	return whole, lower
}

func TestEigen(t *testing.T) {
	l, rng := open(t), rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 2, 7, 60} {
		whole, v := spd(rng, n)
		values, err := l.Eigen(v)
		require.NoError(t, err)
		require.Len(t, values, n)
		for e := range n {
			for i := range n {
				av := 0.0
				for j := range n {
					av += whole[i][j] * v.At(e, j)
				}
				require.InDelta(t, values[e]*v.At(e, i), av, 1e-10, "n = %d", n)
			}
			require.True(t, e == 0 || values[e] >= values[e-1])
		}
	}
	_, err := l.Eigen(random[float64](rng, 2, 3))
	require.ErrorContains(t, err, "not square")
}

func TestCholesky(t *testing.T) {
	l, rng := open(t), rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{0, 1, 2, 7, 60} {
		whole, factor := spd(rng, n)
		require.NoError(t, l.Cholesky(factor))
		for i := range n {
			for j := range i + 1 {
				sum := 0.0
				for k := range j + 1 {
					sum += factor.At(i, k) * factor.At(j, k)
				}
				require.InDelta(t, whole[i][j], sum, 1e-10, "n = %d", n)
			}
		}
	}
	require.ErrorContains(t, l.Cholesky(kernel.MatrixOf([]float64{1, 0, 0, -1}, 2, 2)), "its leading 2 × 2 part is not")
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	_, err := Open("libnone-of-that-name.so")
	require.ErrorContains(t, err, "libnone-of-that-name.so")
}
