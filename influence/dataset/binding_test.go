package dataset

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"
)

func TestMatchByName(t *testing.T) {
	path := write(t, "t.csv", []byte("x y,z,key,label,left over\n1,2,a,3,4\n"))
	c, b := loads(t, path, Binding{Features: named("z", "x_y"), Key: "key", Label: "label", Extra: []string{"left over"}})
	require.Equal(t, [][]float64{{2}, {1}}, c.x)
	require.Equal(t, []float64{3}, c.label)
	require.Equal(t, []string{"left over"}, b.Ignored())

	both := write(t, "t.csv", []byte("a b,a_b\n1,2\n"))
	c, _ = loads(t, both, Binding{Features: named("a_b", "a b")})
	require.Equal(t, [][]float64{{2}, {1}}, c.x)
	fails(t, write(t, "t.csv", []byte("a b_c,a_b c\n1,2\n")), Binding{Features: named("a_b_c")}, "both columns")
}

func TestMissingColumns(t *testing.T) {
	path := write(t, "t.csv", []byte("age,height,y\n1,2,3\n"))
	fails(t, path, Binding{Features: named("agee", "age", "heigth")}, `2 of the model's features`, `"agee", "heigth"`, `nearest existing: "age", "height"`)
	fails(t, path, Binding{Features: named("unlike")}, `"unlike"`, `the table has: "age", "height", "y"`)
	fails(t, path, Binding{Label: "Y"}, `label column "Y"`, `"y"`)
	fails(t, path, Binding{Extra: []string{"ag"}}, `column "ag"`, `nearest: "age"`)
}

func TestMatchByPosition(t *testing.T) {
	path := write(t, "t.csv", []byte("p,y,q\n1,2,3\n"))
	c, b := loads(t, path, Binding{ByPosition: true, Features: named("f0", "f1"), Label: "y"})
	require.Equal(t, [][]float64{{1}, {3}}, c.x)
	require.Empty(t, b.Ignored())
	fails(t, path, Binding{ByPosition: true, Features: named("f0", "f1")}, "2 features", "3 columns", `"p", "y", "q"`)
}

func TestCategories(t *testing.T) {
	check := func(categories []any, want map[string]float64) {
		t.Helper()
		for text, code := range want {
			path := write(t, "t.csv", []byte("a,b\n"+text+",0\n"))
			c, b := loads(t, path, Binding{Features: []Feature{{Name: "a", Categorical: true, Categories: categories}}})
			equalFloats(t, []float64{code}, c.x[0])
			require.Equal(t, code == Unseen, b.Unseen()["a"] == 1, "%q", text)
		}
	}
	check([]any{"red", "NA", "1"}, map[string]float64{"red": 0, "NA": 1, "1": 2, "1.0": Unseen, "": nan, "nan": nan, "blue": Unseen})
	check([]any{3.0, 1.0, 0.5}, map[string]float64{"1": 1, "1.0": 1, "3e0": 0, ".5": 2, "2": Unseen, "x": Unseen, "NA": nan, "true": Unseen, "inf": Unseen})
	check([]any{false, true}, map[string]float64{"True": 1, "true": 1, "False": 0, "1": 1, "0": 0, "2": Unseen, "yes": Unseen})
	check([]any{"", "x"}, map[string]float64{"": 0, "NA": nan})
}

func TestCategoriesOfTypedFiles(t *testing.T) {
	schema := fields([]string{"i", "f", "b", "s"}, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float32, arrow.FixedWidthTypes.Boolean, arrow.BinaryTypes.String)
	batch := record(t, schema, "[5,7,null]", "[5,0.5,7]", "[true,false,null]", `["5","7.0","x"]`)
	numbers := []any{7.0, 5.0}
	for _, path := range typedFiles(t, batch) {
		c, b := loads(t, path, Binding{Features: []Feature{
			{Name: "i", Categories: numbers}, {Name: "f", Categories: numbers}, {Name: "s", Categories: numbers},
			{Name: "b", Categories: []any{true, false}}, {Name: "i", Categories: []any{"5", "7"}},
		}})
		equalFloats(t, []float64{1, 0, nan}, c.x[0])
		equalFloats(t, []float64{1, Unseen, 0}, c.x[1])
		equalFloats(t, []float64{1, 0, Unseen}, c.x[2])
		equalFloats(t, []float64{0, 1, nan}, c.x[3])
		equalFloats(t, []float64{Unseen, Unseen, nan}, c.x[4])
		require.Equal(t, map[string]int64{"f": 1, "s": 1, "i": 2}, b.Unseen())
		_, err := readAll(t, b)
		require.NoError(t, err)
		require.EqualValues(t, 2, b.Unseen()["i"])
	}
}

