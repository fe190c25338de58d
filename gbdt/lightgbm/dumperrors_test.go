package lightgbm

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func decimal(i int) string { return strconv.Itoa(i) }

// Each damage is one edit of a sound dump; the place is the byte where at
// begins in the edited text, or none.
func TestDamagedDumps(t *testing.T) {
	fails := func(old, new, at, want string) {
		t.Helper()
		text := edited(t, nested, old, new)
		f, err := parseText(text)
		require.Nil(t, f)
		var located *ParseError
		require.ErrorAs(t, err, &located)
		place := "model.txt: "
		if at != "" {
			place += "byte " + decimal(strings.Index(text, at)+1) + ": "
		}
		assert.EqualError(t, err, place+want)
		require.Zero(t, located.Line)
	}
	// The document.
	fails(`"name": "tree"`, `"name": "wood"`, `"wood"`, `name: it is "wood" where a LightGBM dump has "tree"`)
	fails(`"name": "tree"`, `"name" "tree"`, `"tree"`, `'"' where ':' is due`)
	fails(`"name": "tree", `, `"name": "tree" `, `"version"`, `'"' where a comma or '}' is due`)
	fails(`"name": "tree", `, "", "", `name: the dump does not have this key`)
	fails(`"version": "v3"`, `"version": "v9"`, `"v9"`, `version: "v9" is not known; v2, v3 and v4 are`)
	fails(`"version": "v3"`, `"version": ["v3"]`, `["v3"]`, `version: '[' where a string is due`)
	fails(`"version": "v3"`, `"name": "tree"`, `: "tree", "num_class"`, `name: the key appears twice`)
	fails(`"num_class": 1, `, "", "", `num_class: the dump does not have this key`)
	fails(`"num_tree_per_iteration": 1`, `"num_tree_per_iteration": 0`, "0, \"max", `num_tree_per_iteration: number 1 of the list is 0, outside 1 … 2147483647`)
	fails(`"num_tree_per_iteration": 1`, `"num_tree_per_iteration": 2`, `"regression"`, `objective: regression has one output, not 2`)
	fails(`"max_feature_idx": 1`, `"max_feature_idx": 2000000000`, "", `feature_names: 2 entries where max_feature_idx needs 2000000001`)
	fails(`["a", "b"]`, `["a", 7]`, "", `feature_names: '7' where a string is due`)
	fails(`["a", "b"]`, `["a" "b"]`, `]`, `feature_names: the value is not JSON: invalid character '"' after array element`)
	fails(`"objective"`, `"feature_infos": {"c": {}}, "objective"`, "", `feature_infos: no feature has the name "c"`)
	fails(`"objective"`, `"feature_infos": {"a": {}, "a": {}}, "objective"`, "", `feature_infos: feature 0 appears twice`)
	fails(`"objective"`, `"feature_infos": {"b": {"values": [1.5]}}, "objective"`, "", `feature_infos: feature 1: "1.5" is not a whole number`)
	fails(`"objective"`, `"pandas_categorical": [["x", null]], "objective"`, `], "objective"`, `pandas_categorical: value 1 of list 0: it is neither a string nor a number nor a bool`)
	fails(`"objective"`, `"monotone_constraints": 1, "objective"`, `1, "objective"`, `monotone_constraints: the value is not a list`)
	fails(`"objective"`, `"average_output": 1, "objective"`, `1, "objective"`, `average_output: "1" is not a bool`)
	fails(`"objective"`, `"other": , "objective"`, `, "objective"`, `other: ',' where a value is due`)
	fails(`"leaf_value": 2}}}}]}`, `"leaf_value": 2}}}}]} ~`, `~`, `more text follows the end of the document`)
	fails(`"feature_names"`, "\"feature\x00names\"", "\"feature\x00", `byte 137, inside a string, is a control character`)

	// The trees.
	fails(`"tree_info": [`, `"tree_info": [], "x": [`, "", `tree_info: the model has no trees`)
	fails(`{"tree_structure"`, `{"tree_index": 5, "tree_structure"`, `5, "tree_structure"`, `tree_info[0].tree_index: it is 5 where 0 is due; dump all trees, from iteration 0`)
	fails(`{"tree_structure"`, `{"num_leaves": 4, "tree_structure"`, `{"num_leaves"`, `tree_info[0]: 3 leaves where num_leaves says 4`)
	fails(`{"tree_structure"`, `{"num_cat": 0, "tree_structure"`, `{"num_cat"`, `tree_info[0]: 1 categorical nodes where num_cat says 0`)
	fails(`{"tree_structure"`, `{"shrinkage": "fast", "tree_structure"`, `"fast"`, `tree_info[0].shrinkage: '"' where a value is due`)
	fails(`{"tree_structure"`, `{"other"`, `{"other"`, `tree_info[0]: tree_structure is missing`)
	fails(`"leaf_index": 2`, `"leaf_index": 1`, `{"tree_structure"`, `tree_info[0]: leaf_index 1 appears twice`)
	fails(`"leaf_index": 2`, `"leaf_index": 3`, `{"tree_structure"`, `tree_info[0]: leaf_index 3 is outside 0 … 2`)
	fails(`"leaf_index": 2, `, ``, `{"tree_structure"`, `tree_info[0]: leaf_index of a leaf is missing`)
	fails(`"leaf_index": 2`, `"leaf_index": -1`, `-1, "leaf_value": 2`, `tree_info[0].leaf_index: -1 is outside 0 … 2147483646`)
	fails(`"split_index": 1`, `"split_index": 0`, `{"tree_structure"`, `tree_info[0]: split_index 0 appears twice`)
	fails(`"split_index": 1`, `"split_index": 7`, `{"tree_structure"`, `tree_info[0]: split_index 7 is outside 0 … 1`)
	fails(`"split_feature": 0`, `"split_feature": 2`, "", `tree_info[0]: node 1 tests feature 2 of 2`)
	fails(`"threshold": 2.5`, `"threshold": NaN`, `NaN`, `tree_info[0].threshold: "NaN" is not a finite number`)
	fails(`"threshold": 2.5`, `"threshold": "2"`, `}}}]}`, `tree_info[0].tree_structure: decision_type does not fit the threshold: categories go with "==", numbers with "<="`)
	fails(`"threshold": 2.5, `, ``, `}}}]}`, `tree_info[0].tree_structure: threshold of a split is missing`)
	fails(`1||3||40`, `1|3`, `"1|3"`, `tree_info[0].threshold: "1|3" is not a whole number`)
	fails(`1||3||40`, `-1`, `"-1"`, `tree_info[0].threshold: category code -1 is outside 0 … 2147483647`)
	fails(`1||3||40`, `2147483647||1`, `{"tree_structure"`, `tree_info[0]: category codes up to 2147483647 make sets of more than 64 MB; renumber the categories or save the model as text`)
	fails(`"decision_type": "<="`, `"decision_type": "<"`, `"<"`, `tree_info[0].decision_type: "<" is not a decision type that is known`)
	fails(`"missing_type": "None"`, `"missing_type": "none"`, `"none"`, `tree_info[0].missing_type: "none" is not a missing type that is known`)
	fails(`"default_left": true`, `"default_left": 1`, "1, \"missing", `tree_info[0].default_left: "1" is not a bool`)
	fails(`"leaf_value": -1`, `"leaf_value": NaN`, `NaN`, `tree_info[0].leaf_value: "NaN" is not a finite number`)
	fails(`"leaf_value": -1`, `"leaf_value": -1, "leaf_value": 1`, `: 1}`, `tree_info[0].leaf_value: the key appears twice in the node`)
	fails(`"leaf_value": -1`, `"leaf_weight": -1`, `}, "right_child": {"leaf_index": 2`, "tree_info[0].tree_structure: a node has fields of a leaf and not leaf_value alone, or fields of both a leaf and a split")
	fails(`"leaf_value": -1`, `"leaf_value": -1, "split_index": 3`, `}, "right_child": {"leaf_index": 2`, "tree_info[0].tree_structure: a node has fields of a leaf and not leaf_value alone, or fields of both a leaf and a split")
}

