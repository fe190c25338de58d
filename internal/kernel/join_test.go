package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The join is checked against its definition: a triple loop.
func TestJoin(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, perRow := range []int{1, 3} {
		for _, shape := range [][3]int{{1, 1, 1}, {5, 2, 4}, {70, 33, 7}, {3, 0, 2}, {0, 4, 2}} {
			rows, queries, leaves := shape[0], shape[1], shape[2]
			entries := queries * perRow
			p := NewPanel[float32](entries)
			got, want := make([]float32, rows*entries), make([]float32, rows*entries)
			for u := range 9 {
				leafQ, value := make([]uint32, queries), make([]float64, entries)
				for i := range leafQ {
					leafQ[i] = uint32(rng.IntN(leaves))
				}
				for e := range value {
					if rng.IntN(5) > 0 {
						value[e] = rng.NormFloat64()
					}
				}
				p.AddTree(leaves, perRow, leafQ, value)
				leaf, a := make([]uint32, rows), make([]float32, rows)
				for i := range leaf {
					leaf[i], a[i] = uint32(rng.IntN(leaves)), rng.Float32()
				}
				p.Join(u, leaf, a, got)
				for i := range rows {
					for e := range entries {
						if leaf[i] == leafQ[e/perRow] {
							want[i*entries+e] += float32(a[i] * float32(value[e]))
						}
					}
				}
			}
			require.Equal(t, want, got)
		}
	}
}

func BenchmarkJoin(b *testing.B) {
	const rows, queries, leaves = 64, 1000, 31
	rng := rand.New(rand.NewPCG(1, 1))
	p := NewPanel[float32](queries)
	leafQ, value := make([]uint32, queries), make([]float64, queries)
	for i := range leafQ {
		leafQ[i], value[i] = uint32(rng.IntN(leaves)), rng.NormFloat64()
	}
	p.AddTree(leaves, 1, leafQ, value)
	leaf, a, s := make([]uint32, rows), make([]float32, rows), make([]float32, rows*queries)
	for i := range leaf {
		leaf[i], a[i] = uint32(rng.IntN(leaves)), rng.Float32()
	}
	for b.Loop() {
		p.Join(0, leaf, a, s)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows/queries, "ns/triple")
}
