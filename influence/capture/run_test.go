package capture

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// writeSides writes train and query of a checkpoint.
func writeSides(t *testing.T, dir string, change func(side string, m *Manifest)) {
	t.Helper()
	for _, side := range []string{"train", "query"} {
		m := aManifest()
		m.Split, m.Model.Fingerprint = side, "abc"
		change(side, &m)
		write(t, filepath.Join(dir, side), m, WriterOptions{}, 4, 4)
	}
}

func TestRunRefusesSidesOfDifferentModels(t *testing.T) {
	for want, change := range map[string]func(m *Manifest){
		"the fingerprint def, ":                        func(m *Manifest) { m.Model.Fingerprint = "def" },
		"the fingerprint (none), ":                     func(m *Manifest) { m.Model.Fingerprint = "" },
		"the checkpoint 9 (step 0, model abc), ":       func(m *Manifest) { m.Checkpoint.ID = "9" },
		"(step 3, model abc), ":                        func(m *Manifest) { m.Checkpoint.Step = 3 },
		`module "q" is linear 3 → 4 with bias, in_out`: func(m *Manifest) { m.Modules[1].WeightLayout = "in_out" },
		`has "k2" as module 2, `:                       func(m *Manifest) { m.Modules[2].Name = "k2" },
	} {
		train, query := &Capture{dir: "train", manifest: aManifest()}, &Capture{dir: "query", manifest: aManifest()}
		train.manifest.Model.Fingerprint, query.manifest.Model.Fingerprint = "abc", "abc"
		require.NoError(t, SameModel(train, query))
		change(&query.manifest)
		require.ErrorContains(t, SameModel(train, query), "query: ")
		require.ErrorContains(t, SameModel(train, query), want)
	}
	train, query := &Capture{dir: "train", manifest: aManifest()}, &Capture{dir: "query", manifest: aManifest()}
	query.manifest.Modules = query.manifest.Modules[:4]
	require.EqualError(t, SameModel(train, query), "query: has 4 modules, train 5")
	query.manifest.Level = Grads
	require.EqualError(t, SameModel(train, query), "query: has the level grads, train rows")

	dir := t.TempDir()
	writeSides(t, dir, func(side string, m *Manifest) { m.Model.Fingerprint = side + " weights" })
	_, err := OpenRun(dir, Options{})
	require.ErrorContains(t, err, "comes from a model with the fingerprint query weights, ")
	require.ErrorContains(t, err, " from one with train weights")
}

func TestRunOfCheckpoints(t *testing.T) {
	dir := t.TempDir()
	for _, id := range []string{"a", "b"} {
		writeSides(t, filepath.Join(dir, id), func(_ string, m *Manifest) { m.Checkpoint.ID = id })
	}
	text := `{"format":"infl-run","version":1,"checkpoints":[{"id":"a","dir":"a","lr":0.5},{"id":"b","dir":"b","lr":0.25,"weight":0.125}]}`
	run := filepath.Join(dir, runName)
	require.False(t, IsCapture(dir))
	require.NoError(t, os.WriteFile(run, []byte(text), 0o666))
	require.True(t, IsCapture(dir))
	r, err := OpenRun(dir, Options{})
	require.NoError(t, err)
	require.Len(t, r.Checkpoints, 2)
	require.Equal(t, Checkpoint{ID: "b", LearningRate: 0.25, Weight: 0.125}, r.Checkpoints[1].Checkpoint)
	require.NoError(t, r.Close())

	one, err := OpenRun(filepath.Join(dir, "b", "query"), Options{})
	require.NoError(t, err)
	require.Nil(t, one.Checkpoints[0].Train)
	require.Equal(t, Checkpoint{ID: "b"}, one.Checkpoints[0].Checkpoint)
	require.NoError(t, one.Close())

	for _, x := range []struct{ from, to, want string }{
		{`"infl-run"`, `"run"`, `run.json: format is "run"`},
		{`"version":1`, `"version":3`, "run.json: version is 3"},
		{`"dir":"b"`, `"dir":"../b"`, "run.json: checkpoints[1] lies outside of its folder"},
		{`"lr":0.5`, `"lr":-0.5`, "run.json: checkpoints[0]: checkpoint.lr is -0.5"},
		{`"dir":"b"`, `"dir":"c"`, "is not a capture"},
		{`{"format"`, `"format"`, "run.json: is not understood"},
	} {
		require.NoError(t, os.WriteFile(run, []byte(text), 0o666))
		edit(t, run, x.from, x.to)
		_, err := OpenRun(dir, Options{})
		require.ErrorContains(t, err, x.want)
	}
	require.NoError(t, os.WriteFile(run, []byte(text), 0o666))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "b", "query")))
	_, err = OpenRun(dir, Options{})
	require.ErrorContains(t, err, "has no counterpart at another checkpoint")
	m := aManifest()
	m.Split, m.Model.Fingerprint, m.Checkpoint.ID = "query", "abc", "b"
	write(t, filepath.Join(dir, "b", "query"), m, WriterOptions{}, 3, 3)
	_, err = OpenRun(dir, Options{})
	require.ErrorContains(t, err, "has other keys, or in another order, than")
}
