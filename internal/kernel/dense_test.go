package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// denseKinds are the projections with independent entries.
var denseKinds = map[string]func(seed uint64, size int) Dense{"rademacher": NewRademacher, "gaussian": NewGaussian}

// An entry is the same from whatever block it is read.
func TestDenseEntries(t *testing.T) {
	for name, kind := range denseKinds {
		p := kind(4, 9)
		whole := NewMatrix[float32](9, 300)
		p.Entries(0, 0, whole)
		for _, at := range [][4]int{{0, 0, 9, 300}, {3, 1, 2, 63}, {8, 64, 1, 64}, {2, 127, 5, 129}, {0, 299, 9, 1}, {4, 5, 0, 9}} {
			block := NewMatrix[float32](at[2], at[3])
			p.Entries(at[0], int64(at[1]), block)
			for i := range at[2] {
				requireSameBits(t, whole.Row(at[0] + i)[at[1]:at[1]+at[3]], block.Row(i), name)
			}
		}
		far := NewMatrix[float32](1, 2)
		p.Entries(8, 1<<40-2, far) // the last entries of a row, and no others of the matrix
		require.NotEqual(t, whole.Row(0)[:2], far.Row(0))
	}
	for i, x := range []float32{1, -1} {
		// The sign of entry 70 of row 2 is bit 6 of word 1 of that row.
		p := NewRademacher(uint64(i), 1<<4)
		block := NewMatrix[float32](1, 1)
		p.Entries(2, 70, block)
		want := x * x / 4
		if p.stream.at(2<<40+1)>>6&1 == 1 {
			want = -want
		}
		require.Equal(t, want, block.Data[0])
	}
}

// The projection is the chain of fused multiply-adds with those entries, in pieces
// and for any workers.
func TestDenseIsItsDefinition(t *testing.T) {
	const n, d, size = 3, 1100, 200
	for name, kind := range denseKinds {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			p, x := kind(8, size), MatrixOf(normal[float32](rng, n*d), n, d)
			entries, want := NewMatrix[float32](size, d), NewMatrix[float32](n, size)
			p.Entries(0, 0, entries)
			for v := range n {
				for i := range size {
					c := float32(0)
					for j := range d {
						c = fma(x.At(v, j), entries.At(i, j), c)
					}
					want.Row(v)[i] = c
				}
			}
			for workers := 1; workers <= 3; workers++ {
				got := MatrixOf(normal[float32](rng, n*size), n, size)
				p.Project(workers, x, got)
				requireSameBits(t, want.Data, got.Data, "whole")
				clear(got.Data)
				for at := 0; at < d; {
					m := min(1+rng.IntN(600), d-at)
					p.Add(workers, int64(at), x.Block(0, at, n, m), got)
					at += m
				}
				requireSameBits(t, want.Data, got.Data, "in pieces")
			}
		})
	}
}

func TestDenseKeepsInnerProducts(t *testing.T) {
	const size, seeds = 32, 500
	for name, kind := range denseKinds {
		for vectors, v := range vectorsByKind(rand.New(rand.NewPCG(7, 8)), 20*size, size) {
			rms, bias := projectionErrors(v[0], v[1], size, seeds, func(seed uint64, x, out Matrix[float32]) {
				kind(seed, size).Project(1, x, out)
			})
			t.Logf("%s, %s: error · √D = %.3f, mean %.1f standard errors", name, vectors, rms, bias)
			require.Less(t, rms, 1.15)
			require.Less(t, math.Abs(bias), 4.0)
		}
	}
}

// The entries have a normal distribution: their distance from it (Kolmogorov and
// Smirnov) is below that of 99.9 % of samples.
func TestGaussianEntriesAreNormal(t *testing.T) {
	const size, d = 16, 20_000
	x := NewMatrix[float32](size, d)
	NewGaussian(3, size).Entries(0, 0, x)
	slices.Sort(x.Data)
	worst := 0.0
	for i, v := range x.Data {
		p := 0.5 * math.Erfc(-float64(v)*math.Sqrt(size)/math.Sqrt2)
		worst = max(worst, math.Abs(p-float64(i)/float64(len(x.Data))))
	}
	require.Less(t, worst*math.Sqrt(float64(len(x.Data))), 1.95)
}

