package lightgbm

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// Each damage is one edit of a sound file and names the place.
func TestDamagedFiles(t *testing.T) {
	v4, v2 := fixture(t, "kinds_v4.txt"), fixture(t, "multiclass_v2.txt")
	fails := func(text, old, new, want string) {
		t.Helper()
		f, err := parseText(edited(t, text, old, new))
		require.Nil(t, f)
		require.EqualError(t, err, want)
		var located *ParseError
		require.ErrorAs(t, err, &located)
		require.Equal(t, "model.txt", located.File)
		require.NotContains(t, err.Error(), "\n")
	}

	// The header.
	fails(v4, "version=v4", "version=v9", `model.txt:2: version: "v9" is not known; v2, v3 and v4 are`)
	fails(v4, "num_tree_per_iteration=1\n", "", "model.txt: num_tree_per_iteration: the line is missing")
	fails(v4, "num_tree_per_iteration=1", "num_tree_per_iteration=0", "model.txt:4: num_tree_per_iteration: number 1 of the list is 0, outside 1 … 2147483647")
	fails(v4, "num_tree_per_iteration=1", "num_tree_per_iteration=1 1", "model.txt:4: num_tree_per_iteration: 2 numbers where 1 are needed")
	fails(v4, "num_tree_per_iteration=1", "num_tree_per_iteration=99999999999999999999", `model.txt:4: num_tree_per_iteration: "99999999999999999999" is not a whole number in range`)
	fails(v4, "max_feature_idx=4", "max_feature_idx=5", "model.txt:8: feature_names: 5 entries where max_feature_idx needs 6")
	fails(v4, "max_feature_idx=4", "max_feature_idx=2147483646", "model.txt:8: feature_names: 5 entries where max_feature_idx needs 2147483647")
	fails(v4, "max_feature_idx=4", "max_feature_idx=four", `model.txt:6: max_feature_idx: "four" is not a whole number`)
	fails(v4, " none [0:1]", " [0:1]", "model.txt:9: feature_infos: 4 entries where max_feature_idx needs 5")
	fails(v4, " 0:1 none", " 0:x none", `model.txt:9: feature_infos: feature 2: "x" is not a whole number`)
	fails(v4, "feature_names=age", "some junk\nfeature_names=age", `model.txt:8: "some junk" is not a line of a header; the header has lines key=value`)
	fails(v4, "label_index=0", "version=v4", "model.txt:5: version: the key appears twice")
	fails(v4, "sigmoid:1.5\n", "sigmoid:x\n", `model.txt:7: objective: sigmoid: "x" is not a finite number`)
	fails(v4, "sigmoid:1.5\n", "sigmoid:-1\n", "model.txt:7: objective: sigmoid -1 is not positive")
	fails(v2, "num_class=3\nnum_tree", "num_class=2\nnum_tree", "model.txt:7: objective: 3 outputs for 2 classes")
	fails(v2, "objective=multiclass num_class:3", "objective=regression", "model.txt:7: objective: regression has one output, not 3")

	// The trees.
	fails(v4, "Tree=1", "Tree=2\nx=1", "model.txt:33: Tree=1: trees are out of order: this is Tree=2")
	fails(v4, "Tree=1", "Tree=one", `model.txt:33: Tree: "one" is not a whole number`)
	fails(v4, "tree_sizes=600 100 300", "tree_sizes=600 100", "model.txt:58: the file has 3 trees where tree_sizes in the header names 2")
	fails(v4, "num_leaves=6", "num_leaves=7", "model.txt:15: split_feature: 5 numbers where 6 are needed")
	fails(v4, "num_leaves=6", "num_leaves=5", "model.txt:15: split_feature: 5 numbers where 4 are needed")
	fails(v4, "num_leaves=6", "num_leaves=2000000000", "model.txt:15: split_feature: 5 numbers where 1999999999 are needed")
	fails(v4, "num_leaves=6", "num_leaves=0", "model.txt:13: num_leaves: number 1 of the list is 0, outside 1 … 2147483646")
	fails(v4, "num_leaves=6\n", "", "model.txt:13: num_cat: num_leaves has to come first")
	fails(v4, "num_leaves=6\n", "num_leaves=6\nnum_leaves=6\n", "model.txt:14: num_leaves: the key appears twice in the tree")
	fails(v4, "num_cat=2", "num_cat=3", "model.txt:27: cat_boundaries: 3 numbers where 4 are needed")
	fails(v4, "num_cat=2", "num_cat=1", "model.txt:27: cat_boundaries: 3 numbers where 2 are needed")
	fails(v4, "num_cat=2", "num_cat=2000000000", "model.txt:27: cat_boundaries: 3 numbers where 2000000001 are needed")
	fails(v4, "leaf_value=-0.5", "leaf_value=nan", `model.txt:21: leaf_value: "nan" is not a finite number`)
	fails(v4, "leaf_value=-0.5", "leaf_value=-inf", `model.txt:21: leaf_value: "-inf" is not a finite number`)
	fails(v4, "leaf_value=-0.5", "leaf_value=1e999", `model.txt:21: leaf_value: "1e999" is not a number in the range of float64`)
	fails(v4, "leaf_value=-0.5", "leaf_value=1-2", `model.txt:21: leaf_value: "1-2" is not a number`)
	fails(v4, "leaf_value=-0.5", "leaf_value=0x1p3", `model.txt:21: leaf_value: "0x1p3" is not a finite number`)
	fails(v4, "leaf_value=-0.5 0.25 1.5e-3 0.125 2 -3\n", "", "model.txt:12: Tree=0: the line leaf_value is missing")
	fails(v4, "threshold=0 40.5 1.0000000180025095e-35 1 -0.25\n", "", "model.txt:12: Tree=0: the line threshold is missing")
	fails(v4, "cat_boundaries=0 2 3\n", "", "model.txt:27: cat_threshold: cat_boundaries has to come first")
	fails(v4, "cat_threshold=4294967295 8 1\n", "", "model.txt:12: Tree=0: the line cat_threshold is missing")
	fails(v4, "cat_boundaries=0 2 3", "cat_boundaries=0 2 4", "model.txt:28: cat_threshold: 3 numbers where 4 are needed")
	fails(v4, "cat_boundaries=0 2 3", "cat_boundaries=0 4 3", "model.txt:27: cat_boundaries: set 1 ends before it begins")
	fails(v4, "cat_boundaries=0 2 3", "cat_boundaries=1 2 3", "model.txt:27: cat_boundaries: the sets begin at 1, not at 0")
	fails(v4, "cat_threshold=4294967295", "cat_threshold=4294967296", "model.txt:28: cat_threshold: number 1 of the list is 4294967296, outside 0 … 4294967295")
	fails(v4, "1.0000000180025095e-35 1 -0.25", "1.0000000180025095e-35 2 -0.25", "model.txt:12: Tree=0: node 3 names category set 2 of 2")
	fails(v4, "1.0000000180025095e-35 1 -0.25", "1.0000000180025095e-35 0.5 -0.25", "model.txt:12: Tree=0: node 3 names category set 0.5 of 2")
	fails(v4, "split_feature=1 0 4", "split_feature=1 0 5", "model.txt:15: split_feature: number 3 of the list is 5, outside 0 … 4")
	fails(v4, "decision_type=1 2 6", "decision_type=1 2 12", "model.txt:18: decision_type: number 3 of the list is 12, outside 0 … 11")
	fails(v4, "left_child=1 -1", "left_child=5 -1", "model.txt:19: left_child: number 1 of the list is 5, outside -6 … 4")
	fails(v4, "left_child=1 -1", "left_child=1 -7", "model.txt:19: left_child: number 2 of the list is -7, outside -6 … 4")
	fails(v4, "leaf_count=10", "leaf_count=-1", "model.txt:23: leaf_count: number 1 of the list is -1, outside 0 … 9223372036854775807")
	fails(v4, "internal_value=-0.0625", "internal_value=?", `model.txt:24: internal_value: "?" is not a finite number`)
	fails(v4, "shrinkage=0.05", "shrinkage=", "model.txt:55: shrinkage: 0 numbers where 1 are needed")
	fails(v4, "leaf_count=10", "junk\nleaf_count=10", `model.txt:23: Tree=0: "junk" is not a line of a tree; a tree has lines key=value`)
	fails(v4, "leaf_count=10", "leaf_count=10\x00", "model.txt:23: byte 14 is NUL; the file is damaged or not a text")
	fails(v2, "tree_sizes=200 200 200\n\n"+v2[strings.Index(v2, "Tree=0"):strings.Index(v2, "end of trees")], "", "model.txt:10: the model has no trees")

	// Structure, which gbdt checks.
	fails(v4, "left_child=1 -1", "left_child=1 -2", "model.txt: tree 0: child -2 does not make a tree of 5 inner nodes and 6 leaves")
	fails(v2, "num_class=3\nnum_tree_per_iteration=3", "num_class=2\nnum_tree_per_iteration=2", "model.txt: 3 trees are not a multiple of 2 outputs")

	// What follows the trees.
	fails(v4, "feature_importances:", "Tree=3", "model.txt:60: another tree or model begins after the end of the trees")
	fails(v4, "feature_importances:", "junk", `model.txt:60: "junk" is not a line that is known after the trees`)
	fails(v4, "end of parameters\n", "", `model.txt:79: parameters: "pandas_categorical:[[\"a\", \"b\", \"ü\", \"d\""… is not a line [name: value]`)
	fails(v4, "[learning_rate: 0.1]", "[learning_rate: fast]", `model.txt:67: learning_rate: "fast" is not a finite number`)
	fails(v4, "[lambda_l2: 2]", "[lambda_l2: -2]", "model.txt:69: lambda_l2: -2 is negative")
	fails(v4, "[is_unbalance: 0]", "[is_unbalance: 2]", `model.txt:73: is_unbalance: "2" is neither 0 nor 1`)
	fails(v4, "[scale_pos_weight: 2.5]", "[scale_pos_weight: 0]", "model.txt:74: scale_pos_weight: 0 is not positive")
	fails(v4, "[lambda_l2: 2]", "lambda_l2: 2", `model.txt:69: parameters: "lambda_l2: 2" is not a line [name: value]`)
	fails(v4, `"aj"], [false`, `"aj", null], [false`, "model.txt:80: pandas_categorical: value 36 of list 0: it is neither a string nor a number nor a bool")
}

