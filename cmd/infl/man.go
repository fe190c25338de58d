package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/infl-dev/infl/internal/app"
)

func newMan(c *app.Common) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "write the manual pages",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o777); err != nil {
				return fmt.Errorf("the folder of the manual pages: %w", err)
			}
			// A fixed date keeps the pages the same from build to build.
			date := time.Unix(0, 0).UTC()
			return doc.GenManTree(cmd.Root(), &doc.GenManHeader{Title: "INFL", Section: "1", Source: "infl " + c.Version, Date: &date}, args[0])
		},
	}
}
