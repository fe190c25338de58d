package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// A gemmForm is one of the three products, and how its factors lie.
type gemmForm[F Float] struct {
	name        string
	left, right bool // transposed
	run         func(workers int, a, b, c Matrix[F])
}

func gemmForms[F Float]() []gemmForm[F] {
	return []gemmForm[F]{
		{"NN", false, false, GemmNN[F]},
		{"NT", false, true, GemmNT[F]},
		{"TN", true, false, GemmTN[F]},
	}
}

// strided returns a guarded rows × cols matrix with gap numbers between rows
// that must not change.
func strided[F Float](rng *rand.Rand, rows, cols, gap, shift int, draw func(*rand.Rand, int) []F) (*guarded[F], Matrix[F]) {
	const canary = -12345.5
	data := draw(rng, max(0, rows*(cols+gap)-gap))
	for i := range data {
		if i%(cols+gap) >= cols {
			data[i] = canary
		}
	}
	g := guard(data, shift, canary)
	return g, Matrix[F]{Data: g.slice(), Rows: rows, Cols: cols, Stride: cols + gap}
}

// gapsUnchanged fails where a number between the rows was written.
func gapsUnchanged[F Float](t *testing.T, g *guarded[F], m Matrix[F]) {
	t.Helper()
	g.unharmed(t, "C")
	for i, v := range g.slice() {
		if i%m.Stride >= m.Cols && v != g.canary {
			require.Failf(t, "written between rows", "element %d", i)
		}
	}
}

// checkGemm compares a product with the definition, bit for bit, on every path.
func checkGemm[F Float](t *testing.T, form gemmForm[F], m, n, k, gap, shift, workers int, draw func(*rand.Rand, int) []F) {
	t.Helper()
	onEachPath(t, func(t *testing.T) []F {
		rng := rand.New(rand.NewPCG(uint64(m*1000+n), uint64(k)))
		shape := func(transposed bool, rows, cols int) (*guarded[F], Matrix[F]) {
			if transposed {
				rows, cols = cols, rows
			}
			return strided(rng, rows, cols, gap, shift, draw)
		}
		ga, a := shape(form.left, m, k)
		gb, b := shape(form.right, k, n)
		gc, c := strided(rng, m, n, gap, shift, draw)
		form.run(workers, a, b, c)
		ga.unchanged(t, "A")
		gb.unchanged(t, "B")
		gapsUnchanged(t, gc, c)
		at := func(x Matrix[F], transposed bool, i, j int) F {
			if transposed {
				i, j = j, i
			}
			return x.At(i, j)
		}
		for i := range m {
			for j := range n {
				want := gc.kept[i*c.Stride+j]
				for l := range k {
					want = fma(at(a, form.left, i, l), at(b, form.right, l, j), want)
				}
				if bits(want) != bits(c.At(i, j)) {
					require.Failf(t, "other bits", "C[%d, %d] of %d × %d is %v, the chain over %d gives %v", i, j, m, n, c.At(i, j), k, want)
				}
			}
		}
		return gc.slice()
	})
}

func testGemm[F Float](t *testing.T) {
	for _, form := range gemmForms[F]() {
		t.Run(form.name, func(t *testing.T) {
			for _, m := range ladder(32) {
				for _, n := range []int{0, 1, 5, 8, 15, 16, 31, 33, 70} {
					for _, k := range []int{0, 1, 2, 7, 9, 24} {
						checkGemm(t, form, m, n, k, n%3, k%3, 1, normal[F])
						checkGemm(t, form, n, m, k, m%2*5, 1, 2, extreme[F])
					}
				}
			}
		})
	}
}

func TestGemm(t *testing.T) {
	t.Run("float32", testGemm[float32])
	t.Run("float64", testGemm[float64])
}

func TestGemmRefusesWhatDoesNotFit(t *testing.T) {
	m := NewMatrix[float32]
	require.Panics(t, func() { GemmNN(1, m(2, 3), m(4, 2), m(2, 2)) })
	require.Panics(t, func() { GemmNT(1, m(2, 3), m(4, 3), m(2, 3)) })
	require.Panics(t, func() { GemmTN(1, m(3, 2), m(3, 2), m(3, 2)) })
	require.Panics(t, func() { GemmNN(1, Matrix[float32]{Rows: 2, Cols: 2, Stride: 2}, m(2, 2), m(2, 2)) })
	require.Panics(t, func() {
		GemmNN(1, Matrix[float32]{Data: make([]float32, 9), Rows: 2, Cols: 2, Stride: 1}, m(2, 2), m(2, 2))
	})
}

// TestFMA32 compares with exact arithmetic; big.Float has no NaN or infinity.
func TestFMA32(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, y, z := extreme[float32](rng, 300_000), extreme[float32](rng, 300_000), extreme[float32](rng, 300_000)
	for i := range x {
		if i%2 == 0 { // sums close to a product, so that few bits are left
			z[i] = -float32(float64(x[i])*float64(y[i])) * (1 + float32(rng.IntN(3)-1)*0x1p-23)
		}
		if i%5 == 0 { // an addend far below a product of few bits: halfway cases
			x[i], y[i], z[i] = float32(1+rng.IntN(1<<13)), float32(1+rng.IntN(1<<13)), float32(math.Ldexp(float64(1+rng.IntN(3)), -60))
			if rng.IntN(2) == 0 {
				z[i] = -z[i]
			}
		}
		got := fma32(x[i], y[i], z[i])
		finite := !math.IsInf(float64(x[i]), 0) && !math.IsInf(float64(y[i]), 0) && !math.IsInf(float64(z[i]), 0)
		if !finite || x[i] != x[i] || y[i] != y[i] || z[i] != z[i] {
			require.Equal(t, bits(float32(float64(x[i])*float64(y[i])+float64(z[i]))), bits(got))
			continue
		}
		exact := new(big.Float).SetPrec(1000)
		exact.SetPrec(1000).Mul(new(big.Float).SetPrec(1000).SetFloat64(float64(x[i])), new(big.Float).SetPrec(1000).SetFloat64(float64(y[i])))
		exact.Add(exact, new(big.Float).SetPrec(1000).SetFloat64(float64(z[i])))
		want, _ := exact.Float32()
		if want == 0 {
			require.Zero(t, got, "%v·%v + %v", x[i], y[i], z[i])
			continue
		}
		require.Equal(t, want, got, "%v·%v + %v", x[i], y[i], z[i])
	}
}

func TestForBlocksRaisesPanicsInTheCaller(t *testing.T) {
	for _, workers := range []int{1, 3} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			require.PanicsWithValue(t, "boom", func() {
				forBlocks(workers, 10, func(_, b int) {
					if b == 3 {
						panic("boom")
					}
				})
			})
		})
	}
}
