package app

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/influence/model"
)

// TrainOptions are those of infl train.
type TrainOptions struct {
	Common

	Kind, Train, Query, Label, Key string
	Features, Classes              []string
	Out                            string
	Fresh, Capture                 bool
	Checkpoints                    int

	L2                          float64
	FreeBias, Standardize       bool
	Loss, Activation, Optimizer string
	Hidden                      []int
	Epochs, BatchSize           int
	LearningRate, Momentum      float64
}

// perceptronFlags have no meaning for the other kinds.
var perceptronFlags = []string{"loss", "activation", "optimizer", "hidden", "epochs", "batch-size", "learning-rate", "momentum", "checkpoints"}

// Validate lists what is wrong with the options as far as no file tells; set tells
// whether a flag was given.
func (o *TrainOptions) Validate(set func(flag string) bool) error {
	var kinds []string
	for _, k := range model.Kinds() {
		kinds = append(kinds, string(k))
	}
	var errs []error
	switch {
	case o.Kind == "":
		errs = append(errs, needed("", "--kind", "what to train: "+joinNames(kinds)))
	case o.Kind == "gbdt":
		errs = append(errs, fmt.Errorf("--kind gbdt is not built yet; it must be one of %s", joinNames(kinds)))
	case !slices.Contains(kinds, o.Kind):
		errs = append(errs, UnknownWord("kind", o.Kind, kinds))
	case o.Kind != string(model.MLP):
		var idle []string
		for _, f := range perceptronFlags {
			if set(f) {
				idle = append(idle, "--"+f)
			}
		}
		if len(idle) > 0 {
			errs = append(errs, fmt.Errorf("%s: only --kind mlp depends on %s", joinNames(idle), plural(len(idle), "it", "them")))
		}
	}
	errs = append(errs,
		needed(o.Train, "--train", "the table to train on"),
		needed(o.Label, "--label", "the column to predict"),
		needed(o.Out, "--out", "the folder for the model"))
	if o.Checkpoints < 1 {
		errs = append(errs, fmt.Errorf("--checkpoints %d; there is one at least, the end of training", o.Checkpoints))
	}
	if !set("l2") && o.Kind == string(model.MLP) {
		o.L2 = 0
	}
	return errors.Join(errs...)
}

// options are those of the library.
func (o *TrainOptions) options() model.Options {
	return model.Options{
		Kind: model.Kind(o.Kind), L2: o.L2, FreeBias: o.FreeBias, Standardize: o.Standardize,
		Loss: model.Loss(o.Loss), Activation: model.Activation(o.Activation), Optimizer: model.Optimizer(o.Optimizer),
		Hidden: o.Hidden, Epochs: o.Epochs, BatchSize: o.BatchSize, LearningRate: o.LearningRate, Momentum: o.Momentum,
		Seed: o.Seed, Workers: o.Workers,
	}
}

// Train trains a model on a table, writes it and its captures into a folder, and prints
// how well it does.
func Train(ctx context.Context, o *TrainOptions) (err error) {
	restore, err := o.limitHeap()
	if err != nil {
		return err
	}
	defer restore()
	if err := o.makeWay(); err != nil {
		return err
	}
	train, query, err := o.tables(ctx)
	if err != nil {
		return err
	}
	checkpoints, err := o.fit(ctx, train)
	if err != nil {
		return err
	}
	final := checkpoints[len(checkpoints)-1]
	if err := o.write(ctx, checkpoints, train, query); err != nil {
		return err
	}
	return o.printQuality(ctx, final, train, query)
}

// makeWay refuses an --out that holds something else than what --fresh may replace.
func (o *TrainOptions) makeWay() error {
	entries, err := os.ReadDir(o.Out)
	switch {
	case errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return err
	case !model.IsModel(o.Out):
		return fmt.Errorf("%s: is a folder with something else than a model in it; name another one", o.Out)
	case !o.Fresh:
		return fmt.Errorf("%s: holds a model; name another folder, or replace it with --fresh", o.Out)
	}
	return nil
}

