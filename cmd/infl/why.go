package main

import (
	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/internal/app"
)

func newWhy(c *app.Common) *cobra.Command {
	o := &app.WhyOptions{}
	cmd := &cobra.Command{
		Use:     "why --model FILE --train TABLE --label COLUMN --query TABLE [--row KEY]",
		Short:   "explain a prediction by the rows that taught it",
		Example: `  infl why --model model.txt --train train.parquet --label target --query test.parquet --row 17`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			o.Common = *c
			return app.Why(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	modelFlags(f, &o.ModelOptions, "leafinfluence")
	f.StringSliceVar(&o.Row, "row", nil, "key or number of a query row; may be repeated (default the first row)")
	f.IntVar(&o.Top, "top", 10, "show up to K train rows on either side")
	f.StringSliceVar(&o.Redact, "redact", nil, "leave this column out of what is shown; may be repeated")
	f.BoolVar(&o.NoRows, "no-rows", false, "show no fields of rows")
	return cmd
}
