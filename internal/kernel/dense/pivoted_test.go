package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/infl-dev/infl/internal/kernel"
)

// ofRank returns a positive semidefinite matrix of a rank, with eigenvalues from 1
// down to 1/100.
func ofRank(rng *rand.Rand, n, rank int) matrix {
	values := make([]float64, n)
	for i := range rank {
		values[i] = math.Pow(100, -float64(i)/float64(rank))
	}
	return withSpectrum(rng, values)
}

func TestPivotedCholeskyByDefinition(t *testing.T) {
	for _, n := range someSizes {
		for _, rank := range []int{0, 1, n / 3, n} {
			if rank > n {
				continue
			}
			t.Run(fmt.Sprintf("%d/%d", n, rank), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(uint64(n), uint64(rank)))
				a := ofRank(rng, n, rank)
				l := strided(rng, n, n)
				for i := range n {
					copy(l.Row(i)[:i+1], a.Row(i))
				}
				gaps := gapsOf(l)
				order, got, err := PivotedCholesky(2, l, 1e-12)
				require.NoError(t, err)
				require.Equal(t, rank, got)
				require.Equal(t, gaps, gapsOf(l))
				all := slices.Sorted(slices.Values(order))
				for i := range n {
					require.Equal(t, i, all[i])
					for j := range n {
						if j > i || j >= rank {
							require.Zero(t, l.At(i, j))
							continue
						}
						require.LessOrEqual(t, l.At(j, j), l.At(max(0, j-1), max(0, j-1)))
					}
					for j := range i + 1 {
						sum := 0.0
						for k := range j + 1 {
							sum += l.At(i, k) * l.At(j, k)
						}
						require.InDelta(t, a.At(order[i], order[j]), sum, 3e-12)
					}
				}
			})
		}
	}
}

// TestPivotedCholeskyIsGonums compares order, rank and numbers.
func TestPivotedCholeskyIsGonums(t *testing.T) {
	for _, rank := range []int{40, 150} {
		const n = 150
		a := ofRank(rand.New(rand.NewPCG(8, 8)), n, rank)
		want := clone(a)
		piv, work := make([]int, n), make([]float64, 2*n)
		_, wantRank, _ := lapack64.Pstrf(blas64.Symmetric{N: n, Stride: n, Data: want.Data, Uplo: blas.Lower}, piv, -1, work)
		order, got, err := PivotedCholesky(1, a, -1)
		require.NoError(t, err)
		require.Equal(t, wantRank, got)
		require.Equal(t, piv[:rank], order[:rank])
		for i := range n {
			for j := range min(i+1, rank) {
				require.InDelta(t, want.At(i, j), a.At(i, j), 1e-10)
			}
		}
	}
}

func TestPivotedCholeskyEnds(t *testing.T) {
	a := symmetric(4, func(i, j int) float64 { return float64(max(0, 1-i+j)) * []float64{2, -5, 3, 1e-9}[i] })
	order, rank, err := PivotedCholesky(1, a, 1e-6)
	require.NoError(t, err)
	require.Equal(t, []int{2, 0}, order[:2])
	require.Equal(t, 2, rank)

	bad := kernel.NewMatrix[float64](2, 2)
	bad.Row(1)[0] = math.Inf(1)
	_, _, err = PivotedCholesky(1, bad, -1)
	require.ErrorIs(t, err, ErrNotFinite)
	require.Equal(t, []float64{0, 0, math.Inf(1), 0}, bad.Data)
}
