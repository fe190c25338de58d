package main

import (
	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/internal/app"
)

func newInspect(c *app.Common) *cobra.Command {
	return &cobra.Command{
		Use:   "inspect PATH...",
		Short: "what is this model, table, capture or run, and what is supported of it",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			return app.Inspect(cmd.Context(), c, args)
		},
	}
}
