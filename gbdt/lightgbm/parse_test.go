package lightgbm

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/infl-dev/infl/gbdt"
	"github.com/stretchr/testify/require"
)

// fixture returns the text of a file in testdata.
func fixture(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(text)
}

func parseText(text string) (*gbdt.Forest, error) { return Parse(strings.NewReader(text), "model.txt") }

func mustParse(t testing.TB, text string) *gbdt.Forest {
	t.Helper()
	f, err := parseText(text)
	require.NoError(t, err)
	return f
}

// edited returns text with old replaced by new, which must occur once.
func edited(t testing.TB, text, old, new string) string {
	t.Helper()
	require.Equal(t, 1, strings.Count(text, old), "%q must occur once", old)
	return strings.Replace(text, old, new, 1)
}

// takeRoot returns the root's value and sets it to 0, so that trees without
// one can be compared.
func takeRoot(tree *gbdt.Tree) float64 {
	v := tree.RootValue
	tree.RootValue = 0
	return v
}

func TestParseFillsTheWholeForest(t *testing.T) {
	f := mustParse(t, fixture(t, "kinds_v4.txt"))

	require.Equal(t, -0.0625, takeRoot(&f.Trees[0]))
	require.True(t, math.IsNaN(takeRoot(&f.Trees[1])), "a tree of one leaf without a root's value")
	require.True(t, math.IsNaN(takeRoot(&f.Trees[2])), "a tree of one leaf with an empty list of values")
	towns := f.Features[1].Categories
	require.Len(t, towns, 36)
	require.Equal(t, []any{"a", "b", "ü"}, towns[:3])
	f.Features[1].Categories = nil

	require.Equal(t, &gbdt.Forest{
		Library: "lightgbm",
		Format:  "text format",
		Version: "v4",
		K:       1,
		Features: []gbdt.Feature{
			{Name: "age"},
			{Name: "town", Categorical: true},
			{Name: "sold", Categorical: true, Categories: []any{false, true}},
			{Name: "empty"},
			{Name: "grade"},
		},
		Trees: []gbdt.Tree{
			{
				Feature:   []int32{1, 0, 4, 2, 0},
				Threshold: []float64{0, 40.5, 1.0000000180025095e-35, 1, -0.25},
				Rules: []gbdt.Rule{
					gbdt.Categorical,
					gbdt.DefaultLeft,
					gbdt.DefaultLeft | gbdt.ZeroMissing,
					gbdt.Categorical | gbdt.NaNMissing,
					gbdt.NaNMissing,
				},
				Left:       []int32{1, -1, -2, -3, -4},
				Right:      []int32{3, 2, 4, -5, -6},
				CatSet:     []int32{0, 0, 0, 1, 0},
				CatBounds:  []int32{0, 2, 3},
				CatBits:    []uint32{math.MaxUint32, 8, 1},
				LeafValue:  []float64{-0.5, 0.25, 1.5e-3, 0.125, 2, -3},
				LeafWeight: []float64{1.5, 2.5, 3.5, 4.5, 5.5, 6.5},
				LeafCount:  []int64{10, 20, 30, 40, 50, 60},
				Shrinkage:  1,
			},
			{LeafValue: []float64{0.75}, Shrinkage: 0.1},
			{
				Feature: []int32{}, Threshold: []float64{}, Rules: []gbdt.Rule{}, Left: []int32{}, Right: []int32{},
				LeafValue: []float64{-0.75}, Shrinkage: 0.05,
			},
		},
		Loss:  gbdt.LossSpec{Name: "binary", Sigmoid: 1.5, ScalePosWeight: 2.5},
		Train: gbdt.Training{Known: true, LearningRate: 0.1, L1: 0.5, L2: 2, CatL2: 7},
	}, f)
}

func TestParseWithoutParameters(t *testing.T) {
	f := mustParse(t, fixture(t, "kinds_v3.txt"))

	require.Equal(t, "v3", f.Version)
	require.Equal(t, gbdt.LossSpec{Name: "poisson", MaxDelta: 0.7}, f.Loss)
	require.Equal(t, gbdt.Training{CatL2: 10, BoostFromAverage: true}, f.Train)
	require.Equal(t, gbdt.Feature{Name: "kind", Categorical: true, Categories: []any{1.0, 2.5, 3.0, 4.0, 5.0}}, f.Features[1])
	require.Equal(t, gbdt.DefaultLeft|gbdt.NaNMissing, f.Trees[1].Rules[0])
	require.Empty(t, f.Unsupported)
}

