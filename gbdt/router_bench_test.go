package gbdt

import (
	"math"
	"math/rand/v2"
	"testing"
)

// leafWise grows a tree of the given number of leaves by splitting a random
// leaf, as unbalanced as LightGBM's.
func leafWise(rng *rand.Rand, leaves, features int) Tree {
	t := Tree{LeafValue: make([]float64, leaves)}
	slots := []*int32{nil}
	t.Left, t.Right = make([]int32, leaves-1), make([]int32, leaves-1)
	for i := range int32(leaves - 1) {
		t.Feature = append(t.Feature, int32(rng.IntN(features)))
		t.Threshold = append(t.Threshold, rng.NormFloat64())
		t.Rules = append(t.Rules, NaNMissing)
		j := rng.IntN(len(slots))
		if slots[j] != nil {
			*slots[j] = i
		}
		slots[j] = &t.Left[i]
		slots = append(slots, &t.Right[i])
	}
	for l, s := range slots {
		*s = ^int32(l)
	}
	return t
}

func BenchmarkRoute(b *testing.B) {
	const rows, features, trees = 4096, 30, 100
	rng := rand.New(rand.NewPCG(1, 2))
	f := &Forest{K: 1, Features: make([]Feature, features)}
	for range trees {
		f.Trees = append(f.Trees, leafWise(rng, 31, features))
	}
	x := make([][]float64, features)
	for i := range x {
		x[i] = make([]float64, rows)
		for j := range x[i] {
			x[i][j] = rng.NormFloat64()
			if rng.IntN(50) == 0 {
				x[i][j] = math.NaN()
			}
		}
	}
	r := newRouter(f)
	for b.Loop() {
		r.route(x, rows, func(int, int, []uint32) {})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows/trees, "ns/walk")
}
