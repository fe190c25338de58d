package main

import (
	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/internal/app"
)

func newFit(c *app.Common) *cobra.Command {
	o := &app.FitOptions{}
	cmd := &cobra.Command{
		Use:   "fit --method store --train PATH --out DIR",
		Short: "what does not depend on queries, computed once: smaller stores of gradients",
		Long: `fit computes once what scores need of train rows, whatever is asked later.

--method store writes the gradients of the train rows to a folder that infl score takes
as --train: as float32, float16 or int8, and projected at random with --projection. How
far its scores are from those of the gradients themselves is measured on rows of it,
printed, and kept in DIR/fidelity.json. The same command continues after a kill.`,
		Example: `  infl fit --method store --train capture/train --store int8 --out small
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
	f.StringVar(&o.Method, "method", "", "what to compute: store")
	f.StringVar(&o.Train, "train", "", "gradients of the train rows: a capture, a store, files or a folder of vectors")
	f.StringVar(&o.Out, "out", "", "folder for the result")
	f.StringVar(&o.Projection, "projection", "", "D[:srht|rademacher|gaussian|bergson]: project each block of gradients to D numbers at random, by --seed")
	f.StringVar(&o.Store, "store", "float32", "form of the numbers: float32, float16 or int8")
	return cmd
}
