package lightgbm

import (
	"testing"

	"github.com/infl-dev/infl/gbdt"
	"github.com/stretchr/testify/require"
)

// withSettings adds parameters to a model that has some; the objective line is
// replaced where objective is not "-".
func withSettings(t *testing.T, objective, settings string) string {
	t.Helper()
	text := edited(t, fixture(t, "kinds_v4.txt"), "[scale_pos_weight: 2.5]\n[sigmoid: 1.5]\n", settings)
	if objective != "-" {
		text = edited(t, text, "objective=binary sigmoid:1.5\n", objective)
	}
	return text
}

func TestLossOfTheObjective(t *testing.T) {
	is := func(objective, settings string, want gbdt.LossSpec) {
		t.Helper()
		f := mustParse(t, withSettings(t, objective+"\n", settings))
		require.Equal(t, want, f.Loss)
		require.Empty(t, f.Unsupported)
	}
	for _, name := range []string{"regression", "regression_l2", "l2", "mse", "mean_squared_error", "rmse"} {
		is("objective="+name, "", gbdt.LossSpec{Name: "regression"})
	}
	is("objective=binary sigmoid:2", "", gbdt.LossSpec{Name: "binary", Sigmoid: 2, ScalePosWeight: 1})
	is("objective=binary", "[sigmoid: 3]\n", gbdt.LossSpec{Name: "binary", Sigmoid: 3, ScalePosWeight: 1})
	is("objective=binary sigmoid:1", "[scale_pos_weight: 4]\n", gbdt.LossSpec{Name: "binary", Sigmoid: 1, ScalePosWeight: 4})
	is("objective=poisson", "", gbdt.LossSpec{Name: "poisson", MaxDelta: 0.7})
	is("objective=poisson", "[poisson_max_delta_step: 0.2]\n", gbdt.LossSpec{Name: "poisson", MaxDelta: 0.2})

	is("objective=huber", "", gbdt.LossSpec{Name: "huber", Alpha: 0.9})
	is("objective=huber", "[alpha: 5]\n", gbdt.LossSpec{Name: "huber", Alpha: 5})
	is("objective=fair", "", gbdt.LossSpec{Name: "fair", FairC: 1})
	is("objective=fair", "[fair_c: 4]\n", gbdt.LossSpec{Name: "fair", FairC: 4})
	is("objective=gamma", "[alpha: 5]\n", gbdt.LossSpec{Name: "gamma"})
	is("objective=tweedie", "", gbdt.LossSpec{Name: "tweedie", TweediePower: 1.5})
	is("objective=tweedie", "[tweedie_variance_power: 1]\n", gbdt.LossSpec{Name: "tweedie", TweediePower: 1})
	for _, name := range []string{"cross_entropy", "xentropy"} {
		is("objective="+name, "", gbdt.LossSpec{Name: "cross_entropy"})
	}
	for _, name := range []string{"cross_entropy_lambda", "xentlambda"} {
		is("objective="+name, "", gbdt.LossSpec{Name: "cross_entropy_lambda"})
	}
	for _, name := range []string{"regression_l1", "l1", "mae", "mean_absolute_error"} {
		is("objective="+name, "", gbdt.LossSpec{Name: "regression_l1", Renewed: true})
	}
	for _, name := range []string{"mape", "mean_absolute_percentage_error"} {
		is("objective="+name, "", gbdt.LossSpec{Name: "mape", Renewed: true})
	}
	is("objective=quantile", "", gbdt.LossSpec{Name: "quantile", Renewed: true, Alpha: 0.9})
	is("objective=quantile", "[alpha: 0.25]\n", gbdt.LossSpec{Name: "quantile", Renewed: true, Alpha: 0.25})

	f := mustParse(t, edited(t, withSettings(t, "-", ""), "[is_unbalance: 0]", "[is_unbalance: 1]"))
	require.Equal(t, gbdt.LossSpec{Name: "binary", Sigmoid: 1.5, ScalePosWeight: 1, Unbalance: true}, f.Loss)

	f = mustParse(t, edited(t, fixture(t, "multiclass_v2.txt"), "=multiclass num_class:3", "=multiclassova num_class:3 sigmoid:0.5"))
	require.Equal(t, gbdt.LossSpec{Name: "multiclassova", Sigmoid: 0.5, ScalePosWeight: 1}, f.Loss)
}

