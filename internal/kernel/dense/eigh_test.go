package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"

	"github.com/infl-dev/infl/internal/kernel"
)

type matrix = kernel.Matrix[float64]

// symmetric fills a matrix from its lower triangle.
func symmetric(n int, lower func(i, j int) float64) matrix {
	a := kernel.NewMatrix[float64](n, n)
	for i := range n {
		for j := range i + 1 {
			a.Row(i)[j] = lower(i, j)
			a.Row(j)[i] = a.Row(i)[j]
		}
	}
	return a
}

// withSpectrum returns a random symmetric matrix of these eigenvalues: reflections
// of a diagonal one.
func withSpectrum(rng *rand.Rand, values []float64) matrix {
	n := len(values)
	a := kernel.NewMatrix[float64](n, n)
	for i, v := range values {
		a.Row(i)[i] = v
	}
	for range 3 {
		u := make([]float64, n)
		square := 0.0
		for i := range u {
			u[i] = rng.NormFloat64()
			square += u[i] * u[i]
		}
		au, uau := make([]float64, n), 0.0
		for i := range n {
			for j, x := range a.Row(i) {
				au[i] += x * u[j]
			}
			uau += au[i] * u[i]
		}
		for i := range n {
			for j := range i + 1 {
				x := a.At(i, j) - 2/square*(u[i]*au[j]+au[i]*u[j]) + 4/square/square*uau*u[i]*u[j]
				a.Row(i)[j], a.Row(j)[i] = x, x
			}
		}
	}
	return a
}

// spectra are eigenvalues that are hard for one reason or another.
func spectra(rng *rand.Rand, n int) map[string][]float64 {
	fill := func(f func(i int) float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = f(i)
		}
		return v
	}
	return map[string][]float64{
		"uniform":   fill(func(int) float64 { return rng.Float64()*2 - 1 }),
		"repeated":  fill(func(i int) float64 { return float64(i % 3) }),
		"clustered": fill(func(i int) float64 { return float64(i%4) + 1e-13*rng.Float64() }),
		"graded":    fill(func(i int) float64 { return math.Pow(10, -30*float64(i)/float64(n)) }),
		"decaying":  fill(func(i int) float64 { return 1 / float64((i+1)*(i+1)) }),
		"rank one":  fill(func(i int) float64 { return float64(max(0, 1-i)) }),
		"near one":  fill(func(i int) float64 { return 1 + 1e-12*float64(i) }),
		"two signs": fill(func(i int) float64 { return float64(1 - i%2*2) }),
	}
}

// hardMatrices are symmetric matrices of n rows.
func hardMatrices(n int) map[string]matrix {
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	m := map[string]matrix{
		"random":    symmetric(n, func(_, _ int) float64 { return rng.NormFloat64() }),
		"zero":      symmetric(n, func(_, _ int) float64 { return 0 }),
		"ones":      symmetric(n, func(_, _ int) float64 { return 1 }),
		"identity":  symmetric(n, func(i, j int) float64 { return float64(max(0, 1-i+j)) }),
		"diagonal":  symmetric(n, func(i, j int) float64 { return float64(max(0, 1-i+j)) * rng.NormFloat64() }),
		"tiny":      symmetric(n, func(_, _ int) float64 { return 1e-300 * rng.NormFloat64() }),
		"huge":      symmetric(n, func(_, _ int) float64 { return 1e300 * rng.NormFloat64() }),
		"denormal":  symmetric(n, func(_, _ int) float64 { return 5e-324 * math.Round(9*rng.NormFloat64()) }),
		"mixed":     symmetric(n, func(_, _ int) float64 { return rng.NormFloat64() * math.Pow(10, 300*(rng.Float64()-1)) }),
		"graded":    symmetric(n, func(i, _ int) float64 { return math.Pow(10, -0.3*float64(i)) * rng.NormFloat64() }),
		"laplacian": symmetric(n, func(i, j int) float64 { return []float64{2, -1, 0}[min(2, i-j)] }),
		"wilkinson": symmetric(n, func(i, j int) float64 {
			return []float64{math.Abs(float64(i) - float64(n-1)/2), 1, 0}[min(2, i-j)]
		}),
		"glued wilkinson": symmetric(n, func(i, j int) float64 {
			switch {
			case i == j:
				return math.Abs(float64(i%21) - 10)
			case i-j > 1:
				return 0
			case i%21 == 0:
				return 1e-11
			}
			return 1
		}),
		"blocks": symmetric(n, func(i, j int) float64 {
			if i/7 != j/7 {
				return 0
			}
			return rng.NormFloat64()
		}),
	}
	for name, s := range spectra(rng, n) {
		m["spectrum "+name] = withSpectrum(rng, s)
	}
	return m
}

