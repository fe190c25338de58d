package lightgbm

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLostSettings(t *testing.T) {
	lost := func(settings string, want ...string) {
		t.Helper()
		train := mustParse(t, withSettings(t, "-", settings)).Train
		require.Equal(t, want, append(train.Bagged, train.Lost...))
		for _, b := range train.Bagged {
			require.Regexp(t, "bagging_fraction=|=goss", b)
		}
	}
	lost("")
	lost("[bagging_fraction: 0.7]\n[bagging_freq: 0]\n")
	lost("[bagging_fraction: 1]\n[bagging_freq: 5]\n")
	lost("[bagging_fraction: 0.7]\n[bagging_freq: 1]\n", "bagging_fraction=0.7")
	lost("[pos_bagging_fraction: 0.5]\n[neg_bagging_fraction: 0.25]\n[bagging_freq: 2]\n", "pos_bagging_fraction=0.5", "neg_bagging_fraction=0.25")
	lost("[data_sample_strategy: goss]\n", "data_sample_strategy=goss")
	lost("[data_sample_strategy: bagging]\n")
	lost("[path_smooth: 5]\n", "path_smooth=5")
	lost("[path_smooth: 0]\n[max_delta_step: 0]\n[use_quantized_grad: 0]\n[initscore_filename: ]\n")
	lost("[max_delta_step: 0.3]\n", "max_delta_step=0.3")
	lost("[use_quantized_grad: 1]\n", "use_quantized_grad=1")
	lost("[monotone_constraints: 0,0,0,0,0]\n")
	lost("[monotone_constraints: 0,1,0,-1,0]\n", "monotone_constraints")
	lost("[initscore_filename: base.txt]\n", "initscore_filename=base.txt")
	lost("[extra_trees: 1]\n[feature_fraction: 0.5]\n[forcedsplits_filename: f.json]\n[interaction_constraints: [0,1]]\n")

	goss := mustParse(t, edited(t, fixture(t, "kinds_v4.txt"), "[boosting: gbdt]", "[boosting: goss]"))
	require.Equal(t, []string{"boosting=goss"}, goss.Train.Bagged)
	require.Equal(t, []float64{0.2, 0.1}, []float64{goss.Train.TopRate, goss.Train.OtherRate})
	given := mustParse(t, withSettings(t, "-", "[data_sample_strategy: goss]\n[top_rate: 0.3]\n[other_rate: 0.25]\n[num_threads: 4]\n")).Train
	require.Equal(t, []float64{0.3, 0.25, 4}, []float64{given.TopRate, given.OtherRate, float64(given.Threads)})
	header := mustParse(t, edited(t, fixture(t, "kinds_v3.txt"), "feature_infos=", "monotone_constraints=0 0 -1\nfeature_infos="))
	require.Equal(t, []string{"monotone_constraints"}, header.Train.Lost)
}

// A file with a part of the parameters, as older libraries write it, has the
// library's defaults for the rest.
func TestDefaultsOfParameters(t *testing.T) {
	f := mustParse(t, fixture(t, "kinds_v3.txt")+"\nparameters:\n\nend of parameters\n")
	require.True(t, f.Train.Known)
	require.Equal(t, 0.1, f.Train.LearningRate)
	require.Equal(t, 10.0, f.Train.CatL2)
	require.Zero(t, f.Train.L1)
	require.Zero(t, f.Train.L2)
	require.True(t, f.Train.BoostFromAverage)
}
