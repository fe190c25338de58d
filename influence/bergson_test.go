package influence_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// TestProjectBergson: each number is the double sum over the layer's gradient.
func TestProjectBergson(t *testing.T) {
	const out, in, size, n = 5, 7, 3, 6
	draws := map[string]func(string, kernel.BergsonScale, kernel.Matrix[float32]){
		"3:bergson": kernel.Bergson[float32], "3:bergson-normal": kernel.BergsonNormal,
	}
	for kind, draw := range draws {
		bias := kind == "3:bergson"
		cols := in
		if bias {
			cols++
		}
		table := randomTable(1, n, out*cols)
		p, err := influence.ParseProjection(kind, 9)
		require.NoError(t, err)
		layer := influence.LayerShape{Name: "h.0.attn", Out: out, Bias: bias}
		v, err := influence.ProjectBergson(table.in(t, dataset.Float16), layer, p, 2)
		require.NoError(t, err)
		require.Equal(t, size*size, v.Cols())
		got, err := influence.ReadVectors(t.Context(), v)
		require.NoError(t, err)
		left, right := kernel.NewMatrix[float32](size, out), kernel.NewMatrix[float32](size, in)
		draw("h.0.attn/left", kernel.BergsonJL, left)
		draw("h.0.attn/right", kernel.BergsonJL, right)
		for i, row := range table.rows {
			for a := range size {
				for b := range size {
					want := 0.0
					for o := range out {
						for c := range in {
							want += float64(left.Row(a)[o]) * row[o*cols+c] * float64(right.Row(b)[c])
						}
					}
					require.InDelta(t, want, got[(i*size+a)*size+b], 1e-5*math.Max(1, math.Abs(want)))
				}
			}
		}
	}
}

func TestProjectBergsonRefuses(t *testing.T) {
	v := randomTable(1, 2, 12).in(t, dataset.Float32)
	p := influence.Projection{Kind: "bergson", Size: 2}
	for _, layer := range []influence.LayerShape{{Out: 5}, {}, {Out: -3}, {Out: 12, Bias: true}} {
		_, err := influence.ProjectBergson(v, layer, p, 1)
		require.ErrorContains(t, err, "are no gradients of layer")
	}
	_, err := influence.ProjectBergson(v, influence.LayerShape{Out: 3}, influence.Projection{Kind: "srht", Size: 2}, 1)
	require.ErrorContains(t, err, "to be projected by srht")
	_, err = influence.Project(v, p, 1)
	require.ErrorContains(t, err, "bergson projects the gradients of layers of known shape")
	_, err = influence.ParseProjection("5000:bergson", 0)
	require.ErrorContains(t, err, "a projection to 5000 × 5000 numbers")
}
