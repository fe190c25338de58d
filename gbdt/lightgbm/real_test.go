package lightgbm

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Models of the library, over three versions of it.
func TestRealModels(t *testing.T) {
	for _, m := range []struct {
		file, version, loss    string
		k, iterations          int
		rows                   int64
		rate, l2               float64
		categorical, withLists int
	}{
		{"golden_lgb335_bin_adult.txt", "v3", "binary", 1, 15, 200, 0.1, 0, 8, 8},
		{"golden_lgb470_bin_adult_cat.txt", "v4", "binary", 1, 40, 240, 0.1, 0, 8, 8},
		{"golden_lgb470_multi_obesity.txt.gz", "v4", "multiclass", 7, 20, 204, 0.15, 0.5, 0, 0},
	} {
		t.Run(m.file, func(t *testing.T) {
			f, err := Open(filepath.Join("testdata", m.file))
			require.NoError(t, err)
			require.Equal(t, m.version, f.Version)
			require.Equal(t, m.loss, f.Loss.Name)
			require.Equal(t, m.k, f.K)
			require.Equal(t, m.iterations, f.Iterations())
			require.True(t, f.Train.Known)
			require.Equal(t, m.rate, f.Train.LearningRate)
			require.Equal(t, m.l2, f.Train.L2)
			require.True(t, f.Train.BoostFromAverage)
			require.Empty(t, f.Train.Lost)
			require.Empty(t, f.Unsupported)

			categorical, withLists := 0, 0
			for _, feature := range f.Features {
				if feature.Categorical {
					categorical++
				}
				if feature.Categories != nil {
					withLists++
				}
			}
			require.Equal(t, m.categorical, categorical)
			require.Equal(t, m.withLists, withLists)

			for i, tree := range f.Trees {
				rows := int64(0)
				for _, n := range tree.LeafCount {
					rows += n
				}
				require.Equal(t, m.rows, rows, "every train row is in one leaf of tree %d", i)
				require.Len(t, tree.LeafWeight, tree.Leaves())
				require.False(t, math.IsNaN(tree.RootValue))
			}
		})
	}
}

// The first tree of the Adult model splits relationship, which has 7 entries,
// at its root, and has no leaves there; that is only so in some later trees.
func TestRealLeavesWithCategoricalL2(t *testing.T) {
	f := mustParse(t, fixture(t, "golden_lgb470_bin_adult_cat.txt"))
	require.Nil(t, f.Trees[0].LeafCat)
	require.Equal(t, 10.0, f.Train.CatL2)
	marked := 0
	for _, tree := range f.Trees {
		for _, is := range tree.LeafCat {
			if is {
				marked++
			}
		}
	}
	require.Positive(t, marked)
}
