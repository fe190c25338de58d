package kernel

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// plainProducts is a substitute of loops that can do float32 only.
type plainProducts struct{ calls int }

func (p *plainProducts) Gemm32(transposeA, transposeB bool, a, b, c Matrix[float32]) error {
	p.calls++
	at := func(m Matrix[float32], transpose bool, i, j int) float32 {
		if transpose {
			return m.At(j, i)
		}
		return m.At(i, j)
	}
	k := a.Cols
	if transposeA {
		k = a.Rows
	}
	for i := range c.Rows {
		for j := range c.Cols {
			for l := range k {
				c.Row(i)[j] += at(a, transposeA, i, l) * at(b, transposeB, l, j)
			}
		}
	}
	return nil
}

func (p *plainProducts) Gemm64(bool, bool, Matrix[float64], Matrix[float64], Matrix[float64]) error {
	p.calls++
	return errors.New("float32 only")
}

func TestSubstitute(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const m, n, k = 110, 105, 100 // worth packing
	require.Greater(t, m*n*k, smallProduct)
	p := &plainProducts{}
	defer UseSubstitute(nil)
	for _, gemm := range []func(int, Matrix[float32], Matrix[float32], Matrix[float32]){
		func(workers int, a, b, c Matrix[float32]) {
			GemmNN(workers, a.Block(0, 0, m, k), b.Block(0, 0, k, n), c)
		},
		func(workers int, a, b, c Matrix[float32]) {
			GemmNT(workers, a.Block(0, 0, m, k), b.Block(0, 0, n, k), c)
		},
		func(workers int, a, b, c Matrix[float32]) {
			GemmTN(workers, a.Block(0, 0, k, m), b.Block(0, 0, k, n), c)
		},
	} {
		a, b := MatrixOf(normal[float32](rng, 120*120), 120, 120), MatrixOf(normal[float32](rng, 120*120), 120, 120)
		want, got := NewMatrix[float32](m, n), NewMatrix[float32](m, n)
		UseSubstitute(nil)
		gemm(2, a, b, want)
		UseSubstitute(p)
		gemm(2, a, b, got)
		for i, w := range want.Data {
			require.InDelta(t, w, got.Data[i], 1e-3)
		}
	}
	require.Equal(t, 3, p.calls)
	x := MatrixOf(normal[float64](rng, 120*120), 120, 120)
	want, got := NewMatrix[float64](120, 120), NewMatrix[float64](120, 120)
	GemmNN(1, x, x, got)
	require.Equal(t, 4, p.calls)
	UseSubstitute(nil)
	GemmNN(1, x, x, want)
	requireSameBits(t, want.Data, got.Data, "what a substitute refuses")
}