// tables reads both tables; without --query the second one is nil.
func (o *TrainOptions) tables(ctx context.Context) (train, query *model.Data, err error) {
	budget, err := o.memory()
	if err != nil {
		return nil, nil, err
	}
	// Features are in memory as they are and scaled, and the query's beside them.
	read := model.TableOptions{Workers: o.Workers, Memory: budget / 4}
	columns := model.Columns{
		Label: o.Label, Key: o.Key, Features: o.Features, Classes: o.Classes,
		Classify: o.Kind == string(model.Softmax) || o.Kind == string(model.MLP) && o.Loss == string(model.CrossEntropy),
	}
	if train, err = model.ReadTable(ctx, o.Train, columns, read); err != nil || o.Query == "" {
		return train, nil, err
	}
	columns.Features, columns.Classes = train.Features, train.Classes
	query, err = model.ReadTable(ctx, o.Query, columns, read)
	return train, query, err
}

// fit trains, and returns the checkpoints that are kept, the final model last.
func (o *TrainOptions) fit(ctx context.Context, train *model.Data) ([]*model.Model, error) {
	options := o.options()
	var kept []*model.Model
	if options.Kind == model.MLP {
		if o.Checkpoints > o.Epochs {
			return nil, fmt.Errorf("--checkpoints %d: there are %d epochs", o.Checkpoints, o.Epochs)
		}
		p := o.progress(1)
		defer p.Close()
		p.Phase("train", "epochs", int64(o.Epochs))
		options.Checkpoint = func(m *model.Model) error {
			p.Add(1)
			// Epoch e ends a checkpoint where ⌊e·c/E⌋ grows.
			if e := m.Training.Epoch; e*o.Checkpoints/o.Epochs > (e-1)*o.Checkpoints/o.Epochs && e < o.Epochs {
				kept = append(kept, m)
			}
			return nil
		}
	}
	m, err := model.Fit(ctx, train, options, model.Subset{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Train, err)
	}
	return append(kept, m), nil
}

// write writes the model and its captures into a folder beside --out, which takes its
// name when it is whole.
func (o *TrainOptions) write(ctx context.Context, checkpoints []*model.Model, train, query *model.Data) (err error) {
	out := filepath.Clean(o.Out)
	if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	if err := checkpoints[len(checkpoints)-1].Save(temp); err != nil {
		return err
	}
	if o.Capture {
		if err := model.CaptureCheckpoints(ctx, filepath.Join(temp, "capture"), checkpoints, train, query, o.Workers); err != nil {
			return err
		}
	}
	// Only a model may get lost, whatever came there since training began.
	if err := o.makeWay(); err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	return os.Rename(temp, out)
}

// printQuality prints mean loss, and accuracy or root mean square error.
func (o *TrainOptions) printQuality(ctx context.Context, m *model.Model, train, query *model.Data) error {
	measure := "rmse"
	if m.Loss == model.CrossEntropy {
		measure = "accuracy"
	}
	t := &Table{Fields: []string{"split", "rows", "loss", measure}}
	for _, side := range []struct {
		split string
		rows  *model.Data
	}{{"train", train}, {"query", query}} {
		if side.rows == nil {
			continue
		}
		loss, quality, err := o.quality(ctx, m, side.rows)
		if err != nil {
			return err
		}
		t.Add(side.split, side.rows.Len(), loss, quality)
	}
	return o.Output.Print(o.Streams, t)
}

// quality returns the mean loss of rows, and the accuracy or the root of twice that
// loss, which is the root mean square error.
func (o *TrainOptions) quality(ctx context.Context, m *model.Model, d *model.Data) (loss, quality float64, err error) {
	losses, err := m.Losses(ctx, d, o.Workers)
	if err != nil {
		return 0, 0, err
	}
	for _, v := range losses {
		loss += v
	}
	loss /= float64(d.Len())
	if m.Loss == model.HalfSquared {
		return loss, math.Sqrt(2 * loss), nil
	}
	classes, err := m.Predict(ctx, d, o.Workers)
	if err != nil {
		return 0, 0, err
	}
	right := 0
	for i, c := range classes {
		if float64(c) == d.Y[i] {
			right++
		}
	}
	return loss, float64(right) / float64(d.Len()), nil
}
