package capture

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence"
)

// lastLayer is the manifest of a last layer of two inputs and three classes.
func lastLayer() Manifest {
	m := NewManifest("train", NewLinear("head", 2, 3, true))
	m.Level, m.Head = LastLayer, &Head{Logits: true, Labels: true}
	return m
}

// headBatch is examples first … first+n−1 of that layer.
func headBatch(first, n int) Batch {
	b := Batch{Inputs: map[string]Values{}, OutputGradients: map[string]Values{}}
	numbers := func(each int, at float32) Values {
		var v Values
		for i := first * each; i < (first+n)*each; i++ {
			v.F32 = append(v.F32, at+float32(i))
		}
		return v
	}
	b.Inputs["head"], b.OutputGradients["head"], b.Logits = numbers(2, 0), numbers(3, 100), numbers(3, 200)
	for i := first; i < first+n; i++ {
		b.IDs, b.Loss, b.Labels = append(b.IDs, int64(70+i)), append(b.Loss, 0.5), append(b.Labels, int64(i%3))
	}
	return b
}

// TestLastLayersComeBack from several shards, also when the writer was killed between.
func TestLastLayersComeBack(t *testing.T) {
	dir := t.TempDir()
	killed, err := Create(dir, lastLayer(), WriterOptions{ShardBytes: 200})
	require.NoError(t, err)
	require.NoError(t, killed.Write(headBatch(0, 5)))
	w, err := Create(dir, lastLayer(), WriterOptions{ShardBytes: 200})
	require.NoError(t, err)
	require.EqualValues(t, 3, w.Finished())
	require.NoError(t, w.Write(headBatch(3, 5)))
	require.NoError(t, w.Close())
	c, whole := opened(t, dir), headBatch(0, 8)
	require.Len(t, c.Manifest().Shards, 3)
	require.Equal(t, whole.Labels, c.Labels())
	for _, x := range []struct {
		of   influence.Vectors
		want Values
	}{{c.Logits(), whole.Logits}, {c.InputRows("head"), whole.Inputs["head"]}, {c.OutputRows("head"), whole.OutputGradients["head"]}} {
		got, err := influence.ReadVectors(t.Context(), x.of)
		require.NoError(t, err)
		require.Equal(t, doubled(x.want.F32), got)
	}
	problems, err := Verify(t.Context(), dir, Options{})
	require.NoError(t, err)
	require.Empty(t, problems)

	overwrite(t, filepath.Join(dir, shardName(1)), "labels", 1, 3)
	_, err = Open(dir, Options{})
	require.ErrorContains(t, err, "00001.safetensors: labels: the example with the key 74 has the class 3; there are 3")
}

func doubled(x []float32) []float64 {
	out := make([]float64, len(x))
	copyAs(out, x)
	return out
}

// TestLastLayersThatAreNone are refused by the field that is wrong.
func TestLastLayersThatAreNone(t *testing.T) {
	for want, spoil := range map[string]func(m *Manifest){
		`head is for level last_layer; level is "rows"`: func(m *Manifest) { m.Level = Rows },
		"modules has 2 entries": func(m *Manifest) {
			*m = NewManifest("train", m.Modules[0], NewLinear("tail", 3, 1, false))
			m.Level = LastLayer
		},
		`kind is "embedding"; a last layer is linear`: func(m *Manifest) {
			x := NewLinear("t", 4, 2, false)
			x.Kind = Embedding
			*m = NewManifest("train", x)
			m.Level = LastLayer
		},
		`row_set "ex" is not of one row for each example`: func(m *Manifest) { m.RowSets["ex"] = Ragged },
	} {
		m := lastLayer()
		spoil(&m)
		_, err := Create(t.TempDir(), m, WriterOptions{})
		require.ErrorContains(t, err, want)
	}
	w, err := Create(t.TempDir(), lastLayer(), WriterOptions{})
	require.NoError(t, err)
	for want, spoil := range map[string]func(b *Batch){
		"a batch of 2 keys has 1 labels":                 func(b *Batch) { b.Labels = b.Labels[:1] },
		"the example with the key 71 has the class -1":   func(b *Batch) { b.Labels[1] = -1 },
		`"z/head" holds 0 numbers, not 6 for 2 examples`: func(b *Batch) { b.Logits = Values{} },
		`"g/head" holds 0 numbers, not 6 for 2 examples`: func(b *Batch) { b.OutputGradients = nil },
	} {
		b := headBatch(0, 2)
		spoil(&b)
		require.ErrorContains(t, w.Write(b), want)
	}
}

// TestLogitsThatAreNotFinite flag their example; nobody gets logits then.
func TestLogitsThatAreNotFinite(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, lastLayer(), WriterOptions{})
	require.NoError(t, err)
	b := headBatch(0, 3)
	b.Logits.F32[4] = float32(math.Inf(1))
	require.NoError(t, w.Write(b))
	require.NoError(t, w.Close())
	c := opened(t, dir)
	keys, err := c.Flagged(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int64{71}, keys)
	require.Nil(t, c.Logits())
	require.Equal(t, []int64{0, 1, 2}, c.Labels())

	m := lastLayer()
	m.Head = nil
	dir = t.TempDir()
	w, err = Create(dir, m, WriterOptions{})
	require.NoError(t, err)
	require.NoError(t, w.Write(headBatch(0, 3)))
	require.NoError(t, w.Close())
	c = opened(t, dir)
	require.Nil(t, c.Logits())
	require.Nil(t, c.Labels())
}
