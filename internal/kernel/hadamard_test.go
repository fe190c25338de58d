package kernel

import (
	"fmt"
	"math"
	mathbits "math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// hadamardSizes are projections on either side of what vector forms take.
var hadamardSizes = []int{1, 2, 8, 32, 64, 128, 256, 512}

// projectByDefinition is 1/√D · Σ_c E_c·H·D_c·x_c, entry by entry.
func projectByDefinition(h Hadamard, x []float32) []float64 {
	out := make([]float64, h.size)
	for j, value := range x {
		chunk, k := j/h.size, j%h.size
		signed := float64(value)
		if h.signs.at(uint64(j/64))>>(j%64)&1 == 1 {
			signed = -signed
		}
		row := int(h.shifts.at(uint64(chunk)) & uint64(h.size-1))
		for i := range out {
			if mathbits.OnesCount(uint(i&row))%2 == mathbits.OnesCount(uint(i&k))%2 {
				out[i] += signed
			} else {
				out[i] -= signed
			}
		}
	}
	for i := range out {
		out[i] /= math.Sqrt(float64(h.size))
	}
	return out
}

func TestHadamardIsItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range hadamardSizes {
		for _, d := range []int{1, size - 1, size, size + 1, 3*size + 7, 19 * size} {
			h := NewHadamard(rng.Uint64(), size)
			x, out := MatrixOf(normal[float32](rng, d), 1, d), NewMatrix[float32](1, size)
			h.Project(1, x, out)
			want, largest := projectByDefinition(h, x.Data), 0.0
			for _, v := range want {
				largest = max(largest, math.Abs(v))
			}
			for i, v := range want {
				require.InDelta(t, v, out.Data[i], 1e-6*largest+1e-30, "%d to %d, entry %d", d, size, i)
			}
		}
	}
}

func TestHadamardOnEachPath(t *testing.T) {
	const canary = -12345.678
	for name, draw := range map[string]func(*rand.Rand, int) []float32{"normal": normal[float32], "extreme": extreme[float32]} {
		for _, size := range append(hadamardSizes, 1024, 8192) {
			for _, d := range []int{0, 1, 63, 64, 65, size - 1, size, size + 1, 2*size + 129, 18*size + 33} {
				for shift := range 2 {
					t.Run(fmt.Sprintf("%s/%dto%d/%d", name, d, size, shift), func(t *testing.T) {
						onEachPath(t, func(t *testing.T) []float32 {
							rng := rand.New(rand.NewPCG(uint64(size), uint64(d)))
							x, out := guard(draw(rng, 2*d), shift, canary), guard(make([]float32, 2*size), shift, canary)
							NewHadamard(9, size).Project(2, MatrixOf(x.slice(), 2, d), MatrixOf(out.slice(), 2, size))
							x.unchanged(t, "x")
							out.unharmed(t, "out")
							return out.slice()
						})
					})
				}
			}
		}
	}
}

// Workers, the cutting into pieces and the vectors beside one do not change bits.
func TestHadamardInPieces(t *testing.T) {
	const size, n = 128, 3
	const d = 40*size + 17
	rng := rand.New(rand.NewPCG(3, 4))
	h, x := NewHadamard(5, size), MatrixOf(normal[float32](rng, n*d), n, d)
	want := NewMatrix[float32](n, size)
	h.Project(1, x, want)
	sum := h.Sum(n)
	for round := range 20 {
		got := NewMatrix[float32](n, size)
		for at := 0; at < d; {
			m := min(1+rng.IntN(1+rng.IntN(d)), d-at)
			sum.Add(1+round%5, int64(at), x.Block(0, at, n, m))
			at += m
		}
		sum.Finish(1+round%4, got)
		requireSameBits(t, want.Data, got.Data, "in pieces")
	}
	for v := range n {
		alone := NewMatrix[float32](1, size)
		h.Project(7, x.Block(v, 0, 1, d), alone)
		requireSameBits(t, want.Row(v), alone.Data, "alone")
	}
}

// A piece may lie anywhere in a vector longer than memory.
func TestHadamardFarPiece(t *testing.T) {
	const size, offset = 64, int64(1)<<40 + 5
	h := NewHadamard(1, size)
	x := MatrixOf(normal[float32](rand.New(rand.NewPCG(1, 1)), 500), 1, 500)
	out := NewMatrix[float32](1, size)
	sum := h.Sum(1)
	sum.Add(2, offset, x)
	sum.Finish(1, out)
	want := make([]float64, size)
	for j, value := range x.Data {
		at := uint64(offset) + uint64(j)
		if h.signs.at(at/64)>>(at%64)&1 == 1 {
			value = -value
		}
		want[(at^h.shifts.at(at/size))%size] += float64(value)
	}
	// The transform is an isometry, so it is enough to look at the length.
	a, b := 0.0, 0.0
	for i, w := range want {
		a, b = a+w*w, b+float64(out.Data[i])*float64(out.Data[i])
	}
	require.InEpsilon(t, a, b, 1e-5)
}

