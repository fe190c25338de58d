package ekfac

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/influence/capture"
)

// TestDamagedFactors changes what a folder says or holds.
func TestDamagedFactors(t *testing.T) {
	c := draw(t, aModel(), 70, 3, 0)
	fitted, err := Fit(t.Context(), c, FitOptions{})
	require.NoError(t, err)
	for _, x := range []struct{ file, old, new, message string }{
		{headName, `"infl-factors"`, `"other"`, `is "other" version 1`},
		{headName, `"version": 1`, `"version": 7`, "version 7; this infl reads"},
		{headName, `"ekfac"`, `"magic"`, `the method "magic", which is not known`},
		{headName, `"in": 7`, `"in": -7`, "its sizes are not possible"},
		{headName, `"out": 5`, `"out": 6`, "has no tensor"},
		{headName, `"name": "k"`, `"name": "q"`, "stands twice"},
		{headName, `"inputs": "q"`, `"inputs": "conv"`, "no module of as many before it"},
		{headName, `{`, `[`, "is not understood"},
		{lambdaMatrix + ".safetensors", `"head"`, `"lead"`, `has no tensor "head" of F64 [3 5]`},
		{inputVectors + ".safetensors", `"F64"`, `"F32"`, "bytes for F32"},
	} {
		dir := filepath.Join(t.TempDir(), "factors")
		require.NoError(t, fitted.Write(t.Context(), dir))
		path := filepath.Join(dir, x.file)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(text), x.old)
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), x.old, x.new, 1)), 0o666))
		_, err = Open(dir)
		require.ErrorContains(t, err, x.message)
		require.NotContains(t, err.Error(), "\n")
	}
}

// TestImpossibleFactors has matrices that are no curvature.
func TestImpossibleFactors(t *testing.T) {
	c := draw(t, aModel(), 70, 3, 0)
	for _, x := range []struct {
		file, key string
		value     float64
		message   string
	}{
		{inputValues, "q", math.NaN(), `module "q": activation_eigenvalues holds NaN`},
		{outputValues, "q", -1, `module "q": gradient_eigenvalues holds -1 beside`},
		{lambdaMatrix, "q", math.Inf(1), `module "q": lambda_matrix holds +Inf`},
		{lambdaMatrix, "q", -1, `module "q": lambda_matrix holds -`},
	} {
		f, err := Fit(t.Context(), c, FitOptions{})
		require.NoError(t, err)
		m, err := f.tensors.matrix(x.file, x.key)
		require.NoError(t, err)
		m.Data[0] = x.value
		_, err = f.Curvature(t.Context(), "q", EKFAC, Exact)
		require.ErrorContains(t, err, x.message)
		checks, err := f.Verify(t.Context(), 1)
		require.NoError(t, err)
		require.NotEmpty(t, checks[0].Problems)
		require.Empty(t, checks[3].Problems)
	}
	f, err := Fit(t.Context(), c, FitOptions{})
	require.NoError(t, err)
	for _, damage := range []struct{ file, message string }{
		{inputCovariance, "is not symmetric"}, {inputVectors, "are not orthogonal"}, {outputValues, "are not eigenvectors"},
	} {
		m, err := f.tensors.matrix(damage.file, "q")
		require.NoError(t, err)
		at := min(1, len(m.Data)-1)
		m.Data[at] += 0.3
		checks, err := f.Verify(t.Context(), 2)
		require.NoError(t, err)
		require.Contains(t, strings.Join(checks[0].Problems, "; "), damage.message)
		m.Data[at] -= 0.3
	}
	_, err = f.Curvature(t.Context(), "other", EKFAC, Exact)
	require.ErrorContains(t, err, `the factors have no module "other"`)
	_, err = f.Curvature(t.Context(), "q", Diagonal, Exact)
	require.ErrorContains(t, err, "the factors were fitted for ekfac, not for diagonal")
}

// TestOfAnotherModel refuses captures that the factors are not of.
func TestOfAnotherModel(t *testing.T) {
	m := aModel()
	m.Model.Fingerprint = "abc"
	f, err := Fit(t.Context(), draw(t, m, 70, 3, 0), FitOptions{})
	require.NoError(t, err)
	require.NoError(t, f.Matches(draw(t, m, 5, 3, 0)))
	for message, change := range map[string]func(*capture.Manifest){
		`a model with the fingerprint "def"`:  func(m *capture.Manifest) { m.Model.Fingerprint = "def" },
		`from the checkpoint "last" (step 9)`: func(m *capture.Manifest) { m.Checkpoint.ID, m.Checkpoint.Step = "last", 9 },
		`has no module "head"`:                func(m *capture.Manifest) { m.Modules[4].Name = "tail" },
		`module "q" is linear 7 → 9`:          func(m *capture.Manifest) { m.Modules[1].Out = 9 },
	} {
		other := aModel()
		other.Model.Fingerprint = "abc"
		change(&other)
		require.ErrorContains(t, f.Matches(draw(t, other, 5, 3, 0)), message)
	}
}
