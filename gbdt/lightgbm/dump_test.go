package lightgbm

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/infl-dev/infl/gbdt"
	"github.com/stretchr/testify/require"
)

// requireSameModel checks that a dump gave the forest of the text, but for what
// a dump does not hold: the parameters. The library rounds the values of nodes
// in its texts, so those of roots agree only to 6 digits.
func requireSameModel(t *testing.T, text, dump *gbdt.Forest) {
	t.Helper()
	require.False(t, dump.Train.Known)
	require.Equal(t, "JSON dump", dump.Format)
	want, got := *text, *dump
	got.Format = "text format"
	want.Train, got.Train = gbdt.Training{}, gbdt.Training{}
	want.Trees, got.Trees = nil, nil
	require.Equal(t, want, got)
	require.Len(t, dump.Trees, len(text.Trees))
	for i := range text.Trees {
		want, got := text.Trees[i], dump.Trees[i]
		a, b := takeRoot(&want), takeRoot(&got)
		require.True(t, math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-5*math.Abs(a), "root of tree %d: %v and %v", i, a, b)
		require.Equal(t, want, got, "tree %d", i)
	}
}

// The library wrote each of these models in both forms.
func TestDumpIsTheModelOfTheText(t *testing.T) {
	for _, name := range []string{"dump_binary", "dump_multiclass"} {
		requireSameModel(t, mustParse(t, fixture(t, name+".txt")), mustParse(t, fixture(t, name+".json")))
	}
	f := mustParse(t, fixture(t, "dump_binary.json"))
	require.Equal(t, gbdt.Training{CatL2: 10, BoostFromAverage: true, Lost: []string{"monotone_constraints"}}, f.Train)
	require.Equal(t, []any{false, true}, f.Features[2].Categories)
}

// Tools sort keys and indent.
func TestKeysOfADumpComeInAnyOrder(t *testing.T) {
	for _, name := range []string{"dump_binary.json", "dump_multiclass.json"} {
		text := fixture(t, name)
		want := mustParse(t, text)
		var tree any
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		require.NoError(t, decoder.Decode(&tree))
		sorted, err := json.MarshalIndent(tree, "", "\t")
		require.NoError(t, err)
		require.Greater(t, bytes.Index(sorted, []byte(`"version"`)), bytes.Index(sorted, []byte(`"tree_info"`)))
		sortedForest := mustParse(t, string(sorted)+"\n")
		for i := range want.Trees {
			takeRoot(&want.Trees[i])
			takeRoot(&sortedForest.Trees[i])
		}
		require.Equal(t, want, sortedForest)
	}
}

// nested is a dump of one tree without anything optional.
const nested = `{"name": "tree", "version": "v3", "num_class": 1, "num_tree_per_iteration": 1, "max_feature_idx": 1,
"objective": "regression", "feature_names": ["a", "b"], "tree_info": [{"tree_structure":
{"split_index": 0, "split_feature": 1, "threshold": "1||3||40", "decision_type": "==", "default_left": false, "missing_type": "Zero",
"left_child": {"leaf_index": 1, "leaf_value": 0.5},
"right_child": {"split_index": 1, "split_feature": 0, "threshold": 2.5, "decision_type": "<=", "default_left": true, "missing_type": "None",
"left_child": {"leaf_index": 0, "leaf_value": -1}, "right_child": {"leaf_index": 2, "leaf_value": 2}}}}]}`

func TestDumpWithoutOptionalKeys(t *testing.T) {
	f := mustParse(t, nested)
	require.True(t, math.IsNaN(takeRoot(&f.Trees[0])))
	require.Equal(t, []gbdt.Tree{{
		Feature: []int32{1, 0}, Threshold: []float64{0, 2.5},
		Rules: []gbdt.Rule{gbdt.Categorical | gbdt.ZeroMissing, gbdt.DefaultLeft},
		Left:  []int32{^1, ^0}, Right: []int32{1, ^2},
		CatSet: []int32{0, 0}, CatBounds: []int32{0, 2}, CatBits: []uint32{1<<1 | 1<<3, 1 << 8},
		LeafValue: []float64{-1, 0.5, 2},
		LeafCat:   []bool{false, true, false},
		Shrinkage: 1,
	}}, f.Trees)
	require.Equal(t, "v3", f.Version)
	require.Equal(t, []gbdt.Feature{{Name: "a"}, {Name: "b", Categorical: true}}, f.Features)
	require.Empty(t, f.Train.Lost)
}