func TestParseMulticlass(t *testing.T) {
	f := mustParse(t, fixture(t, "multiclass_v2.txt"))

	require.Equal(t, "v2", f.Version)
	require.Equal(t, 3, f.K)
	require.Equal(t, 1, f.Iterations())
	require.True(t, f.Generated)
	require.Equal(t, "multiclass", f.Loss.Name)
	require.Nil(t, f.Trees[0].LeafWeight, "v2 has no weights")
	require.Equal(t, []int64{6, 4}, f.Trees[0].LeafCount)
	require.Equal(t, []float64{-0.5, 0.5}, f.Trees[1].LeafValue, "tree c of an iteration adds to output c")
	require.Zero(t, f.Trees[2].RootValue)
}

func TestNamesAreGeneratedOnlyIfAllAre(t *testing.T) {
	generated := func(names string) bool {
		return mustParse(t, edited(t, fixture(t, "multiclass_v2.txt"), "Column_0 Column_1\n", names+"\n")).Generated
	}
	require.True(t, generated("Column_0 Column_1"))
	require.False(t, generated("Column_0 x"))
	require.False(t, generated("Column_1 Column_0"))
	require.False(t, generated("Column_00 Column_1"))
}

// Systems differ in the end of a line, and editors drop the last one.
func TestLineEnds(t *testing.T) {
	text := fixture(t, "multiclass_v2.txt")
	want := mustParse(t, text)
	require.Equal(t, want, mustParse(t, strings.ReplaceAll(text, "\n", "\r\n")))
	require.Equal(t, want, mustParse(t, strings.TrimSuffix(text, "\n")))
}

// A split that only parts missing values from the others has the threshold inf.
func TestInfiniteThreshold(t *testing.T) {
	text := edited(t, fixture(t, "kinds_v4.txt"), "threshold=0 40.5 1.0000000180025095e-35 1 -0.25", "threshold=0 inf 0 1 -inf")
	require.Equal(t, []float64{0, math.Inf(1), 0, 1, math.Inf(-1)}, mustParse(t, text).Trees[0].Threshold)
	_, err := parseText(edited(t, text, "threshold=0 inf", "threshold=0 nan"))
	require.EqualError(t, err, `model.txt:17: threshold: "nan" is not a finite number`)
}

func TestConstantTreeWithZeroCounts(t *testing.T) {
	f := mustParse(t, edited(t, fixture(t, "kinds_v4.txt"), "leaf_value=0.75\n", "leaf_value=0.75\nleaf_weight=0\nleaf_count=0\n"))
	require.Nil(t, f.Trees[1].LeafWeight)
	require.Nil(t, f.Trees[1].LeafCount)

	f = mustParse(t, edited(t, fixture(t, "kinds_v4.txt"), "leaf_value=0.75\n", "leaf_value=0.75\nleaf_count=12\n"))
	require.Equal(t, []int64{12}, f.Trees[1].LeafCount)
}

// A leaf is marked when it hangs under a categorical node whose feature has
// more entries than max_cat_to_onehot.
func TestLeavesWithCategoricalL2(t *testing.T) {
	v3, v4 := fixture(t, "kinds_v3.txt"), fixture(t, "kinds_v4.txt")
	marks := func(text string) []bool { return mustParse(t, text).Trees[0].LeafCat }

	require.Equal(t, []bool{true, false, false}, marks(v3), "5 entries, the default is 4")
	require.Nil(t, marks(edited(t, v3, "3:1:0:2:4", "3:1:0:2")), "4 entries")
	require.Nil(t, marks(v4), "the node over leaves has 2 entries")
	require.Equal(t, []bool{false, false, true, false, true, false}, marks(edited(t, v4, "[max_cat_to_onehot: 4]", "[max_cat_to_onehot: 1]")))
}

func indexOf(t testing.TB, text, part string) int {
	t.Helper()
	i := strings.LastIndex(text, part)
	require.GreaterOrEqual(t, i, 0)
	return i
}