// A file that is cut off anywhere before the end of the trees is refused; so
// is one cut inside its parameters or its categories.
func TestTruncatedFiles(t *testing.T) {
	text := fixture(t, "kinds_v4.txt")
	parametersEnd := strings.Index(text, "end of parameters") + len("end of parameters")
	cut := func(from, to int) {
		t.Helper()
		for n := from; n < to; n++ {
			_, err := parseText(text[:n])
			require.Error(t, err, "the first %d bytes", n)
		}
	}
	cut(0, strings.Index(text, "end of trees")+len("end of trees"))
	cut(strings.Index(text, "parameters:\n")+len("parameters:\n"), parametersEnd)
	cut(strings.Index(text, "pandas_categorical:")+1, len(text)-2)

	_, err := parseText(text[:strings.Index(text, "Tree=1")])
	require.EqualError(t, err, `model.txt: Tree=0: the file ends before "end of trees"; it is truncated`)
	_, err = parseText(text[:strings.Index(text, "[lambda_l1")])
	require.EqualError(t, err, `model.txt: parameters: the file ends before "end of parameters"; it is truncated`)
}

func TestReaderErrorsAreKept(t *testing.T) {
	broken := errors.New("the disk is gone")
	text := fixture(t, "kinds_v4.txt")
	for _, n := range []int{0, 100, bufferSize} {
		padded := strings.Replace(text, "label_index=0", "label_index="+strings.Repeat("0", n), 1)
		_, err := Parse(io.MultiReader(strings.NewReader(padded[:n]), iotest.ErrReader(broken)), "model.txt")
		require.ErrorIs(t, err, broken)
	}
}
