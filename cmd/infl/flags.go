package main

import (
	"github.com/spf13/pflag"

	"github.com/infl-dev/infl/internal/app"
)

// commonFlags are those of every command.
func commonFlags(f *pflag.FlagSet, c *app.Common) {
	f.StringVar(&c.Output.Format, "format", "", "of what is printed: table, json, jsonl, csv or md (default table on a terminal, else jsonl)")
	f.StringSliceVar(&c.Output.Fields, "json", nil, "print these fields only, as JSON lines")
	f.StringVar(&c.Memory, "memory", "", "memory budget, such as 512MB or 2GiB (default 2GB); results do not depend on it")
	f.IntVar(&c.Workers, "workers", 0, "goroutines that compute (default: the number of CPUs); results do not depend on it")
	f.StringVar(&c.Tmp, "tmp", "", "folder for scratch files (default: the system's)")
	f.Uint64Var(&c.Seed, "seed", 0, "seed of methods that draw random numbers")
	f.String("config", "", "configuration file, TOML or JSON; keys are named as the flags")
	f.String("replay", "", "take the configuration of an earlier run from its run.json")
	f.BoolVarP(&c.Quiet, "quiet", "q", false, "no talk on stderr")
	f.BoolVarP(&c.Verbose, "verbose", "v", false, "also say what each phase took")
	f.BoolVar(&c.Debug, "debug", false, "show the chain of causes of an error")
	f.StringVar(&c.LogFormat, "log-format", "text", "of talk on stderr: text or json")
	f.BoolVar(&c.NoProgress, "no-progress", false, "no progress line")
}

// modelFlags name a tree model, its tables and what is asked of them.
func modelFlags(f *pflag.FlagSet, o *app.ModelOptions, method string) {
	f.StringVar(&o.Model, "model", "", "model file (LightGBM text, also .gz and .zst)")
	trainFlags(f, o)
	f.StringVar(&o.Query, "query", "", "table of the predictions to explain, or a glob of shards")
	f.StringVar(&o.Method, "method", method, "what to compute; infl score --list-methods shows all")
	f.StringVar(&o.Of, "of", "", "what of the query is influenced: loss, margin[:CLASS|:all] or probability[:CLASS|:all] (default loss; margin without labels)")
	f.StringVar(&o.Form, "form", "exact", "exact: corrected formulas; compat: those of the reference implementation")
	f.StringVar(&o.InitialScore, "initial-score", "", "whether removing a row also moves the initial score: refit or fixed (default refit where the library's rule is reproduced); for leafinfluence")
	f.StringVar(&o.Dtype, "dtype", "float32", "precision of the whole path: float32 or float64")
	f.StringVar(&o.LabelEdit, "label-edit", "", "ask what giving train rows this label would do: a label, or col:NAME of the query table")
	f.StringVar(&o.Measure, "measure", "", "of treesim and inputsim: dot, cosine or euclidean (default dot for treesim, euclidean for inputsim)")
	f.StringVar(&o.Rows, "rows", "", "score these train rows only: KEY,KEY,… or @FILE with a key per line")
	f.BoolVar(&o.AllowApproximate, "allow-approximate", false, "run derivative methods on models of verdict approximate or weak")
}

// trainFlags name the train table and what the model file may not hold.
func trainFlags(f *pflag.FlagSet, o *app.ModelOptions) {
	f.StringVar(&o.Train, "train", "", "table that the model was trained on: .csv, .tsv, .jsonl (also .gz, .zst), .parquet, .arrow, .npy, or a glob of shards")
	f.StringVar(&o.Label, "label", "", "column that the model predicts")
	f.StringVar(&o.Key, "key", "", "column that names the rows (default: row numbers from 0)")
	f.StringVar(&o.Weight, "weight", "", "column of the train rows' weights")
	f.StringVar(&o.Group, "group", "", "column of the train rows' groups")
	f.StringVar(&o.Base, "base", "", "column of initial scores per row")
	f.StringSliceVar(&o.Classes, "classes", nil, "label names in order of their numbers: A,B,…")
	f.StringVar(&o.Categories, "categories", "", "JSON file {column: [values in order of their codes]}, where the model file does not hold them")
	f.StringVar(&o.Predictions, "predictions", "", "col:NAME, the library's own predictions of the train rows, to check against")
	f.StringVar(&o.RowMasks, "row-masks", "", ".npy file of bool, train rows × iterations: which rows each tree saw in training (bagging)")
	f.Float64SliceVar(&o.LearningRate, "learning-rate", nil, "learning rate, or one per iteration, where the file does not hold it")
	f.StringVar(&o.Lambda, "lambda", "", "L2 regularisation, where the file does not hold it")
	f.StringVar(&o.Alpha, "alpha", "", "L1 regularisation, where the file does not hold it")
	f.StringVar(&o.Trees, "trees", "", "iterations to use: 0:B (default all in the file)")
}

