package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/infl-dev/infl/internal/app"
)

func newConfig(c *app.Common) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "show the effective configuration",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return app.UnknownWord("command", args[0], commandNames(cmd))
		},
	}
	show := &cobra.Command{
		Use:   "show [COMMAND]",
		Short: "each flag of a command (default score), its value and where that comes from",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "score"
			if len(args) > 0 {
				name = args[0]
			}
			target, _, err := cmd.Root().Find([]string{name})
			if err != nil || target == cmd.Root() {
				return app.UnknownWord("command", name, commandNames(cmd.Root()))
			}
			flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
			flags.AddFlagSet(target.InheritedFlags())
			flags.AddFlagSet(target.LocalFlags())
			flags.AddFlagSet(cmd.Flags())
			from, err := app.Layer(flags)
			if err != nil {
				return err
			}
			return app.ShowConfig(c, flags, from)
		},
	}
	cmd.AddCommand(show)
	return cmd
}
