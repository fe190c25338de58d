package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/infl-dev/infl/internal/app"
)

func newReport(c *app.Common) *cobra.Command {
	o := &app.ReportOptions{ModelFlags: func() (*app.ModelOptions, *pflag.FlagSet) {
		m := &app.ModelOptions{}
		f := pflag.NewFlagSet("run", pflag.ContinueOnError)
		modelFlags(f, m, "")
		gradientFlags(f, &m.GradientOptions)
		textFlags(f, &m.TextOptions)
		return m, f
	}}
	cmd := &cobra.Command{
		Use:   "report RUN...",
		Short: "one page about finished runs: the rows themselves, the whole set, suspects",
		Long: `Write one self-contained page about finished runs.

The page needs no network and no script. It shows queries beside the train rows
that helped and harmed them, the whole train set, rows that look wrong, and what
all this was computed from. The tables of the run must still be where they were;
with --no-rows only the run folder is read.

The numbers of all figures and the keys of all suspects lie beside the page as
CSV, in a folder of its name: report-series beside report.html.`,
		Example: `  infl report run
  infl report run --redact name --redact birthday --out shared.html
  infl report run --format md --out - >> pull-request.md`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			o.Common = *c
			return app.Report(cmd.Context(), o, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Out, "out", "", "file of the page, - for standard output (default report.html, .md or .json in the run folder)")
	f.StringVar(&o.Format, "format", "html", "of the page: html, md or json")
	f.StringVar(&o.MaxSize, "max-size", "5MB", "largest size of the page; fewer queries and rows are shown where it would be larger")
	f.StringSliceVar(&o.Redact, "redact", nil, "leave this column out, its name and values; may be repeated")
	f.BoolVar(&o.NoRows, "no-rows", false, "keys and scores only; read none of the run's inputs")
	return cmd
}
