package main

import (
	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/internal/app"
)

func newDemo(c *app.Common) *cobra.Command {
	return &cobra.Command{
		Use:   "demo [DIR]",
		Short: "write a small real model and its data to DIR (default infl-demo) and explain it",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			dir := "infl-demo"
			if len(args) > 0 {
				dir = args[0]
			}
			return app.Demo(cmd.Context(), c, dir, func(args []string) error {
				return execute(cmd.Context(), &app.Common{Streams: c.Streams, Version: c.Version, Args: args})
			})
		},
	}
}
