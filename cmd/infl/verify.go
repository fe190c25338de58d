package main

import (
	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/internal/app"
)

func newVerify(c *app.Common) *cobra.Command {
	o := &app.VerifyOptions{}
	o.Form, o.Dtype = "exact", "float32"
	cmd := &cobra.Command{
		Use:   "verify PATH...",
		Short: "check runs, captures, factors and models: hashes, formats, signs, eigenbases; a model against its train table",
		Example: `  infl verify run
  infl verify model.txt --train train.parquet --label target`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			o.Common = *c
			return app.Verify(cmd.Context(), o, args)
		},
	}
	trainFlags(cmd.Flags(), &o.ModelOptions)
	cmd.Flags().BoolVar(&o.ExitZero, "exit-zero", false, "exit 0 also where a check fails")
	return cmd
}
