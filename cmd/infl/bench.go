package main

import (
	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/internal/app"
)

func newBench(c *app.Common) *cobra.Command {
	return &cobra.Command{
		Use:   "bench [KERNEL...]",
		Short: "how fast the kernels run on this machine, beside what limits them",
		Long: `Measures each kernel, or those that are named, and prints its rate beside its
limit: the arithmetic peak of the CPU (independent multiply-adds), or a plain read of
the same memory. Both are measured in turn; the fastest of several repetitions counts.

The share of a kernel that reads from a cache is a share of reading that cache; such
a kernel may also compute or write.`,
		Args:      cobra.ArbitraryArgs,
		ValidArgs: app.BenchmarkNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			return app.Bench(cmd.Context(), c, args)
		},
	}
}