// vectorsByKind are pairs of vectors on which a projection may fail: like all
// numbers, a few large ones, and all weight in places a multiple of size apart.
func vectorsByKind(rng *rand.Rand, d, size int) map[string][2][]float32 {
	dense := [2][]float32{normal[float32](rng, d), normal[float32](rng, d)}
	spiky, column := [2][]float32{}, [2][]float32{}
	for v := range dense {
		spiky[v], column[v] = make([]float32, d), make([]float32, d)
		for i := range d {
			spiky[v][i] = float32(rng.NormFloat64() * math.Exp(3*rng.NormFloat64()))
			if i%size == 5 {
				column[v][i] = float32(rng.NormFloat64())
			}
		}
	}
	return map[string][2][]float32{"dense": dense, "spiky": spiky, "column": column}
}

// projectionErrors returns the root mean square over many seeds of
// (⟨Px, Py⟩ − ⟨x, y⟩) · √size / √(‖x‖²·‖y‖² + ⟨x, y⟩²), which is 1 for a matrix of
// independent signs, and the mean in units of its standard error.
func projectionErrors(x, y []float32, size, seeds int, project func(seed uint64, x, out Matrix[float32])) (rms, bias float64) {
	dot := func(a, b []float32) (s float64) {
		for i := range a {
			s += float64(a[i]) * float64(b[i])
		}
		return s
	}
	exact := dot(x, y)
	unit := math.Sqrt((dot(x, x)*dot(y, y) + exact*exact) / float64(size))
	both, out := MatrixOf(append(append([]float32(nil), x...), y...), 2, len(x)), NewMatrix[float32](2, size)
	sum, squares := 0.0, 0.0
	for seed := range seeds {
		project(uint64(seed), both, out)
		e := (dot(out.Row(0), out.Row(1)) - exact) / unit
		sum, squares = sum+e, squares+e*e
	}
	return math.Sqrt(squares / float64(seeds)), sum / math.Sqrt(squares)
}

func TestHadamardKeepsInnerProducts(t *testing.T) {
	const size, seeds = 64, 1000
	const d = 100 * size
	for kind, v := range vectorsByKind(rand.New(rand.NewPCG(7, 8)), d, size) {
		rms, bias := projectionErrors(v[0], v[1], size, seeds, func(seed uint64, x, out Matrix[float32]) {
			NewHadamard(seed, size).Project(1, x, out)
		})
		t.Logf("%s: error · √D = %.3f, mean %.1f standard errors", kind, rms, bias)
		require.Less(t, rms, 1.12, kind)
		require.Less(t, math.Abs(bias), 4.0, kind)
		if kind != "spiky" { // where a chunk's own products are kept, errors are smaller
			require.Greater(t, rms, 0.88, kind)
		}
	}
}

func TestHadamardOfOneChunkIsAnIsometry(t *testing.T) {
	const size = 256
	rng := rand.New(rand.NewPCG(1, 9))
	rms, _ := projectionErrors(normal[float32](rng, size), normal[float32](rng, size), size, 20, func(seed uint64, x, out Matrix[float32]) {
		NewHadamard(seed, size).Project(1, x, out)
	})
	require.Less(t, rms, 1e-5)
}

func TestHadamardRefusesSizes(t *testing.T) {
	for _, size := range []int{-1, 0, 3, 12, 1 << 25} {
		require.Panics(t, func() { NewHadamard(1, size) }, size)
	}
	h := NewHadamard(1, 4)
	require.Panics(t, func() { h.Project(1, NewMatrix[float32](1, 5), NewMatrix[float32](1, 5)) })
	require.Panics(t, func() { h.Sum(2).Add(1, 0, NewMatrix[float32](1, 5)) })
	require.Panics(t, func() { h.Sum(1).Add(1, -1, NewMatrix[float32](1, 5)) })
}

func BenchmarkTransform(b *testing.B) {
	x := normal[float32](rand.New(rand.NewPCG(1, 1)), 8192)
	b.SetBytes(4 * 8192)
	for b.Loop() {
		transform(x)
		clear(x)
	}
}

func BenchmarkHadamard(b *testing.B) {
	for _, d := range []int{1e5, 1e6, 1e7} {
		b.Run(fmt.Sprint(d), func(b *testing.B) {
			x, out := NewMatrix[float32](1, d), NewMatrix[float32](1, 8192)
			sum := NewHadamard(1, 8192).Sum(1)
			b.SetBytes(4 * int64(d))
			for b.Loop() {
				sum.Add(2, 0, x)
				sum.Finish(2, out)
			}
		})
	}
}