// Parameters that the library itself refuses do not reach a loss.
func TestLossParametersOutOfRange(t *testing.T) {
	fails := func(objective, setting, want string) {
		t.Helper()
		_, err := parseText(withSettings(t, "objective="+objective+"\n", setting+"\n"))
		require.EqualError(t, err, "model.txt:74: "+want)
	}
	fails("huber", "[alpha: 0]", "alpha: 0 is out of range")
	fails("fair", "[fair_c: -1]", "fair_c: -1 is out of range")
	fails("tweedie", "[tweedie_variance_power: 2]", "tweedie_variance_power: 2 is out of range")
	fails("tweedie", "[tweedie_variance_power: 0.5]", "tweedie_variance_power: 0.5 is out of range")
	fails("quantile", "[alpha: 1]", "alpha: 1 is out of range")
	fails("quantile", "[alpha: 0]", "alpha: 0 is out of range")
	fails("quantile", "[alpha: x]", `alpha: "x" is not a finite number`)
}

// What cannot be explained is named as the user wrote it; the model still
// parses.
func TestUnsupported(t *testing.T) {
	is := func(objective, settings string, want ...string) {
		t.Helper()
		var got []string
		for _, u := range mustParse(t, withSettings(t, objective, settings)).Unsupported {
			got = append(got, u.What)
			require.NotEmpty(t, u.Reason)
			require.NotEmpty(t, u.Instead)
		}
		require.Equal(t, want, got)
	}
	for _, name := range []string{
		"lambdarank", "rank_xendcg", "xendcg", "of_the_future",
	} {
		is("objective="+name+"\n", "", "objective="+name)
	}
	is("", "", "objective=custom")
	is("objective=custom\n", "", "objective=custom")
	is("objective=regression sqrt\n", "", "reg_sqrt=true")
	is("objective=regression\n", "[reg_sqrt: 1]\n", "reg_sqrt=true")
	is("objective=binary\naverage_output\n", "", "boosting=rf")
	is("-", "[linear_tree: 1]\n", "linear_tree=true")
	is("objective=lambdarank\naverage_output\n", "[linear_tree: 1]\n", "objective=lambdarank", "boosting=rf", "linear_tree=true")

	boosting := func(name string) []string {
		var got []string
		for _, u := range mustParse(t, edited(t, fixture(t, "kinds_v4.txt"), "[boosting: gbdt]", "[boosting: "+name+"]")).Unsupported {
			got = append(got, u.Error())
		}
		return got
	}
	require.Equal(t, []string{"boosting=dart is not supported: gradients of training used dropped trees, which the file does not hold; train with boosting=gbdt"}, boosting("dart"))
	require.Len(t, boosting("rf"), 1)
	require.Empty(t, boosting("goss"))

	linear := mustParse(t, edited(t, fixture(t, "kinds_v4.txt"), "cat_threshold=4294967295 8 1\nis_linear=0", "cat_threshold=4294967295 8 1\nis_linear=1"))
	require.Equal(t, "linear_tree=true", linear.Unsupported[0].What)

	weighted := edited(t, fixture(t, "multiclass_v2.txt"), "=multiclass num_class:3", "=multiclassova num_class:3 sigmoid:1")
	weighted += "\nparameters:\n[is_unbalance: 1]\nend of parameters\n"
	require.Equal(t, "is_unbalance or scale_pos_weight with multiclassova", mustParse(t, weighted).Unsupported[0].What)
}
