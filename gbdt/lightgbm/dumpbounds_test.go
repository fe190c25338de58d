package lightgbm

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The bound of the package comment holds for dumps that are made to need the
// most memory per byte.
func TestMemoryIsBoundedByTheDump(t *testing.T) {
	const n = 300_000
	const front = `{"name":"tree","version":"v4","num_class":1,"num_tree_per_iteration":1,"objective":"regression",`
	dump := func(features int, names, rest string) string {
		return front + `"max_feature_idx":` + decimal(features-1) + `,"feature_names":[` + names + `],` + rest + "}"
	}
	const leaf, oneTree = `{"tree_structure":{"leaf_value":0}}`, `"tree_info":[{"tree_structure":{"leaf_value":0}}]`
	const split = `"split_feature":0,"threshold":0,"decision_type":"<=","default_left":true,"missing_type":"None",`
	bounded := func(what, text string, sound bool) {
		t.Helper()
		got, err := allocated(text)
		require.Equal(t, sound, err == nil, "%s: %v", what, err)
		t.Logf("%s: %.1f times %d bytes", what, float64(got)/float64(len(text)), len(text))
		require.LessOrEqual(t, got, uint64(boundFactor*len(text)+boundConstant), what)
	}
	empties := strings.Repeat(`"",`, n-1) + `""`
	bounded("many trees", dump(1, `"a"`, `"tree_info":[`+strings.Repeat(leaf+",", n-1)+leaf+"]"), true)
	bounded("many features", dump(n, empties, oneTree), true)
	bounded("commas in a name", dump(n, `"`+strings.Repeat(",", n)+`"`, oneTree), false)
	bounded("an unclosed path", dump(1, `"a"`, `"tree_info":[{"tree_structure":{`+strings.Repeat(`"left_child":{`, maxDepth-1)), false)
	bounded("brackets", front+`"other":`+strings.Repeat("[", n), false)
	bounded("brackets that are kept", front+`"feature_names":`+strings.Repeat("[", n), false)
	bounded("many category numbers", dump(1, `"a"`, oneTree+`,"pandas_categorical":[[`+strings.Repeat("1,", n)+"1]]"), true)
	bounded("many category lists", dump(1, `"a"`, oneTree+`,"pandas_categorical":[`+strings.Repeat("[],", n)+"[]]"), true)
	bounded("unknown keys", dump(1, `"a"`, strings.Repeat(`"x":0,`, n)+oneTree), true)

	var names, infos, chain strings.Builder
	for i := range n {
		names.WriteString(`,"` + decimal(i) + `"`)
		infos.WriteString(`,"` + decimal(i) + `":{}`)
	}
	bounded("many infos", dump(n, names.String()[1:], `"feature_infos":{`+infos.String()[1:]+`},`+oneTree), true)

	const long = 100_000
	for i := range long - 1 {
		chain.WriteString(`{"split_index":` + decimal(i) + "," + split + `"left_child":{"leaf_index":` + decimal(i) + `,"leaf_value":0},"right_child":`)
	}
	chain.WriteString(`{"leaf_index":` + decimal(long-1) + `,"leaf_value":0}` + strings.Repeat("}", long-1))
	bounded("a long tree", dump(1, `"a"`, `"tree_info":[{"tree_structure":`+chain.String()+"}]"), true)
}

// Counts and codes of a dump are not believed either.
func TestClaimedSizesOfADumpAllocateNothing(t *testing.T) {
	for _, edit := range [][2]string{
		{`"max_feature_idx": 1`, `"max_feature_idx": 2000000000`},
		{`{"tree_structure"`, `{"num_leaves": 2000000000, "tree_structure"`},
		{`{"tree_structure"`, `{"num_cat": 2000000000, "tree_structure"`},
		{`"leaf_index": 2`, `"leaf_index": 2000000000`},
		{`"split_index": 1`, `"split_index": 2000000000`},
		{`1||3||40`, `1||3||2147483647`},
	} {
		got, err := allocated(edited(t, nested, edit[0], edit[1]))
		require.Error(t, err, edit[1])
		require.Less(t, got, uint64(boundConstant), edit[1])
	}
}

// Category sets take what the package comment allows them beyond the multiple,
// and not more while they are made.
func TestMemoryOfTheSetsOfADump(t *testing.T) {
	largest := decimal(32*maxSetWords/4 - 1)
	node := func(i int, right string) string {
		return `{"split_index":` + decimal(i) + `,"split_feature":0,"threshold":"` + largest + `","decision_type":"==","default_left":false,"missing_type":"None","left_child":{"leaf_index":` +
			decimal(i) + `,"leaf_value":0},"right_child":` + right + "}"
	}
	tree := node(0, node(1, node(2, node(3, `{"leaf_index":4,"leaf_value":0}`))))
	text := `{"name":"tree","version":"v4","num_class":1,"num_tree_per_iteration":1,"objective":"regression","max_feature_idx":0,"feature_names":["a"],"tree_info":[{"tree_structure":` + tree + "}]}"
	got, err := allocated(text)
	require.NoError(t, err)
	require.LessOrEqual(t, got, uint64(4*maxSetWords+boundFactor*len(text)+boundConstant))

	_, err = parseText(edited(t, text, `{"leaf_index":4,"leaf_value":0}`, node(4, `{"leaf_index":5,"leaf_value":0}`)))
	require.ErrorContains(t, err, "make sets of more than 64 MB")
}