// frobenius is the Frobenius norm, for numbers of any scale.
func frobenius(a matrix) float64 {
	var norm float64
	for i := range a.Rows {
		for _, x := range a.Row(i) {
			norm = math.Hypot(norm, x)
		}
	}
	return norm
}

// spectralNorm is the 2-norm, by power iteration on XᵀX.
func spectralNorm(x matrix) float64 {
	if x.Rows == 0 {
		return 0
	}
	v, w := make([]float64, x.Cols), make([]float64, x.Rows)
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	norm := 0.0
	for range 60 {
		length := 0.0
		for _, y := range v {
			length = math.Hypot(length, y)
		}
		if length == 0 {
			return 0
		}
		for i := range w {
			w[i] = 0
			for j, y := range x.Row(i) {
				w[i] += y * v[j] / length
			}
		}
		norm = 0
		clear(v)
		for i, y := range w {
			norm = math.Hypot(norm, y)
			for j, z := range x.Row(i) {
				v[j] += z * y
			}
		}
	}
	return norm
}

// bound is what residual and orthogonality must stay below.
func bound(n int) float64 { return 20 * 0x1p-52 * math.Sqrt(float64(n)) }

// checkEigh holds the definition: A·v = λ·v, VᵀV = I, values ascend. The norm of A
// is its largest eigenvalue in absolute value.
func checkEigh(t *testing.T, a, v matrix, values []float64) {
	t.Helper()
	n := a.Rows
	require.True(t, slices.IsSorted(values))
	largest := 0.0
	for i := range n {
		largest = max(largest, math.Abs(values[i]))
	}
	scale := 1 / powerOfTwo(largest)
	residual, gram := kernel.NewMatrix[float64](n, n), kernel.NewMatrix[float64](n, n)
	scaled := kernel.NewMatrix[float64](n, n)
	for i := range n {
		for j, x := range v.Row(i) {
			residual.Row(i)[j] = -x * (values[i] * scale)
			scaled.Row(i)[j] = a.At(i, j) * scale
		}
		gram.Row(i)[i] = -1
	}
	kernel.GemmNN(2, v, scaled, residual)
	kernel.GemmNT(2, v, v, gram)
	if largest > 0 {
		// ‖A‖₂ cannot be below the largest entry; a lost eigenvalue shows here.
		require.GreaterOrEqual(t, largest*(1+bound(n))*math.Sqrt(float64(n)), frobenius(a), "the largest eigenvalue is too small")
		rounding := math.SmallestNonzeroFloat64 / largest // of denormal eigenvalues
		require.LessOrEqual(t, spectralNorm(residual)/(largest*scale), bound(n)+rounding, "residual")
	} else {
		require.Zero(t, frobenius(a))
	}
	require.LessOrEqual(t, spectralNorm(gram), bound(n), "orthogonality")
}

func clone(a matrix) matrix {
	b := kernel.NewMatrix[float64](a.Rows, a.Cols)
	for i := range a.Rows {
		copy(b.Row(i), a.Row(i))
	}
	return b
}

// lowerOf returns a matrix with the lower triangle of a and NaN everywhere else,
// between the rows too: nothing else is to be read.
func lowerOf(a matrix) matrix {
	m := strided(rand.New(rand.NewPCG(1, 1)), a.Rows, a.Cols)
	for i := range m.Data {
		m.Data[i] = math.NaN()
	}
	for i := range a.Rows {
		copy(m.Row(i)[:i+1], a.Row(i))
	}
	return m
}