// A dump that is cut off anywhere is refused.
func TestTruncatedDumps(t *testing.T) {
	for n := range len(nested) {
		_, err := parseText(nested[:n])
		require.Error(t, err, "the first %d bytes", n)
	}
	_, err := parseText(nested[:300])
	require.ErrorContains(t, err, "byte 300: tree_info[0].tree_structure: the file ends inside the document; it is truncated")
}

func TestReaderErrorsInADumpAreKept(t *testing.T) {
	broken := errors.New("the disk is gone")
	padded := edited(t, nested, `"objective"`, `"padding": "`+strings.Repeat("0", 2*bufferSize)+`", "objective"`)
	for _, n := range []int{100, bufferSize, len(padded)} {
		_, err := Parse(io.MultiReader(strings.NewReader(padded[:n]), iotest.ErrReader(broken)), "model.txt")
		require.ErrorIs(t, err, broken)
	}
}

func TestValuesOfADumpHaveALimit(t *testing.T) {
	d := inner([]byte(`["abcdefgh"]`))
	d.limit = 8
	_, err := d.raw()
	require.EqualError(t, err, "the value is longer than 8 bytes")
	d = inner([]byte(`["abcdefgh"] `))
	d.limit = 8
	require.NoError(t, d.skip(), "what is not kept has no limit")
}
