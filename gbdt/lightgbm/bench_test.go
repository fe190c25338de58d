package lightgbm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkParse repeats the trees of a real model up to about 20 MB.
func BenchmarkParse(b *testing.B) {
	text := fixture(b, "golden_lgb470_bin_adult_cat.txt")
	first, last := strings.Index(text, "Tree=0"), strings.Index(text, "end of trees")
	header := text[:strings.Index(text, "tree_sizes=")] + "\n"
	var trees strings.Builder
	tree := text[first+len("Tree=0") : strings.Index(text, "Tree=1\n")]
	for i := 0; trees.Len() < 20<<20; i++ {
		fmt.Fprintf(&trees, "Tree=%d%s", i, tree)
	}
	model := header + trees.String() + text[last:]
	b.SetBytes(int64(len(model)))
	b.ReportAllocs()
	for b.Loop() {
		_, err := Parse(strings.NewReader(model), "model.txt")
		require.NoError(b, err)
	}
}