func TestEighByDefinition(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 5, 8, 9, 31, 32, 33, 64, 65, 100, 127, 128, 129, 257, 600} {
		for name, a := range hardMatrices(n) {
			t.Run(fmt.Sprintf("%d/%s", n, name), func(t *testing.T) {
				v, values := lowerOf(a), make([]float64, n)
				require.NoError(t, Eigh(2, v, values))
				checkEigh(t, a, v, values)
				for _, gap := range gapsOf(v) {
					require.True(t, math.IsNaN(gap))
				}
				m, alone := lowerOf(a), make([]float64, n)
				require.NoError(t, EighValues(2, m, alone))
				for i := range values {
					largest := max(values[n-1], -values[0])
					require.InDelta(t, values[i], alone[i], largest*bound(n)+math.SmallestNonzeroFloat64)
				}
			})
		}
	}
}

// TestEighInBlocks has the algorithm for large matrices take small ones, down to
// sizes of no more than one block.
func TestEighInBlocks(t *testing.T) {
	for _, n := range []int{1, 2, 7, 8, 33, 40, 66, 100, 128} {
		for name, a := range hardMatrices(n) {
			t.Run(fmt.Sprintf("%d/%s", n, name), func(t *testing.T) {
				largest, err := largestOfLower(a)
				require.NoError(t, err)
				scale := powerOfTwo(largest)
				v, values := lowerOf(a), make([]float64, n)
				require.NoError(t, eighLarge(2, v, values, 1/scale, n))
				require.NoError(t, unscale(values, values, scale))
				checkEigh(t, a, v, values)
			})
		}
	}
}

// TestEighLargest: fewer eigenvectors are those of all.
func TestEighLargest(t *testing.T) {
	for _, n := range []int{0, 1, 2, 30, 130, 300} {
		rng := rand.New(rand.NewPCG(11, uint64(n)))
		a := symmetric(n, func(int, int) float64 { return rng.NormFloat64() })
		all, values := clone(a), make([]float64, n)
		require.NoError(t, Eigh(2, all, values))
		for _, k := range []int{0, 1, 7, 280, n} {
			if k > n {
				continue
			}
			some, largest := clone(a), make([]float64, n)
			require.NoError(t, EighLargest(3, some, largest, k))
			require.Equal(t, values, largest)
			for i := n - k; i < n; i++ {
				require.Equal(t, all.Row(i), some.Row(i), "%d of %d", k, n)
			}
		}
	}
	require.Panics(t, func() { _ = EighLargest(1, symmetric(3, func(int, int) float64 { return 1 }), make([]float64, 3), 4) })
}

func TestEighRefuses(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		a := symmetric(5, func(i, j int) float64 { return float64(i - j) })
		a.Row(3)[1] = bad
		before := fmt.Sprint(a.Data)
		require.ErrorIs(t, Eigh(1, a, make([]float64, 5)), ErrNotFinite)
		require.ErrorIs(t, EighValues(1, a, make([]float64, 5)), ErrNotFinite)
		require.Equal(t, before, fmt.Sprint(a.Data))
	}
	huge := symmetric(2, func(_, _ int) float64 { return math.MaxFloat64 })
	require.ErrorIs(t, EighValues(1, huge, make([]float64, 2)), ErrRange)
	require.ErrorIs(t, Eigh(1, huge, make([]float64, 2)), ErrRange)
	require.Panics(t, func() { _ = Eigh(1, huge, make([]float64, 1)) })
	require.Panics(t, func() { _ = EighValues(1, kernel.NewMatrix[float64](2, 3), make([]float64, 2)) })
}

// TestEighFindsTheValues compares with spectra that are known and with gonum.
func TestEighFindsTheValues(t *testing.T) {
	const n = 90
	rng := rand.New(rand.NewPCG(5, 5))
	for name, want := range spectra(rng, n) {
		a := withSpectrum(rng, want)
		slices.Sort(want)
		var oracle mat.EigenSym
		require.True(t, oracle.Factorize(mat.NewSymDense(n, slices.Clone(a.Data)), false))
		values := make([]float64, n)
		require.NoError(t, Eigh(1, a, values))
		require.InDeltaSlice(t, want, values, 20*bound(n), name)
		require.InDeltaSlice(t, oracle.Values(nil), values, bound(n)*3, name)
	}
}