func TestCategoriesThatCannotBe(t *testing.T) {
	path := write(t, "t.csv", []byte("a\n1\nx\n"))
	bad := func(want string, categories ...any) {
		t.Helper()
		fails(t, path, Binding{Features: []Feature{{Name: "a", Categories: categories}}}, `column "a"`, want)
	}
	bad("twice", "x", "x")
	bad("twice", 1.0, 1.0)
	bad("NaN", nan)
	bad("int", 1)
	fails(t, path, Binding{Features: []Feature{{Name: "a", Categorical: true}}}, "t.csv:3", "--categories FILE")
	e := fails(t, path, Binding{Features: named("a")}, "not a number")
	require.NotContains(t, e.Error(), "--categories")
}

func TestLabels(t *testing.T) {
	check := func(classes []string, labels string, want []float64, from LabelSource, found ...string) {
		t.Helper()
		c, b := loads(t, write(t, "t.csv", []byte("y,x\n"+labels)), Binding{Label: "y", Classes: classes})
		equalFloats(t, want, c.label)
		require.Equal(t, LabelMap{From: from, Classes: found}, b.LabelMap())
	}
	check(nil, "1,0\n-2.5,0\n,0\n", []float64{1, -2.5, nan}, NumericLabels)
	check(nil, ",0\ndog,0\ncat,0\ndog,0\nNA,0\n", []float64{nan, 1, 0, 1, nan}, SortedClasses, "cat", "dog")
	check(nil, "no,0\n1,0\n", []float64{1, 0}, SortedClasses, "1", "no")
	check(nil, ",0\n", []float64{nan}, NoLabels)
	check([]string{"dog", "cat"}, "cat,0\ndog,0\nNA,0\n", []float64{1, 0, nan}, GivenClasses, "dog", "cat")
	check([]string{"0", "1"}, "1.0,0\n0,0\n", []float64{1, 0}, GivenClasses, "0", "1")
	check([]string{"NA", "EU"}, "NA,0\nEU,0\n,0\n", []float64{0, 1, nan}, GivenClasses, "NA", "EU")
}

func TestLabelErrors(t *testing.T) {
	fails(t, write(t, "t.csv", []byte("y,x\ncat,0\ndgo,0\n")), Binding{Label: "y", Classes: []string{"cat", "dog"}}, `t.csv:3: column "y"`, `"dgo" is not one of the classes`, `nearest: "dog"`)
	fails(t, write(t, "t.csv", []byte("y,x\n1,0\ndog,0\n")), Binding{Label: "y"}, "t.csv:3", "--classes")
	fails(t, write(t, "t.tsv", []byte("y\tx\n1,5\t0\n")), Binding{Label: "y"}, "t.tsv:2", "decimal comma")
}

func TestLabelsOfTypedFiles(t *testing.T) {
	schema := fields([]string{"b", "s", "i"}, arrow.FixedWidthTypes.Boolean, arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64)
	batch := record(t, schema, "[true,false,null]", `["dog",null,"cat"]`, "[1,0,1]")
	for _, path := range typedFiles(t, batch) {
		c, _ := loads(t, path, Binding{Label: "b"})
		equalFloats(t, []float64{1, 0, nan}, c.label)
		c, b := loads(t, path, Binding{Label: "s"})
		equalFloats(t, []float64{1, nan, 0}, c.label)
		require.Equal(t, []string{"cat", "dog"}, b.LabelMap().Classes)
		c, _ = loads(t, path, Binding{Label: "i", Classes: []string{"1", "0"}})
		equalFloats(t, []float64{0, 1, 0}, c.label)
		fails(t, path, Binding{Label: "i", Classes: []string{"0", "2"}}, "row 0", "not one of the classes")
	}
}

// TestLateStringLabels has the first label in the second frame.
func TestLateStringLabels(t *testing.T) {
	text := []byte("y,x\n")
	for range BatchRows + 5 {
		text = append(text, ",0\n"...)
	}
	text = append(text, "b,0\na,0\n"...)
	c, _ := loads(t, write(t, "t.csv", text), Binding{Label: "y"})
	equalFloats(t, []float64{nan, 1, 0}, c.label[len(c.label)-3:])
}

func TestUnseenValuesAreCounted(t *testing.T) {
	text := []byte("a,b\n")
	for i := range 100 {
		text = fmt.Appendf(text, "%d,0\n", i%3)
	}
	_, b := loads(t, write(t, "t.csv", text), Binding{Features: []Feature{{Name: "a", Categories: []any{0.0, 1.0}}}})
	require.Equal(t, map[string]int64{"a": 33}, b.Unseen())
}
