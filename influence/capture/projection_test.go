package capture

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/dataset"
)

// projections are of each kind, to more and to fewer numbers than modules have.
var projections = []influence.Projection{
	{Kind: "srht", Size: 8, Seed: 5}, {Kind: "rademacher", Size: 11, Seed: 6}, {Kind: "gaussian", Size: 13, Seed: 1 << 63},
	{Kind: "bergson", Size: 2}, {Kind: "bergson-normal", Size: 3},
}

// projectable is the manifest of tests; without its embedding where p cannot project one.
func projectable(p *influence.Projection) Manifest {
	m := aManifest()
	m.Dtype = "F32"
	if p.OfLayers() {
		m.Modules = m.Modules[1:]
	}
	return m
}

// TestProjectedCapturesAreProjectionsOfRows: each module by a seed of its own, from any
// number of shards, and after a kill.
func TestProjectedCapturesAreProjectionsOfRows(t *testing.T) {
	const n = 12
	for _, p := range projections {
		t.Run(p.Kind, func(t *testing.T) {
			rows, dir := t.TempDir(), t.TempDir()
			m := projectable(&p)
			write(t, rows, m, WriterOptions{}, n, n)
			from := opened(t, rows)
			m.Level, m.Projection = Projected, &p
			writeGradients(t, dir, m, from, 7, false)
			writeGradients(t, dir, m, from, n, true)
			c := opened(t, dir)
			require.Greater(t, len(c.Manifest().Shards), 1)
			eachProjection(t, c, from, func(x Module, want, got influence.Vectors) {
				require.Equal(t, want.Cols(), got.Cols(), x.Name)
				require.Zero(t, got.(*Gradients).RowsEach())
				require.Equal(t, numbers(t, want), numbers(t, got), x.Name)
			})
			problems, err := Verify(t.Context(), dir, Options{})
			require.NoError(t, err)
			require.Empty(t, problems)
		})
	}
}

// eachProjection calls use for what the projection of a capture makes of each module's
// gradients in a capture of rows, and for what the capture has.
func eachProjection(t *testing.T, c, rows *Capture, use func(x Module, made, read influence.Vectors)) {
	t.Helper()
	p := *c.Manifest().Projection
	for _, x := range c.Manifest().Modules {
		g, err := rows.Gradients(x.Name, dataset.Float32, 1)
		require.NoError(t, err)
		made, err := influence.ProjectLayer(g, influence.LayerShape{Name: x.Name, Out: int(x.Out), Bias: x.Bias}, p, 1)
		require.NoError(t, err)
		read, err := c.Gradients(x.Name, dataset.Float32, 1)
		require.NoError(t, err)
		use(x, made, read)
		p.Seed++
	}
}

// writeGradients writes the gradients of a capture up to an example, from where an earlier
// writer ended.
func writeGradients(t *testing.T, dir string, m Manifest, from *Capture, end int64, closes bool) {
	t.Helper()
	w, err := Create(dir, m, WriterOptions{ShardBytes: 600})
	require.NoError(t, err)
	for b, err := range from.Blocks(t.Context(), w.Finished(), end, BlockOptions{Examples: 5}) {
		require.NoError(t, err)
		batch := Batch{IDs: b.IDs, Loss: b.Loss, Gradients: map[string]Values{}}
		for _, x := range m.Modules {
			g, err := ExampleGradients(1, b, x.Name, new([]float32))
			require.NoError(t, err)
			batch.Gradients[x.Name] = Values{F32: g.Data}
		}
		require.NoError(t, w.Write(batch))
	}
	if closes {
		require.NoError(t, w.Close())
	}
}

// numbers reads vectors.
func numbers(t *testing.T, v influence.Vectors) []float64 {
	t.Helper()
	x, err := influence.ReadVectors(t.Context(), v)
	require.NoError(t, err)
	return x
}

// TestProjectionsThatAreNone are refused by the field that is wrong, and batches without
// whole gradients.
func TestProjectionsThatAreNone(t *testing.T) {
	srht := influence.Projection{Kind: "srht", Size: 4}
	for want, spoil := range map[string]func(m *Manifest){
		`projection is for level projected; level is "grads"`: func(m *Manifest) { m.Level = Grads },
		"projection is missing":                               func(m *Manifest) { m.Projection = nil },
		"projection: a projection to 3 numbers by srht":       func(m *Manifest) { m.Projection = &influence.Projection{Kind: "srht", Size: 3} },
		`modules[0] "table": an embedding is not projected by bergson`: func(m *Manifest) {
			m.Projection = &influence.Projection{Kind: "bergson", Size: 2}
		},
	} {
		m := aManifest()
		m.Level, m.Projection = Projected, &srht
		spoil(&m)
		_, err := Create(t.TempDir(), m, WriterOptions{})
		require.ErrorContains(t, err, want)
	}
	m := NewManifest("train", NewLinear("head", 2, 3, true))
	m.Level, m.Projection = Projected, &srht
	dir := t.TempDir()
	w, err := Create(dir, m, WriterOptions{ShardBytes: 1})
	require.NoError(t, err)
	batch := Batch{IDs: []int64{1, 2}, Loss: []float64{0, 0}}
	for _, g := range []Values{{F32: make([]float32, 17)}, {Half: make([]uint16, 18)}, {}} {
		batch.Gradients = map[string]Values{"head": g}
		require.ErrorContains(t, w.Write(batch), `the gradients of "head" are not 18 numbers, F32 or F64, for 2 examples`)
	}
	batch.Gradients["head"] = Values{F64: append(make([]float64, 17), math.NaN())}
	require.NoError(t, w.Write(batch))
	other := m
	other.Projection = &influence.Projection{Kind: "srht", Size: 4, Seed: 1}
	_, err = Create(dir, other, WriterOptions{})
	require.ErrorContains(t, err, "was written with another manifest")
	require.NoError(t, w.Close())
	c := opened(t, dir)
	keys, err := c.Flagged(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int64{2}, keys)
	g, err := c.Gradients("head", dataset.Float32, 1)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(numbers(t, g)[4:]), "NaN")
}
