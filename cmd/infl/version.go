package main

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/internal/app"
)

func newVersion(c *app.Common) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "version of infl, of its formats and of Go, and what computes",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			blas, err := app.SystemBLAS()
			if err != nil {
				return err
			}
			if blas == "" {
				blas = "none"
			}
			t := &app.Table{Fields: []string{"version", "schema", "go", "platform", "cpu", "blas"}}
			t.Add(c.Version, sink.Schema, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH, app.CPU(), blas)
			return c.Output.Print(c.Streams, t)
		},
	}
}
