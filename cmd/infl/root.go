package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/infl-dev/infl/internal/app"
)

// newRoot builds the command tree around c, which every command fills.
func newRoot(c *app.Common) *cobra.Command {
	root := &cobra.Command{
		Use:   "infl",
		Short: "which training rows taught a model what it does",
		Long: `infl tells which training rows taught a model what it does.

It reads a LightGBM model file and the table that it was trained on, proves that
the two belong together, and explains predictions by train rows.

score > 0 means: this train row helps this query; removing it would raise the
query's loss.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return app.UnknownWord("command", args[0], commandNames(cmd))
		},
	}
	root.SetOut(c.Streams.Out)
	root.SetErr(c.Streams.Err)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true, Use: "no-help"})
	commonFlags(root.PersistentFlags(), c)
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newDemo(c), newInspect(c), newWhy(c), newTrain(c), newFit(c), newScore(c), newEval(c), newReport(c), newConvert(c), newVerify(c), newBench(c),
		newConfig(c), newCompletion(c), newMan(c), newVersion(c),
	)
	for _, cmd := range root.Commands() {
		sayUsage(cmd)
	}
	return root
}

// sayUsage adds how a command is used to the error about its arguments.
func sayUsage(cmd *cobra.Command) {
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err != nil && len(args) > 0 {
			err = fmt.Errorf("unexpected argument %q", args[len(args)-1])
		} else if err != nil {
			err = errors.New("an argument is missing")
		}
		if err != nil {
			return fmt.Errorf("%s: %w; usage: %s", cmd.Name(), err, cmd.UseLine())
		}
		return nil
	}
}

func commandNames(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	return names
}

// flagError adds the nearest flags to the message about an unknown one.
func flagError(cmd *cobra.Command, err error) error {
	name, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !ok {
		return fmt.Errorf("%w (see infl %s --help)", err, cmd.Name())
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, "--"+f.Name) })
	return app.UnknownFlag("--"+name, cmd.Name(), known)
}

// configure fills open flags from environment and files and notes the
// effective configuration; each command calls it first.
func configure(cmd *cobra.Command, c *app.Common) error {
	if _, err := app.Layer(cmd.Flags()); err != nil {
		return err
	}
	c.Configuration = app.Configuration(cmd.Flags())
	c.Configuration["command"] = cmd.Name()
	return c.Validate()
}