// gradientFlags are those of methods on vectors.
func gradientFlags(f *pflag.FlagSet, o *app.GradientOptions) {
	f.StringSliceVar(&o.Checkpoints, "checkpoint", nil, "DIR[@LR], a folder with the sides train and query, and the learning rate there; may be repeated")
	f.StringVar(&o.Normalize, "normalize", "none", "of gradient methods: none, cosine, l-relatif or theta-relatif")
	f.StringVar(&o.Damping, "damping", "", "of methods with a curvature: heuristic (a tenth of its mean eigenvalue; the default), a number that is added to it, or tikhonov:NUMBER, which has an eigenvalue Λ inverted to Λ/(Λ² + NUMBER); with --factors also sweep:A,B,…, scores for each")
	f.StringSliceVar(&o.Factors, "factors", nil, "of ekfac, kfac, tkfac and diagonal: the folder that infl fit wrote, or kronfluence or bergson; of source: one for each --checkpoint, in order")
	f.StringVar(&o.Labels, "labels", "dataset", "of exact, cg, lissa and nystroem: dataset, whose curvature is that of the gradients of the capture (the empirical Fisher matrix); or exact, all labels by their probabilities, the exact Hessian of a linear layer")
	f.IntVar(&o.Rank, "rank", 0, "of nystroem: the number of directions of the curvature that are kept; of ekfac, kfac, tkfac and diagonal: the rank to which the gradients of queries are cut in each module, after the inverse (default: not cut)")
	f.IntVar(&o.Rescore, "rescore", 0, "with --rank: score the N highest and lowest train rows of each query once more, without the cut, and list these")
	f.StringVar(&o.Remove, "remove", "", "score sets of train rows, each left out whole: @FILE with a key per line and a blank line between sets; rows, each on its own; or groups, those of --group")
	f.StringVar(&o.Per, "per", "", "finer scores: module, a list for each module of the model; or token, lists of the tokens of train rows")
	f.StringVar(&o.Projection, "projection", "", "D[:srht|rademacher|gaussian|bergson|bergson-normal]: project each block of gradients to D numbers at random, by --seed; in float32")
	f.BoolVar(&o.NoBias, "no-bias", false, "of tracin-last and representer: the layer has no bias")
	f.BoolVar(&o.FreeBias, "free-bias", false, "of representer: the layer's bias is not regularised")
}

// textFlags are those of methods on texts and of --prefilter.
func textFlags(f *pflag.FlagSet, o *app.TextOptions) {
	f.StringVar(&o.Text, "text", "", "of idf-overlap: the column of the texts, in both tables")
	f.StringVar(&o.Tokens, "tokens", "", "of idf-overlap: words (runs of letters and digits in lower case; the default), or blanks (what stands between blanks, as it is)")
	f.StringVar(&o.Prefilter, "prefilter", "", "score these train rows only, for each query: idf-overlap:N, nearest:N (by cosine), random:N, or @FILE with keys, or a table with query_key and train_key")
	f.StringVar(&o.PrefilterTrain, "prefilter-train", "", "of --prefilter: texts or vectors of the train rows, in their order (default --train)")
	f.StringVar(&o.PrefilterQuery, "prefilter-query", "", "of --prefilter: texts or vectors of the query rows, in their order (default --query)")
}
