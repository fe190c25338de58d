package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// A gemmForm is one of the three products, and how its factors lie.
type gemmForm[F Float] struct {
	name                    string
	leftTurned, rightTurned bool // A is k × m, B is n × k
	run                     func(workers int, a, b, c Matrix[F])
	left, right             func(*Matrix[F]) side[F]
}

func gemmForms[F Float]() []gemmForm[F] {
	return []gemmForm[F]{
		{"NN", false, false, GemmNN[F], rowsOf[F], colsOf[F]},
		{"NT", false, true, GemmNT[F], rowsOf[F], rowsOf[F]},
		{"TN", true, false, GemmTN[F], colsOf[F], colsOf[F]},
	}
}

// A gemmCase is an input of a product, guarded and with gaps between its rows,
// and what the definition makes of it.
type gemmCase[F Float] struct {
	form             gemmForm[F]
	a, b, c          *guarded[F]
	left, right, sum Matrix[F]
	want             []F
}

const gapCanary = -12345.5

// strided returns a guarded rows × cols matrix with gap canaries between rows.
func strided[F Float](rng *rand.Rand, rows, cols, gap, shift int, draw func(*rand.Rand, int) []F) (*guarded[F], Matrix[F]) {
	data := draw(rng, max(0, rows*(cols+gap)-gap))
	for i := range data {
		if i%(cols+gap) >= cols {
			data[i] = gapCanary
		}
	}
	g := guard(data, shift, gapCanary)
	return g, Matrix[F]{Data: g.slice(), Rows: rows, Cols: cols, Stride: cols + gap}
}

func newGemmCase[F Float](form gemmForm[F], m, n, k, gap, shift int, draw func(*rand.Rand, int) []F) *gemmCase[F] {
	rng := rand.New(rand.NewPCG(uint64(m*1000+n), uint64(k)))
	x := &gemmCase[F]{form: form}
	turn := func(turned bool, rows, cols int) (*guarded[F], Matrix[F]) {
		if turned {
			rows, cols = cols, rows
		}
		return strided(rng, rows, cols, gap, shift, draw)
	}
	x.a, x.left = turn(form.leftTurned, m, k)
	x.b, x.right = turn(form.rightTurned, k, n)
	x.c, x.sum = strided(rng, m, n, gap, shift, draw)
	at := func(x Matrix[F], turned bool, i, j int) F {
		if turned {
			i, j = j, i
		}
		return x.At(i, j)
	}
	x.want = append(x.want, x.c.kept...)
	for i := range m {
		for j := range n {
			c := &x.want[i*x.sum.Stride+j]
			for l := range k {
				*c = fma(at(x.left, form.leftTurned, i, l), at(x.right, form.rightTurned, l, j), *c)
			}
		}
	}
	return x
}

// check runs a product on a fresh C and compares all of it, gaps too.
func (x *gemmCase[F]) check(t *testing.T, what string, run func()) {
	t.Helper()
	copy(x.c.slice(), x.c.kept)
	run()
	x.a.unchanged(t, "A")
	x.b.unchanged(t, "B")
	x.c.unharmed(t, "C")
	requireSameBits(t, x.want, x.c.slice(), fmt.Sprintf("%s %s, %d × %d, k %d", what, x.form.name, x.sum.Rows, x.sum.Cols, x.form.left(&x.left).k))
}

// checkGemm compares a product with the definition, bit for bit, on every path,
// for any number of workers, and in each of the ways that it may be computed.
func checkGemm[F Float](t *testing.T, form gemmForm[F], m, n, k, gap, shift int, draw func(*rand.Rand, int) []F) {
	t.Helper()
	x := newGemmCase(form, m, n, k, gap, shift, draw)
	left, right := form.left(&x.left), form.right(&x.right)
	onEachPath(t, func(t *testing.T) []F {
		for _, workers := range []int{1, 3} {
			x.check(t, "product", func() { form.run(workers, x.left, x.right, x.sum) })
		}
		if m*n*k > 0 {
			g := kernelsOf[F]()
			x.check(t, "unpacked", func() { g.addUnpacked(&left, &right, &x.sum) })
			x.check(t, "packed", func() { g.addPacked(2, left, right, x.sum, slabNumbers) })
			x.check(t, "packed in slabs", func() { g.addPacked(2, left, right, x.sum, 64*g.depth) })
		}
		return x.c.slice()
	})
}

func testGemm[F Float](t *testing.T) {
	for _, form := range gemmForms[F]() {
		t.Run(form.name, func(t *testing.T) {
			for _, m := range ladder(32) {
				for _, n := range []int{0, 1, 5, 8, 15, 16, 31, 33, 70} {
					for _, k := range []int{0, 1, 2, 7, 9, 24} {
						checkGemm(t, form, m, n, k, n%3, k%3, normal[F])
						checkGemm(t, form, n, m, k, m%2*5, 1, extreme[F])
					}
				}
			}
			// Beyond one block in each direction.
			checkGemm(t, form, 470, 37, 33, 1, 1, normal[F])
			checkGemm(t, form, 31, 300, 19, 3, 0, normal[F])
			checkGemm(t, form, 29, 67, 1601, 0, 3, normal[F])
		})
	}
}

func TestGemm(t *testing.T) {
	t.Run("float32", testGemm[float32])
	t.Run("float64", testGemm[float64])
}

// TestGemmBesideGonum bounds the difference by the rounding of both: k roundings
// of the sum of magnitudes each.
func TestGemmBesideGonum(t *testing.T) {
	const m, n, k = 150, 170, 130
	rng := rand.New(rand.NewPCG(1, 1))
	a, b := MatrixOf(normal[float64](rng, m*k), m, k), MatrixOf(normal[float64](rng, n*k), n, k)
	got, want := NewMatrix[float64](m, n), NewMatrix[float64](m, n)
	GemmNT(2, a, b, got)
	gonum.Implementation{}.Dgemm(blas.NoTrans, blas.Trans, m, n, k, 1, a.Data, k, b.Data, k, 0, want.Data, n)
	for i := range m {
		for j := range n {
			size := 0.0
			for l := range k {
				size += math.Abs(a.At(i, l) * b.At(j, l))
			}
			require.InDelta(t, want.At(i, j), got.At(i, j), 2*k*0x1p-53*size)
		}
	}
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
