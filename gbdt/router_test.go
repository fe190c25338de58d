package gbdt

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// stump sends a value to leaf 0 (left) or 1 (right).
func stump(rule Rule, threshold float64, codes ...int) *Forest {
	t := Tree{
		Feature: []int32{0}, Threshold: []float64{threshold}, Rules: []Rule{rule}, Left: []int32{^int32(0)}, Right: []int32{^int32(1)},
		LeafValue: []float64{0, 1},
	}
	if rule&Categorical != 0 {
		bits := make([]uint32, 3)
		for _, c := range codes {
			bits[c/32] |= 1 << (c % 32)
		}
		t.CatSet, t.CatBounds, t.CatBits = []int32{0}, []int32{0, 3}, bits
	}
	return &Forest{K: 1, Trees: []Tree{t}, Features: []Feature{{Name: "x"}}}
}

func routed(f *Forest, x ...float64) []uint32 {
	out := make([]uint32, len(x))
	newRouter(f).route([][]float64{x}, len(x), func(_, lo int, leaves []uint32) { copy(out[lo:], leaves) })
	return out
}

// The table states LightGBM's rules; 0 is left, 1 is right.
func TestRules(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	zero := float64(float32(1e-35))
	for _, c := range []struct {
		name      string
		rule      Rule
		threshold float64
		x         float64
		want      uint32
	}{
		{"below", 0, 1, 0.5, 0},
		{"equal goes left", 0, 1, 1, 0},
		{"next float64 goes right", 0, 1, math.Nextafter(1, 2), 1},
		{"-inf", 0, 1, -inf, 0},
		{"+inf", 0, 1, inf, 1},
		{"+inf under an infinite threshold", NaNMissing, inf, inf, 0},
		{"NaN without missing type is 0", 0, 0.5, nan, 0},
		{"NaN without missing type is 0, right", 0, -0.5, nan, 1},
		{"default direction is not used without missing type", DefaultLeft, -0.5, nan, 1},
		{"NaN is missing, right", NaNMissing, 5, nan, 1},
		{"NaN is missing, left", NaNMissing | DefaultLeft, -5, nan, 0},
		{"zero is no missing value", NaNMissing, 5, 0, 0},
		{"zero is missing, right", ZeroMissing, 5, 0, 1},
		{"zero is missing, left", ZeroMissing | DefaultLeft, -5, 0, 0},
		{"minus zero", ZeroMissing, 5, math.Copysign(0, -1), 1},
		{"NaN is missing where zero is", ZeroMissing | DefaultLeft, -5, nan, 0},
		{"the bound counts as zero", ZeroMissing, 5, zero, 1},
		{"above the bound", ZeroMissing, 5, math.Nextafter(zero, 1), 0},
		{"a denormal number is zero", 0, 0, 5e-324, 0},
		{"just under zero is zero", 0, -1e-40, -2e-40, 1},
	} {
		require.Equal(t, []uint32{c.want}, routed(stump(c.rule, c.threshold), c.x), c.name)
	}
}

func TestCategoricalRules(t *testing.T) {
	f := stump(Categorical|NaNMissing, 0, 0, 3, 40)
	in := []float64{0, 3, 40, 3.9, -0.5}
	out := []float64{1, 2, 39, 41, 95, 96, 1e9, 1e300, math.Inf(1), math.Inf(-1), math.NaN(), -1, -40}
	for _, x := range in {
		require.Equal(t, []uint32{0}, routed(f, x), "%v is in the set", x)
	}
	for _, x := range out {
		require.Equal(t, []uint32{1}, routed(f, x), "%v is not in the set", x)
	}
}

// Whole trees against a walk by the plain rules, over more rows than a tile.
func TestRouteAgainstPlainWalk(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	f := &Forest{K: 1}
	for range features {
		f.Features = append(f.Features, Feature{})
	}
	for range 20 {
		f.Trees = append(f.Trees, grow(rng))
	}
	f.Trees = append(f.Trees, Tree{LeafValue: []float64{1}})
	const rows = 3*tileRows + 17
	x := make([][]float64, features)
	for i := range x {
		x[i] = make([]float64, rows)
		for j := range x[i] {
			x[i][j] = []float64{rng.NormFloat64(), math.NaN(), 0, math.Round(rng.NormFloat64()*4) / 8}[rng.IntN(4)]
		}
	}
	seen := 0
	newRouter(f).route(x, rows, func(u, lo int, leaves []uint32) {
		for i, l := range leaves {
			row := make([]float64, features)
			for k := range row {
				row[k] = x[k][lo+i]
			}
			want := uint32(0)
			if f.Trees[u].Leaves() > 1 {
				want = leafOf(&f.Trees[u], row)
			}
			require.Equal(t, want, l)
			seen++
		}
	})
	require.Equal(t, rows*len(f.Trees), seen)
}

func TestLeafIndexKeepsEveryWidth(t *testing.T) {
	for _, width := range []int{1, 2, 4} {
		for _, spill := range []bool{false, true} {
			dir := t.TempDir()
			x, err := newLeafIndex(3, width, spill, dir)
			require.NoError(t, err)
			limit := uint32(1)<<(8*width-1) - 1
			at := func(u, row int) uint32 { return uint32(row*7+u) % limit }
			for _, m := range []int{blockRows, blockRows, 123} {
				b := x.newBlock(m)
				first := int(x.rows)
				for u := range 3 {
					leaves := make([]uint32, m)
					for i := range leaves {
						leaves[i] = at(u, first+i)
					}
					b.put(u, 0, leaves[:50])
					b.put(u, 50, leaves[50:])
				}
				require.NoError(t, x.append(b))
			}
			if runtime.GOOS != "windows" {
				require.Empty(t, mustReadDir(t, dir), "a kill leaves nothing")
			}
			r := x.reader()
			for _, block := range []int{2, 0, 1} {
				require.NoError(t, r.load(block))
				for u := range 3 {
					got := make([]uint32, x.blockLen(block)-20)
					r.leaves(u, 20, got)
					for i, l := range got {
						require.Equal(t, at(u, block*blockRows+20+i), l)
					}
				}
			}
			require.NoError(t, x.close())
			require.NoError(t, x.close())
			entries := mustReadDir(t, dir)
			require.Empty(t, entries, "the scratch file is removed")
		}
	}
}
