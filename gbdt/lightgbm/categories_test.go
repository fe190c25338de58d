package lightgbm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The model of these tests has the features age (numeric), town (codes up to
// 3, split by category), sold (codes up to 1), empty (constant) and grade (numeric).
func TestWhichFeatureOwnsWhichCategories(t *testing.T) {
	const three, two = `["a", "b", "c", "d"]`, `[false, true]`
	model := func(declared, lists string) string {
		text := fixture(t, "kinds_v4.txt")
		text = edited(t, text, "-1:0:1:2:3:35", "-1:0:1:2:3")
		text = text[:indexOf(t, text, "pandas_categorical:")]
		if declared == "no parameters" {
			text = text[:indexOf(t, text, "parameters:")]
		} else {
			text = edited(t, text, "[categorical_feature: 1,2]", "[categorical_feature: "+declared+"]")
		}
		return text + "pandas_categorical:" + lists + "\n"
	}
	owns := func(declared, lists string, want map[string][]any, categorical ...string) {
		t.Helper()
		got, marked := map[string][]any{}, []string(nil)
		for _, f := range mustParse(t, model(declared, lists)).Features {
			if f.Categories != nil {
				got[f.Name] = f.Categories
			}
			if f.Categorical {
				marked = append(marked, f.Name)
			}
		}
		require.Equal(t, want, got)
		require.Equal(t, categorical, marked)
	}
	towns, sold, none := []any{"a", "b", "c", "d"}, []any{false, true}, map[string][]any{}
	both := map[string][]any{"town": towns, "sold": sold}

	for _, declared := range []string{"1,2", "2,1", "name:town,sold", "", "no parameters"} {
		owns(declared, "["+three+","+two+"]", both, "town", "sold")
	}
	for _, lists := range []string{"null", "[]"} {
		owns("1,2", lists, none, "town", "sold")
	}
	// A constant feature is categorical only if it is declared.
	withEmpty := map[string][]any{"town": towns, "sold": sold, "empty": {"x"}}
	owns("1,2,3", "["+three+","+two+`,["x"]]`, withEmpty, "town", "sold", "empty")
	owns("name:town,sold,empty", "["+three+","+two+`,["x"]]`, withEmpty, "town", "sold", "empty")
	owns("no parameters", "["+three+","+two+`,["x"]]`, none, "town", "sold")
	owns("1,2,3", "["+three+","+two+"]", none, "town", "sold", "empty")
	// A list must have a value for every code of its feature.
	owns("1,2", "["+two+","+three+"]", none, "town", "sold")
	// Declarations that disagree with the model are not used.
	for _, declared := range []string{"1", "0,1,2", "1,2,9", "name:town,sold,other", "1,x"} {
		owns(declared, "["+three+","+two+"]", both, "town", "sold")
	}
}

func TestCategoryValues(t *testing.T) {
	lists, err := categoryLists([]byte(`[["a,[\"", "\u00e9", ""], [1, -2.5, 1e3, 9007199254740993.5, -1152921504606846976], [true, false], []]`))
	require.NoError(t, err)
	require.Equal(t, [][]any{{`a,["`, "é", ""}, {1.0, -2.5, 1000.0, 9007199254740994.0, -1152921504606846976.0}, {true, false}, {}}, lists)

	lists, err = categoryLists([]byte("null"))
	require.NoError(t, err)
	require.Nil(t, lists)

	fails := func(text, problem string) {
		t.Helper()
		_, err := categoryLists([]byte(text))
		require.ErrorContains(t, err, problem)
	}
	fails(``, "the line is not JSON: unexpected end of JSON input")
	fails(`[["a"], ["b`, "the line is not JSON: unexpected end of JSON input")
	fails(`[["a"], ["b"]`, "the line is not JSON: unexpected end of JSON input")
	fails(`[["a"]] x`, "the line is not JSON: invalid character 'x'")
	fails(`[["a"]] [1]`, "the line is not JSON: invalid character '['")
	fails(`{"a": 1}`, "the line is not a list of lists")
	fails(`["a"]`, "the line is not a list of lists")
	fails(`12`, "the line is not a list of lists")
	fails(`[["a", null]]`, "value 1 of list 0: it is neither a string nor a number nor a bool")
	fails(`[[["a"]]]`, "neither a string")
	fails(`[[{"a": 1}]]`, "neither a string")
	fails(`[[9007199254740993]]`, `"9007199254740993" is not a whole number that float64 can hold`)
	fails(`[[9223372036854775807]]`, "float64 can hold")
	fails(`[[1e999]]`, "not a number in the range of float64")
}
