package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/infl-dev/infl/influence/model"
	"github.com/infl-dev/infl/influence/retrain"
)

// builtinFlags are what --trainer builtin reads, by flag.
func (o *EvalOptions) builtinFlags() map[string]string {
	return map[string]string{"--model": o.Model, "--train": o.Train, "--query": o.Query, "--label": o.Label}
}

// validateTrainer lists what is wrong with --trainer and the flags of the built-in one.
func (o *EvalOptions) validateTrainer() error {
	builtin := o.Trainer == "builtin"
	var errs []error
	for _, f := range []struct{ flag, what string }{
		{"--model", "the folder of infl train"}, {"--train", "the table that the model was trained on"},
		{"--query", "the table of the queries"}, {"--label", "the column that the model predicts"},
	} {
		value := o.builtinFlags()[f.flag]
		if builtin {
			errs = append(errs, needed(value, f.flag, f.what))
		} else if value != "" {
			errs = append(errs, fmt.Errorf("%s: only --trainer builtin depends on it", f.flag))
		}
	}
	return errors.Join(errs...)
}

// openBuiltin reads a model of infl train and its tables: the trainer trains as the model
// was trained. Where a few rows are left out the objective keeps the denominator of all
// rows, as scores of removal mean it; on subsets it is the mean over the subset.
func (e *evaluation) openBuiltin(ctx context.Context) (*model.Model, *retrain.BuiltIn, error) {
	o := e.options
	m, err := model.Load(o.Model)
	if err != nil {
		return nil, nil, err
	}
	budget, err := o.memory()
	if err != nil {
		return nil, nil, err
	}
	columns := model.Columns{Label: o.Label, Features: m.Features, Classify: m.Loss == model.CrossEntropy, Classes: m.Classes}
	b := &retrain.BuiltIn{Options: trainedAs(m), KeepDenominator: e.protocol != ldsProtocol}
	for _, side := range []struct {
		path, flag string
		rows       int64
		into       **model.Data
	}{{o.Train, "--train", e.n(), &b.Train}, {o.Query, "--query", e.q(), &b.Query}} {
		if *side.into, err = model.ReadTable(ctx, side.path, columns, model.TableOptions{Workers: o.Workers, Memory: budget / 4}); err != nil {
			return nil, nil, err
		}
		if n := int64((*side.into).Len()); n != side.rows {
			return nil, nil, fmt.Errorf("%s: has %d rows, and %s has scores of %d; %s is the table that was scored", side.path, n, e.scores.dir, side.rows, side.flag)
		}
	}
	return m, b, nil
}

// trainedAs returns the options that a model was trained with.
func trainedAs(m *model.Model) model.Options {
	t := m.Training
	o := model.Options{
		Kind: m.Kind, L2: t.L2, FreeBias: t.FreeBias, Standardize: m.Scaling != nil, Loss: m.Loss, Activation: m.Activation,
		Epochs: t.Epoch, BatchSize: t.BatchSize, Optimizer: t.Optimizer, LearningRate: t.LearningRate, Momentum: t.Momentum,
		Seed: t.Seed, Workers: 1,
	}
	for _, l := range m.Layers[:len(m.Layers)-1] {
		o.Hidden = append(o.Hidden, l.Out)
	}
	return o
}

// proveBuiltin trains with all rows and the model's own seed: that must give the model,
// or its trainer would answer for another one.
func proveBuiltin(ctx context.Context, m *model.Model, b *retrain.BuiltIn) error {
	again, err := model.Fit(ctx, b.Train, b.Options, model.Subset{})
	if err != nil {
		return err
	}
	want, errWant := m.Fingerprint()
	got, errGot := again.Fingerprint()
	if err := errors.Join(errWant, errGot); err != nil {
		return err
	}
	if want != got {
		return &GateError{errors.New("training the model of --model again on --train gives another one; name the table that it was trained on, and train it with infl train of this version")}
	}
	return nil
}
