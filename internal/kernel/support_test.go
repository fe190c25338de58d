package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// onEachPath runs f on every path that this CPU and build have. Kernels must
// give the same bits on all of them; got is compared between the paths.
func onEachPath[T any](t *testing.T, f func(t *testing.T) []T) {
	t.Helper()
	old := path
	defer func() { path = old }()
	path = Generic
	want := f(t)
	for path = AVX2; path <= best(); path++ {
		requireSameBits(t, want, f(t), path.String())
	}
}

// requireSameBits compares numbers by their bits; two NaN are equal.
func requireSameBits[T any](t *testing.T, want, got []T, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	for i := range want {
		if bits(want[i]) != bits(got[i]) {
			require.Failf(t, "other bits", "%s: element %d is %v, plain Go has %v", what, i, got[i], want[i])
		}
	}
}

func bits(x any) any {
	switch x := x.(type) {
	case float64:
		if x != x {
			return "NaN"
		}
		return math.Float64bits(x)
	case float32:
		if x != x {
			return "NaN"
		}
		return math.Float32bits(x)
	}
	return x
}

// ladder returns 0, 1 and the sizes around every power of two up to most.
func ladder(most int) []int {
	sizes := []int{0, 1}
	for p := 2; p <= most; p *= 2 {
		for _, n := range []int{p - 1, p, p + 1} {
			if n > sizes[len(sizes)-1] {
				sizes = append(sizes, n)
			}
		}
	}
	return sizes
}

// A guarded slice lies between canaries, at an address that is shift elements
// off the alignment of its memory.
type guarded[T comparable] struct {
	all    []T
	lo, n  int
	canary T
	kept   []T // a copy, for inputs that must not change
}

const margin = 40

// guard copies x into a guarded slice.
func guard[T comparable](x []T, shift int, canary T) *guarded[T] {
	g := &guarded[T]{all: make([]T, len(x)+2*margin+shift), lo: margin + shift, n: len(x), canary: canary}
	for i := range g.all {
		g.all[i] = canary
	}
	copy(g.all[g.lo:], x)
	g.kept = append(g.kept, x...)
	return g
}

// slice returns what is guarded, without room behind it.
func (g *guarded[T]) slice() []T { return g.all[g.lo : g.lo+g.n : g.lo+g.n] }

// unharmed fails where something was written outside of the slice.
func (g *guarded[T]) unharmed(t *testing.T, what string) {
	t.Helper()
	for i, v := range g.all {
		if (i < g.lo || i >= g.lo+g.n) && v != g.canary {
			require.Failf(t, "written outside", "%s: element %d of %d is %v", what, i-g.lo, g.n, v)
		}
	}
}

// unchanged fails where the slice itself is not as it was.
func (g *guarded[T]) unchanged(t *testing.T, what string) {
	t.Helper()
	g.unharmed(t, what)
	requireSameBits(t, g.kept, g.slice(), what+": a read-only input")
}

// normal returns n normal numbers.
func normal[F Float](rng *rand.Rand, n int) []F {
	x := make([]F, n)
	for i := range x {
		x[i] = F(rng.NormFloat64())
	}
	return x
}

// extreme returns n numbers that like zeros, denormals, infinities, NaN and the
// ends of the range.
func extreme[F Float](rng *rand.Rand, n int) []F {
	const tiny32, huge32 = math.SmallestNonzeroFloat32, math.MaxFloat32
	some := []float64{0, math.Copysign(0, -1), 1, -1, tiny32, -3 * tiny32, 1e-38, huge32, -huge32, 1e19, 1e-19, math.Inf(1), math.Inf(-1), math.NaN()}
	x := make([]F, n)
	for i := range x {
		if rng.IntN(2) == 0 {
			x[i] = F(some[rng.IntN(len(some))])
		} else {
			x[i] = F(math.Ldexp(rng.NormFloat64(), rng.IntN(60)-30))
		}
	}
	return x
}
