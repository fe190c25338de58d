package lightgbm

import (
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allocated returns all the memory that a parse of text takes in its course;
// what it holds at one time is less.
func allocated(text string) (bytes uint64, err error) {
	r := strings.NewReader(text)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = Parse(r, "model.txt")
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

const (
	boundFactor   = 32
	boundConstant = 1 << 20
)

// The bound of the package comment holds for texts that are made to need the
// most memory per byte.
func TestMemoryIsBoundedByTheText(t *testing.T) {
	const n = 300_000
	v4 := fixture(t, "kinds_v4.txt")
	header := func(features int) string {
		return "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=" + strconv.Itoa(features-1) +
			"\nobjective=regression\nfeature_names=" + strings.Repeat("a ", features) + "\nfeature_infos=" + strings.Repeat("none ", features) + "\n"
	}
	bounded := func(what, text string, sound bool) {
		t.Helper()
		got, err := allocated(text)
		if sound {
			require.NoError(t, err, what)
		} else {
			require.Error(t, err, what)
		}
		t.Logf("%s: %.1f times %d bytes", what, float64(got)/float64(len(text)), len(text))
		require.LessOrEqual(t, got, uint64(boundFactor*len(text)+boundConstant), what)
	}

	var small strings.Builder
	for i := range n {
		small.WriteString("Tree=" + strconv.Itoa(i) + "\nnum_leaves=1\nleaf_value=0\n")
	}
	bounded("many trees", header(1)+small.String()+"end of trees\n", true)
	bounded("many features", header(n)+"Tree=0\nnum_leaves=1\nleaf_value=0\nend of trees\n", true)

	zeros, leaves := strings.Repeat("0 ", n-1), strings.Repeat("0 ", n)
	left := make([]byte, 0, 8*n)
	right := make([]byte, 0, 8*n)
	for i := range n - 1 {
		if i < n-2 {
			left = append(strconv.AppendInt(left, int64(i+1), 10), ' ')
		} else {
			left = append(strconv.AppendInt(left, -int64(n), 10), ' ')
		}
		right = append(strconv.AppendInt(right, -int64(i+1), 10), ' ')
	}
	bounded("a long tree", header(1)+"Tree=0\nnum_leaves="+strconv.Itoa(n)+"\nnum_cat=1\nsplit_feature="+zeros+"\nthreshold="+zeros+
		"\ndecision_type="+strings.Repeat("1 ", n-1)+"\nleft_child="+string(left)+"\nright_child="+string(right)+
		"\nleaf_value="+leaves+"\nleaf_weight="+leaves+"\nleaf_count="+leaves+"\ncat_boundaries=0 1\ncat_threshold=1\nend of trees\n", true)

	base := v4[:indexOf(t, v4, "pandas_categorical:")] + "pandas_categorical:"
	bounded("many category numbers", base+"[["+strings.Repeat("1,", n)+"1]]", true)
	bounded("many category strings", base+"[["+strings.Repeat(`"",`, n)+`""]]`, true)
	bounded("many category lists", base+"["+strings.Repeat("[],", n)+"[]]", true)
	bounded("brackets", base+strings.Repeat("[", n), false)
	bounded("commas", base+"["+strings.Repeat(",", n), false)
	bounded("parameters", v4[:indexOf(t, v4, "end of parameters")]+strings.Repeat("[boosting: gbdt]\n", n), false)
	bounded("unknown keys", edited(t, v4, "label_index=0\n", strings.Repeat("x=\n", n)), true)
}

// Counts are not believed: nothing is allocated on the word of a number.
func TestClaimedSizesAllocateNothing(t *testing.T) {
	v4 := fixture(t, "kinds_v4.txt")
	for _, edit := range [][2]string{
		{"num_leaves=6", "num_leaves=2000000000"},
		{"num_cat=2", "num_cat=2000000000"},
		{"max_feature_idx=4", "max_feature_idx=2000000000"},
		{"num_tree_per_iteration=1", "num_tree_per_iteration=2000000000"},
		{"cat_boundaries=0 2 3", "cat_boundaries=0 2 2000000000"},
		{"Tree=2\n", "Tree=2000000000\n"},
	} {
		got, err := allocated(edited(t, v4, edit[0], edit[1]))
		require.Error(t, err, edit[1])
		require.Less(t, got, uint64(boundConstant), edit[1])
	}
}

func TestLinesHaveALimit(t *testing.T) {
	text := edited(t, fixture(t, "multiclass_v2.txt"), "label_index=0", "label_index="+strings.Repeat("0", 2*bufferSize))
	l := newLines(strings.NewReader(text))
	l.limit = bufferSize
	_, err := parse(l, "model.txt")
	require.EqualError(t, err, "model.txt:5: the line is longer than 262144 bytes")
	mustParse(t, text)
}
