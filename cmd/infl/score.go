package main

import (
	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/internal/app"
)

func newScore(c *app.Common) *cobra.Command {
	o := &app.ScoreOptions{}
	list := false
	cmd := &cobra.Command{
		Use:   "score --model FILE --train TABLE --label COLUMN --query TABLE --out RUN",
		Short: "the influence of train rows on query rows, into a run folder",
		Example: `  infl score --model model.txt --train train.parquet --label target --query test.parquet --out run
  infl score --model model.txt --train train.parquet --label target --self --method loss --out suspects`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			if list {
				return app.ListMethods(c.Streams, c.Output)
			}
			o.Common = *c
			return app.Score(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	modelFlags(f, &o.ModelOptions, "boostin")
	gradientFlags(f, &o.GradientOptions)
	textFlags(f, &o.TextOptions)
	f.IntVar(&o.Top, "top", 100, "keep up to K helpful and K harmful train rows per query")
	f.StringVar(&o.Matrix, "matrix", "", "also write the whole score matrix: npy or arrow")
	f.StringVar(&o.Aggregate, "aggregate", "", "also write one score per train row over all queries: sum, mean or max")
	f.StringVar(&o.By, "by", "", "aggregate per group of queries: a column of the query table")
	f.BoolVar(&o.Self, "self", false, "influence of every train row on itself (no --query)")
	f.StringVar(&o.Out, "out", "", "run folder for the results")
	f.StringVar(&o.ExportDirection, "export-direction", "", "of methods with a curvature: also write what each query's scores are inner products with, as changes of the weights, into this folder (without --out: only that)")
	f.BoolVar(&o.Fresh, "fresh", false, "replace an earlier run of the same folder")
	f.BoolVar(&o.DryRun, "dry-run", false, "print what it would cost, and stop")
	f.BoolVar(&list, "list-methods", false, "list the methods, and stop")
	return cmd
}