func TestNormalQuantile(t *testing.T) {
	for _, z := range []float64{0, 1e-8, 0.5, 1, 1.4, 2, 3, 5, 8, 20, 37} {
		p := 0.5 * math.Erfc(z/math.Sqrt2)
		require.InDelta(t, -z, NormalQuantile(p), 4e-15*(1+z), "%g", z)
		if 1-(1-p) == p {
			require.Equal(t, -NormalQuantile(p), NormalQuantile(1-p), "%g", z)
		}
	}
	// Both sides of where the pieces meet.
	for _, p := range []float64{0.075, 1.3887943864964021e-11} {
		a, b := NormalQuantile(math.Nextafter(p, 0)), NormalQuantile(math.Nextafter(p, 1))
		require.InEpsilon(t, a, b, 1e-14)
		require.LessOrEqual(t, a, b+1e-14)
	}
	require.True(t, math.IsInf(NormalQuantile(0), -1))
	require.True(t, math.IsInf(NormalQuantile(1), 1))
	for _, p := range []float64{-1, 2, math.NaN(), math.Inf(1)} {
		require.True(t, math.IsNaN(NormalQuantile(p)), p)
	}
}

func TestDenseRefusesSizes(t *testing.T) {
	for _, kind := range denseKinds {
		require.Panics(t, func() { kind(1, 0) })
		require.Panics(t, func() { kind(1, 1<<24+1) })
		p := kind(1, 4)
		require.Panics(t, func() { p.Entries(3, 0, NewMatrix[float32](2, 2)) })
		require.Panics(t, func() { p.Entries(0, -1, NewMatrix[float32](2, 2)) })
		require.Panics(t, func() { p.Project(1, NewMatrix[float32](1, 5), NewMatrix[float32](1, 5)) })
		require.Panics(t, func() { p.Add(1, -1, NewMatrix[float32](1, 5), NewMatrix[float32](1, 4)) })
	}
}

func BenchmarkDenseEntries(b *testing.B) {
	for name, kind := range denseKinds {
		b.Run(name, func(b *testing.B) {
			p, block := kind(1, 8192), NewMatrix[float32](16, 4096)
			for b.Loop() {
				p.Entries(0, 0, block)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(block.Data)), "ns/entry")
		})
	}
}

// outerByDefinition is L·(Σ_t g_t·a_tᵀ)·Rᵀ for one example, in float64.
func outerByDefinition(l, r, g, a Matrix[float32]) []float64 {
	out := make([]float64, l.Rows*r.Rows)
	for t := range g.Rows {
		for i := range l.Rows {
			for j := range r.Rows {
				lg, ra := 0.0, 0.0
				for k, x := range g.Row(t) {
					lg += float64(l.At(i, k)) * float64(x)
				}
				for k, x := range a.Row(t) {
					ra += float64(r.At(j, k)) * float64(x)
				}
				out[i*r.Rows+j] += lg * ra
			}
		}
	}
	return out
}

// identityRows is the matrix of a projector, found by projecting unit vectors.
func identityRows(p Projector, d int) Matrix[float32] {
	unit, columns, out := NewMatrix[float32](d, d), NewMatrix[float32](d, p.Size()), NewMatrix[float32](p.Size(), d)
	for i := range d {
		unit.Row(i)[i] = 1
	}
	p.Project(1, unit, columns)
	for i := range d {
		for j := range p.Size() {
			out.Row(j)[i] = columns.At(i, j)
		}
	}
	return out
}

func TestProjectOuter(t *testing.T) {
	const o, in, rows = 12, 20, 9
	rng := rand.New(rand.NewPCG(3, 1))
	start := []int{0, 3, 3, 4, 9}
	g, a := MatrixOf(normal[float32](rng, rows*o), rows, o), MatrixOf(normal[float32](rng, rows*in), rows, in)
	for i, pair := range [][2]Projector{
		{NewRademacher(1, 5), NewGaussian(2, 7)},
		{NewHadamard(1, 4), NewHadamard(2, 8)},
		{MatrixProjector{MatrixOf(normal[float32](rng, 3*o), 3, o)}, NewRademacher(2, 6)},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			l, r := identityRows(pair[0], o), identityRows(pair[1], in)
			var first []float32
			for workers := 1; workers <= 3; workers++ {
				out := MatrixOf(normal[float32](rng, 4*l.Rows*r.Rows), 4, l.Rows*r.Rows)
				ProjectOuter(workers, pair[0], pair[1], g, a, start, out)
				for e := range 4 {
					n := start[e+1] - start[e]
					want := outerByDefinition(l, r, g.Block(start[e], 0, n, o), a.Block(start[e], 0, n, in))
					for k, w := range want {
						require.InDelta(t, w, out.Row(e)[k], 1e-4, "example %d", e)
					}
				}
				if workers == 1 {
					first = slices.Clone(out.Data)
				}
				requireSameBits(t, first, out.Data, "workers")
			}
		})
	}
	require.Panics(t, func() {
		ProjectOuter(1, NewHadamard(1, 4), NewHadamard(1, 4), g, a, start, NewMatrix[float32](3, 16))
	})
}
