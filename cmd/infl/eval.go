package main

import (
	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/internal/app"
)

func newEval(c *app.Common) *cobra.Command {
	o := &app.EvalOptions{}
	cmd := &cobra.Command{
		Use:   "eval --protocol NAME --scores RUN --out RUN",
		Short: "how good scores are, by training again or by rows that are known to be wrong",
		Long: `Compare the scores of a run with what they claim.

lds          models trained on random subsets, against sums of scores
loo          models trained without one row, against its scores
removal      each query's loss without its most helpful rows, beside random ones
set-removal  how few of its helpful rows decide each query's prediction
noise        rows that are known to be wrong, against their scores

A trainer cmd:PROGRAM ARGUMENTS is run without a shell, with a folder as its last
argument: kept.npy in it has the train rows to train on, change.json the seed; the
program writes losses.npy, the loss of each query, and for set-removal classes.npy,
the predicted class of each.`,
		Example: `  infl eval --protocol lds --scores run --trainer 'cmd:python train.py' --subsets 100 --repeats 5 --out lds
  infl eval --protocol lds --scores other --masks lds/masks.npy --losses lds/losses.npy --out lds-other
  infl eval --protocol noise --scores self --noisy @wrong.txt --out noise --fail-under auc=0.8`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			o.Common = *c
			return app.Eval(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Protocol, "protocol", "", "what is compared: loo, lds, noise, removal or set-removal")
	f.StringVar(&o.Scores, "scores", "", "run folder of infl score, with --matrix; for noise with --self or --aggregate")
	f.StringVar(&o.Trainer, "trainer", "", "what trains without some rows: cmd:PROGRAM ARGUMENTS, or builtin, as infl train has trained --model")
	f.StringVar(&o.Model, "model", "", "of --trainer builtin: the folder of infl train")
	f.StringVar(&o.Train, "train", "", "of --trainer builtin: the table that the model was trained on")
	f.StringVar(&o.Query, "query", "", "of --trainer builtin: the table of the queries, with labels")
	f.StringVar(&o.Label, "label", "", "of --trainer builtin: the column that the model predicts")
	f.IntVar(&o.Repeats, "repeats", 1, "trainings of each kind, with the seeds --seed, --seed + 1, …")
	f.StringSliceVar(&o.FailUnder, "fail-under", nil, "NAME=X: exit with 1 where this metric is smaller; may be repeated")
	f.IntVar(&o.Subsets, "subsets", 100, "of lds: subsets that are trained on")
	f.Float64Var(&o.SubsetShare, "subset-share", 0.5, "of lds: share of the train rows in a subset")
	f.StringVar(&o.Masks, "masks", "", "of lds: .npy file, subsets × train rows of 0 and 1, instead of subsets drawn at random")
	f.StringVar(&o.Losses, "losses", "", "of lds: .npy file, subsets × queries or subsets × repeats × queries, instead of training")
	f.IntVar(&o.Bootstrap, "bootstrap", 1000, "of lds: resamples of the subsets for the interval of the mean")
	f.StringVar(&o.Rows, "rows", "", "of loo: leave these train rows out only: KEY,KEY,… or @FILE with a key per line")
	f.StringVar(&o.Remove, "remove", "", "of loo: leave these sets of train rows out, each whole: @FILE with a key per line and a blank line between sets")
	f.IntSliceVar(&o.Sizes, "sizes", []int{1, 2, 5, 10, 20, 50}, "of removal and set-removal: how many rows are removed")
	f.StringVar(&o.Noisy, "noisy", "", "of noise: the train rows that are wrong: KEY,KEY,… or @FILE with a key per line")
	f.StringVar(&o.Column, "column", "", "of noise: column of rows.parquet that ranks the rows: self, sum or mean (default the first that the run has)")
	f.Float64SliceVar(&o.Inspect, "inspect", []float64{0.01, 0.05, 0.1, 0.2, 0.3, 0.5}, "of noise: shares of the rows that are looked at")
	f.StringVar(&o.Out, "out", "", "run folder for the results")
	f.BoolVar(&o.Fresh, "fresh", false, "replace an earlier run of the same folder")
	f.BoolVar(&o.DryRun, "dry-run", false, "print how often it would train, and stop")
	return cmd
}
