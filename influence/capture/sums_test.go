package capture

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/internal/kernel"
)

// summable is the manifest of tests at level factors, without the embedding.
func summable(dtype string) Manifest {
	m := aManifest()
	m.Level, m.Dtype = Factors, dtype
	m.Modules, m.InputGroups = m.Modules[1:], m.InputGroups[1:]
	return m
}

// TestSumsAreThoseOfRows: loops over the rows of a capture of level rows, from one shard and from
// several, without the example that is not finite, in each type.
func TestSumsAreThoseOfRows(t *testing.T) {
	const n = 200
	spoilt := func(first, n int64) Batch {
		b := aBatch(first, n)
		if first <= 9 && 9 < first+n {
			b.OutputGradients["conv"].F64[18*(9-first)] = math.Inf(1)
		}
		return b
	}
	for dtype, tolerance := range map[string]float64{"F64": 1e-14, "F32": 5e-6, "BF16": 5e-6, "F16": 5e-6} {
		m := summable(dtype)
		rows := m
		rows.Level = Rows
		from := t.TempDir()
		w, err := Create(from, rows, WriterOptions{})
		require.NoError(t, err)
		require.NoError(t, w.Write(spoilt(0, n)))
		require.NoError(t, w.Close())
		whole := opened(t, from)
		for _, limit := range []int64{0, 1} {
			dir := t.TempDir()
			w, err := Create(dir, m, WriterOptions{ShardBytes: limit})
			require.NoError(t, err)
			for at := int64(0); at < n; at += 8 {
				require.NoError(t, w.Write(spoilt(at, 8)))
			}
			require.NoError(t, w.Close())
			c := opened(t, dir)
			if limit == 1 {
				require.Greater(t, len(c.Manifest().Shards), 1)
			}
			keys, err := c.Flagged(t.Context())
			require.NoError(t, err)
			require.Equal(t, []int64{991}, keys)
			problems, err := Verify(t.Context(), dir, Options{})
			require.NoError(t, err)
			require.Empty(t, problems)
			eachBlock(t, whole, n, nil, func(b *Block) {
				requireSumsOf(t, c, b, tolerance)
				for _, x := range m.Modules {
					count, err := c.SummedRows(x.InputGroup)
					require.NoError(t, err)
					starts := b.Starts(x.RowSet)
					require.EqualValues(t, starts[n]-(starts[10]-starts[9]), count)
				}
			})
		}
	}
}

// requireSumsOf compares all sums of a capture with loops over the rows of all its examples.
func requireSumsOf(t *testing.T, c *Capture, b *Block, tolerance float64) {
	t.Helper()
	for _, x := range c.Manifest().Modules {
		a, err := Inputs(b, x.InputGroup, true, new([]float64))
		require.NoError(t, err)
		g, err := OutputGradients(b, x.Name, new([]float64))
		require.NoError(t, err)
		sum, err := c.InputSum(x.InputGroup)
		require.NoError(t, err)
		requireSum(t, b, b.Starts(x.RowSet), a, sum, tolerance)
		sum, err = c.OutputSum(x.Name)
		require.NoError(t, err)
		requireSum(t, b, b.Starts(x.RowSet), g, sum, tolerance)
	}
}

// requireSum compares with the sum of the outer products of the rows of examples that are
// not flagged.
func requireSum(t *testing.T, b *Block, starts []int, rows kernel.Matrix[float64], got kernel.Matrix[float64], tolerance float64) {
	t.Helper()
	want := kernel.NewMatrix[float64](rows.Cols, rows.Cols)
	for n := range b.Examples {
		for r := starts[n]; r < starts[n+1] && !b.Flagged[n]; r++ {
			for i, v := range rows.Row(r) {
				for j, w := range rows.Row(r) {
					want.Row(i)[j] += float64(v * w)
				}
			}
		}
	}
	require.Equal(t, want.Rows, got.Rows)
	require.LessOrEqual(t, furthest(want.Data, got.Data), tolerance)
}

// TestKilledSumsContinue: whenever a writer stops, the next one gives the same files, in
// batches of another size.
func TestKilledSumsContinue(t *testing.T) {
	const n = 300
	whole := t.TempDir()
	write(t, whole, summable("F32"), WriterOptions{ShardBytes: 1}, n, n)
	want := shardFiles(t, whole)
	require.Greater(t, len(want), 2)
	for stop := int64(0); stop < n; stop += 41 {
		dir := t.TempDir()
		w, err := Create(dir, summable("F32"), WriterOptions{ShardBytes: 1})
		require.NoError(t, err)
		require.NoError(t, w.Write(aBatch(0, stop)))
		write(t, dir, summable("F32"), WriterOptions{ShardBytes: 1}, n, 3)
		require.Equal(t, want, shardFiles(t, dir))
	}
}

// TestSumsThatAreNone are refused, and named by infl verify.
func TestSumsThatAreNone(t *testing.T) {
	for want, spoil := range map[string]func(m *Manifest){
		`modules[0] "table": an embedding has no covariances`: func(m *Manifest) { *m = aManifest(); m.Level = Factors },
		`out is 33554432; level factors goes to 16777216`:     func(m *Manifest) { m.Modules[0].Out = 1 << 25 },
		`input_groups[0] "q": is that of no module`:           func(m *Manifest) { m.Modules = m.Modules[2:] },
	} {
		m := summable("F32")
		spoil(&m)
		_, err := Create(t.TempDir(), m, WriterOptions{})
		require.ErrorContains(t, err, want)
	}
	for want, spoil := range map[string]func(path string){
		"S/out holds NaN in row 0, column 0; it is no sum of outer products": func(path string) { overwrite(t, path, "S/out", 0, math.Float64bits(math.NaN())) },
		"S/out holds -1 in row 1, column 1":                                  func(path string) { overwrite(t, path, "S/out", words+1, math.Float64bits(-1)) },
		"A/q holds 7 in row 1, column 0":                                     func(path string) { overwrite(t, path, "A/q", width+1, math.Float64bits(7)) },
	} {
		dir := t.TempDir()
		write(t, dir, summable("F32"), WriterOptions{}, 5, 5)
		spoil(filepath.Join(dir, shardName(0)))
		problems, err := Verify(t.Context(), dir, Options{})
		require.NoError(t, err)
		require.Len(t, problems, 2, "the checksum too")
		require.Contains(t, problems[1], want)
	}
	dir := t.TempDir()
	write(t, dir, summable("F32"), WriterOptions{}, 5, 5)
	overwrite(t, filepath.Join(dir, shardName(0)), "A/q", (width+1)*(width+1)-1, math.Float64bits(1.5))
	c := opened(t, dir)
	_, err := c.InputSum("q")
	require.ErrorContains(t, err, "A/q counts 1.5 rows")
	_, err = c.OutputSum("table")
	require.ErrorContains(t, err, `holds no sum "S/table"; the manifest says`)
}
