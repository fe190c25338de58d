package main

import (
	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/internal/app"
)

func newFit(c *app.Common) *cobra.Command {
	o := &app.FitOptions{}
	cmd := &cobra.Command{
		Use:   "fit --method METHOD --train PATH --out DIR",
		Short: "what does not depend on queries, computed once: factors of the curvature, smaller stores of gradients",
		Long: `fit computes once what scores need of train rows, whatever is asked later.

--method ekfac makes factors of a capture: for each module the covariances of its inputs
and of the gradients of its outputs, their eigenbases, and the eigenvalues of the
gradients of examples in that basis. They serve ekfac, kfac and tkfac; --method kfac
leaves the last step out, --method diagonal has the mean squares of the gradients alone.
Of a capture of level factors, which has the covariances alone, kfac is made; --method
ekfac --factors KFAC then corrects the eigenvalues on a capture of rows.

--method store writes the gradients of the train rows to a folder that infl score takes
as --train: as float32, float16 or int8, and projected at random with --projection. How
far its scores are from those of the gradients themselves is measured on rows of it,
printed, and kept in DIR/fidelity.json. The same command continues after a kill.`,
		Example: `  infl fit --method ekfac --train capture/train --out factors
  infl fit --method kfac --train capture/sums --out kfac
  infl fit --method ekfac --factors kfac --train capture/train --out factors
  infl fit --method store --train capture/train --store int8 --out small
  infl fit --method store --train capture/train --projection 4096 --store float16 --out small`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			o.Common = *c
			return app.Fit(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Method, "method", "", "what to compute: ekfac, kfac, tkfac, diagonal or store")
	f.StringVar(&o.Train, "train", "", "gradients of the train rows: a capture, a store, files or a folder of vectors")
	f.StringVar(&o.Out, "out", "", "folder for the result")
	f.StringVar(&o.Projection, "projection", "", "D[:srht|rademacher|gaussian|bergson|bergson-normal]: project each block of gradients to D numbers at random, by --seed")
	f.StringVar(&o.Adam, "adam", "", "of store: the directions that Adam would go on gradients, with the state (exp_avg, exp_avg_sq) of this file, such as optimizer.safetensors of a checkpoint; less takes them as they are")
	f.StringVar(&o.Store, "store", "float32", "form of the numbers: float32, float16 or int8")
	f.StringVar(&o.Factors, "factors", "", "of ekfac: take covariances and eigenbases from this folder of kfac, of the same examples")
	f.StringVar(&o.Sharing, "sharing", "expand", "rows of factors where an example uses weights several times: expand (one for each use) or reduce (one for each example)")
	f.StringVar(&o.Labels, "labels", "dataset", "labels of factors: dataset (as captured) or exact (expected over what the model predicts; captures of the last layer alone)")
	f.IntVar(&o.Blocks, "blocks", 1, "cut inputs and outputs of factors into as many blocks; the number of heads makes each head of an attention layer one")
	f.Int64Var(&o.RowsMax, "rows-max", 0, "fit factors to the first N examples; 0 is all")
	f.BoolVar(&o.DryRun, "dry-run", false, "of factors: print what it would cost, how often rows are read and what waits in files, and stop")
	f.StringVar(&o.Dtype, "dtype", "float32", "arithmetic of factors: float32, or float64; captures in float64 always have float64")
	return cmd
}
