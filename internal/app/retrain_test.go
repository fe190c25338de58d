package app

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/infl-dev/infl/gbdt"
)

func TestRetrainingOfSmallTables(t *testing.T) {
	f := &gbdt.Forest{K: 1, Features: make([]gbdt.Feature, 15), Trees: make([]gbdt.Tree, 200)}
	for i := range f.Trees {
		f.Trees[i].LeafValue = make([]float64, 31)
	}
	require.Nil(t, costOfRetraining(f, 3000, 5))
	r := costOfRetraining(f, 2999, 5)
	require.EqualValues(t, 6, r.ShownFits)
	require.EqualValues(t, 3000, r.AllFits)
	require.InDelta(t, 0.26, r.FitSeconds, 0.1, "LightGBM took 0.26 s")
	require.InDelta(t, 3000*r.FitSeconds, r.AllSeconds, 1e-9)
	require.Contains(t, r.text(), "6 fits for the rows shown (about 2 s on one core), 3000 fits for every train row in turn (about 10 minutes on one core)")
	require.NotContains(t, costOfRetraining(f, 2999, 0).text(), "shown")
	for seconds, want := range map[float64]string{0.001: "0.1 s", 0.26: "0.3 s", 119: "100 s", 120: "2 minutes", 3700: "60 minutes", 7300: "2 hours", 400000: "5 days"} {
		require.Equal(t, want, about(seconds))
	}
}