// Without feature_infos a set of one code does not tell which L2 its leaves
// have; a set of more does.
func TestDumpWithoutFeatureInfos(t *testing.T) {
	f := mustParse(t, edited(t, nested, "1||3||40", "3"))
	require.Equal(t, []string{"feature_infos"}, f.Train.Lost)
	require.Nil(t, f.Trees[0].LeafCat)

	infos := func(values string) *gbdt.Forest {
		return mustParse(t, edited(t, edited(t, nested, "1||3||40", "3"), `"tree_info"`, `"feature_infos": {"b": {"values": [`+values+`]}}, "tree_info"`))
	}
	require.Equal(t, []bool{false, true, false}, infos("1, 2, 3, 4, 40").Trees[0].LeafCat)
	require.Nil(t, infos("1, 2, 3, 40").Trees[0].LeafCat)
	require.Empty(t, infos("1, 2, 3, 40").Train.Lost)
}

// A dump reduces infinite thresholds to ±1e300.
func TestThresholdsOfADump(t *testing.T) {
	is := func(text string, want float64) {
		t.Helper()
		require.Equal(t, want, mustParse(t, edited(t, nested, `"threshold": 2.5`, `"threshold": `+text)).Trees[0].Threshold[1])
	}
	is("1e+300", math.Inf(1))
	is("-1e+300", -math.MaxFloat64)
	is("Infinity", math.Inf(1))
	is("-Infinity", math.Inf(-1))
	is("1.0000000180025095e-35", 1.0000000180025095e-35)
}

func TestUnsupportedDumps(t *testing.T) {
	refused := func(old, new, want string) {
		t.Helper()
		f := mustParse(t, edited(t, nested, old, new))
		require.Len(t, f.Unsupported, 1)
		require.Equal(t, want, f.Unsupported[0].What)
	}
	refused(`"objective": "regression"`, `"objective": null`, "objective=custom")
	refused(`"objective": "regression", `, ``, "objective=custom")
	refused(`"objective": "regression"`, `"objective": "regression", "average_output": true`, "boosting=rf")
	refused(`"leaf_value": -1`, `"leaf_value": -1, "leaf_const": -1, "leaf_features": [0], "leaf_coeff": [[1.5]]`, "linear_tree=true")
}

// A chain of the largest number of leaves is read without recursion.
func TestDeepDump(t *testing.T) {
	chain := func(leaves int) string {
		var b strings.Builder
		b.WriteString(`{"name": "tree", "version": "v4", "num_class": 1, "num_tree_per_iteration": 1, "max_feature_idx": 0, "objective": "regression", "feature_names": ["a"], "tree_info": [{"tree_structure":`)
		for i := range leaves - 1 {
			number := decimal(i)
			b.WriteString(`{"split_index":` + number + `,"split_feature":0,"threshold":` + number + `,"decision_type":"<=","default_left":true,"missing_type":"None","left_child":{"leaf_index":` + number + `,"leaf_value":1},"right_child":`)
		}
		b.WriteString(`{"leaf_index":` + decimal(leaves-1) + `,"leaf_value":2}` + strings.Repeat("}", leaves-1) + "}]}")
		return b.String()
	}
	require.Equal(t, maxDepth, mustParse(t, chain(maxDepth)).Trees[0].Leaves())
	_, err := parseText(chain(maxDepth + 1))
	require.ErrorContains(t, err, "tree_info[0].left_child: the tree is deeper than 131072 nodes")
}
