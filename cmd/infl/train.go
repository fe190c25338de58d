package main

import (
	"github.com/spf13/cobra"

	"github.com/infl-dev/infl/internal/app"
)

func newTrain(c *app.Common) *cobra.Command {
	o := &app.TrainOptions{}
	cmd := &cobra.Command{
		Use:   "train --kind ridge|softmax|mlp --train TABLE --label COLUMN --out DIR",
		Short: "train a built-in model on a table, with a capture of its rows",
		Example: `  infl train --kind softmax --train train.csv --label digit --query test.csv --capture --out digits
  infl score --method exact --train digits/capture/ckpt0/train --query digits/capture/ckpt0/query --damping 0.01 --out run
  infl train --kind mlp --hidden 64,32 --epochs 30 --checkpoints 3 --train train.csv --label digit --capture --out digits`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := configure(cmd, c); err != nil {
				return err
			}
			o.Common = *c
			if err := o.Validate(cmd.Flags().Changed); err != nil {
				return err
			}
			return app.Train(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Kind, "kind", "", "what to train: ridge, softmax (multinomial regression) or mlp (multilayer perceptron)")
	f.StringVar(&o.Train, "train", "", "table to train on: .csv, .tsv, .jsonl (also .gz, .zst), .parquet, .arrow, .npy, or a glob of shards")
	f.StringVar(&o.Query, "query", "", "table of further rows, with labels: they are captured and the model is tried on them")
	f.StringVar(&o.Label, "label", "", "column to predict")
	f.StringVar(&o.Key, "key", "", "column that names the rows (default: row numbers from 0)")
	f.StringSliceVar(&o.Features, "features", nil, "columns of features, all numbers (default: every column without a role)")
	f.StringSliceVar(&o.Classes, "classes", nil, "label names in order of their numbers: A,B,… (default: sorted)")
	f.StringVar(&o.Out, "out", "", "folder for model.json, model.safetensors and capture/")
	f.BoolVar(&o.Fresh, "fresh", false, "replace an earlier model of the same folder")
	f.BoolVar(&o.Capture, "capture", false, "also write captures: DIR/capture/ckpt0/train, …/query, one ckpt folder for each checkpoint")
	f.Float64Var(&o.L2, "l2", 0.01, "μ of the objective: mean loss + μ/2·|θ|² (default of mlp 0)")
	f.BoolVar(&o.FreeBias, "free-bias", false, "leave biases out of the penalty")
	f.BoolVar(&o.Standardize, "standardize", true, "scale features to mean 0 and deviation 1 of the train rows")
	f.StringVar(&o.Loss, "loss", "cross_entropy", "of mlp: cross_entropy (classes) or half_squared_error (numbers)")
	f.IntSliceVar(&o.Hidden, "hidden", []int{32}, "of mlp: outputs of each hidden layer")
	f.StringVar(&o.Activation, "activation", "relu", "of mlp: relu, gelu or tanh")
	f.IntVar(&o.Epochs, "epochs", 20, "of mlp: passes over the train rows")
	f.IntVar(&o.BatchSize, "batch-size", 32, "of mlp: rows of a step")
	f.StringVar(&o.Optimizer, "optimizer", "sgd", "of mlp: sgd, momentum or adam")
	f.Float64Var(&o.LearningRate, "learning-rate", 0, "of mlp (default 0.1, of adam 0.001)")
	f.Float64Var(&o.Momentum, "momentum", 0, "of mlp: decay of the optimizer momentum (default 0.9)")
	f.IntVar(&o.Checkpoints, "checkpoints", 1, "of mlp: how many are captured, evenly over the epochs; the last one is the model")
	return cmd
}
