package lint

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// arrows says which packages of the module a package may import. A package that
// is not named here has no place yet: give it one.
var arrows = map[string][]string{
	"internal/kernel":         {},
	"internal/kernel/dense":   {"internal/kernel", "internal/parallel"},
	"internal/parallel":       {"internal/kernel"},
	"internal/blas":           {"internal/kernel"},
	"internal/draw":           {},
	"internal/durable":        {},
	"internal/goldentest":     {},
	"internal/lint":           {},
	"internal/oracle":         {},
	"influence/dataset":       {"internal/kernel", "internal/parallel"},
	"influence":               {"influence/dataset", "internal/kernel", "internal/kernel/dense", "internal/parallel"},
	"influence/sink":          {"influence", "influence/dataset", "internal/durable", "internal/kernel", "internal/parallel"},
	"influence/capture":       {"influence", "influence/dataset", "internal/durable", "internal/kernel", "internal/parallel"},
	"influence/model":         {"influence", "influence/capture", "influence/dataset", "internal/durable", "internal/kernel", "internal/kernel/dense", "internal/parallel"},
	"influence/evaluate":      {"internal/draw"},
	"influence/retrain":       {"influence/dataset", "influence/model", "internal/durable", "internal/parallel"},
	"influence/store":         {"influence", "influence/dataset", "influence/evaluate", "internal/durable", "internal/kernel"},
	"influence/influencetest": {"influence", "influence/dataset", "influence/sink", "internal/kernel", "internal/parallel"},
	"ekfac":                   {"influence", "influence/capture", "influence/dataset", "internal/durable", "internal/kernel", "internal/kernel/dense", "internal/parallel"},
	"gbdt":                    {"influence", "influence/dataset", "internal/kernel", "internal/parallel"},
	"gbdt/lightgbm":           {"gbdt", "influence"},
	"internal/app": {
		"internal/app/report",
		"influence", "influence/capture", "influence/dataset", "influence/evaluate", "influence/model", "influence/retrain", "influence/sink", "influence/store", "ekfac", "gbdt", "gbdt/lightgbm", "internal/blas", "internal/draw", "internal/kernel", "internal/kernel/dense", "internal/parallel",
	},
	"internal/app/report": {"influence", "influence/dataset", "influence/sink", "gbdt"},
	"cmd/infl": {
		"internal/app", "influence", "influence/dataset", "influence/sink", "gbdt", "gbdt/lightgbm", "internal/parallel",
	},
	"examples/trainingloop": {"influence", "influence/capture", "influence/dataset", "influence/sink"},
	"bench/rates":           {"internal/kernel", "internal/parallel"},
	"bench/scan":            {"internal/kernel"},
	"bench": {
		"influence", "influence/capture", "influence/dataset", "influence/sink", "influence/store", "ekfac", "gbdt", "gbdt/lightgbm", "internal/kernel", "internal/kernel/dense", "internal/parallel",
	},
}

// testSupport are packages for tests: nothing but tests may import them.
var testSupport = []string{"internal/goldentest", "influence/influencetest"}

func TestArrowsPointDown(t *testing.T) {
	seen := 0
	for path, p := range list(t) {
		from, ours := room(path)
		if !ours {
			continue
		}
		seen++
		allowed, known := arrows[from]
		if !assert.True(t, known, "%s has no place among the arrows", from) {
			continue
		}
		for _, to := range p.Imports {
			to, ours := room(to)
			if !ours {
				continue
			}
			assert.Contains(t, allowed, to, "%s must not import %s", from, to)
			assert.NotContains(t, testSupport, to, "%s imports %s, which is for tests", from, to)
		}
	}
	require.Greater(t, seen, 5)
}

func TestKernelNeedsNothing(t *testing.T) {
	packages := list(t)
	ours := []string{module + "/internal/kernel", module + "/internal/parallel", module + "/internal/kernel/dense"}
	for _, name := range ours {
		kernel, ok := packages[name]
		require.True(t, ok)
		for _, path := range kernel.Deps {
			if path != "golang.org/x/sys/cpu" && !slices.Contains(ours, path) {
				assert.True(t, packages[path].Standard, "%s depends on %s", name, path)
			}
		}
	}
}

// TestReleaseLoadsNoLibraries: only builds with the tag blas do.
func TestReleaseLoadsNoLibraries(t *testing.T) {
	for path := range list(t) {
		assert.False(t, under(path, "github.com/ebitengine/purego"), "%s is part of a build without tags", path)
	}
}

// TestTalkStaysInApp holds terminals, HTTP and flags away from the library.
func TestTalkStaysInApp(t *testing.T) {
	talk := []string{"net/http", "html/template", "golang.org/x/term", "github.com/spf13/cobra", "github.com/spf13/pflag", "flag", "log", "log/slog"}
	for path, p := range list(t) {
		from, ours := room(path)
		if !ours || under(from, "internal/app") || under(from, "cmd") {
			continue
		}
		for _, to := range p.Imports {
			assert.NotContains(t, talk, to, "%s", from)
		}
	}
}

func TestPackageNamesSayWhatIsInside(t *testing.T) {
	for path := range list(t) {
		if from, ours := room(path); ours {
			name := from[strings.LastIndex(from, "/")+1:]
			assert.False(t, slices.Contains([]string{"util", "utils", "common", "helpers", "base", "misc"}, name), "%s", from)
		}
	}
}
