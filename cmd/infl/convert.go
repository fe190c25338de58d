package main

import (
	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/internal/app"
)

func newConvert(c *app.Common) *cobra.Command {
	o := &app.ConvertOptions{}
	cmd := &cobra.Command{
		Use:   "convert IN OUT --to infl|npy|safetensors|kronfluence",
		Short: "gradients, scores and factors of one tool as those of another",
		Long: `convert reads gradients, scores or factors and writes them in another format.

IN is a store of bergson, TRAK, LESS, LogIX, dattri or kronfluence, a .pt file, a
capture, a file or folder of vectors, or a run folder with matrix.npy; infl inspect
says what it is. OUT is a file for npy (one matrix: all modules of a row one after the
other) and safetensors (a tensor for each module), a folder for infl and kronfluence.
Factors of infl fit, kronfluence and bergson become folders of infl or kronfluence.`,
		Example: `  infl convert index index.npy --to npy
  infl convert run scores --to kronfluence
  infl convert factors kronfluence --to kronfluence`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			o.Common = *c
			return app.Convert(cmd.Context(), o, args[0], args[1])
		},
	}
	cmd.Flags().StringVar(&o.To, "to", "", "format of OUT: infl, npy, safetensors or kronfluence")
	cmd.Flags().StringVar(&o.Adam, "adam", "", "write the directions that Adam would go on gradients, with the state (exp_avg, exp_avg_sq) of this file, such as optimizer.safetensors of a checkpoint")
	cmd.Flags().StringVar(&o.Matrix, "matrix", "", "multiply vectors with the matrix of this file, numbers × numbers kept: the projection of another tool")
	cmd.Flags().StringVar(&o.Dtype, "dtype", "float32", "precision in which the gradients of a capture are formed: float32 or float64")
	return cmd
}
