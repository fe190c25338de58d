package app

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/infl-dev/infl/influence/retrain"
	"github.com/infl-dev/infl/internal/parallel"
)

// An evalTrainer is the trainer of --trainer: each answer is kept and counted.
type evalTrainer struct {
	evaluation *evaluation
	journal    retrain.Journal
	files      []string       // that a command names
	inputs     map[string]any // of the built-in trainer
	workers    int            // trainings at the same time

	prove func(ctx context.Context) error // that it is the trainer of the model in question
}

// newEvalTrainer reads --trainer.
func newEvalTrainer(ctx context.Context, e *evaluation) (*evalTrainer, error) {
	t := &evalTrainer{evaluation: e, prove: func(context.Context) error { return nil }}
	line, isCommand := strings.CutPrefix(e.options.Trainer, "cmd:")
	switch {
	case isCommand:
		return t, t.command(line)
	case e.options.Trainer == "builtin":
		return t, t.builtin(ctx)
	}
	return nil, fmt.Errorf("--trainer %q is not known; use cmd:PROGRAM ARGUMENTS or builtin", e.options.Trainer)
}

// command trains by a program, one training after the other unless --workers is given:
// most programs use all of the machine already.
func (t *evalTrainer) command(line string) error {
	arguments, err := retrain.ParseCommand(line)
	if err != nil {
		return fmt.Errorf("--trainer: %w", err)
	}
	e := t.evaluation
	t.workers = max(1, e.options.Workers)
	t.journal.Trainer = &retrain.Command{Arguments: arguments, Rows: e.n(), Queries: int(e.q()), Tmp: e.options.Tmp}
	for _, a := range arguments {
		if info, err := os.Stat(a); err == nil && info.Mode().IsRegular() {
			t.files = append(t.files, a)
		}
	}
	return nil
}

// builtin trains as the model of --model was trained, a training on each worker.
func (t *evalTrainer) builtin(ctx context.Context) error {
	m, b, err := t.evaluation.openBuiltin(ctx)
	if err != nil {
		return err
	}
	print, err := m.Fingerprint()
	if err != nil {
		return err
	}
	t.workers, t.journal.Trainer = parallel.Workers(t.evaluation.options.Workers), b
	t.inputs = map[string]any{"model": print, "train": b.Train.Table, "query": b.Query.Table}
	t.prove = func(ctx context.Context) error { return proveBuiltin(ctx, m, b) }
	return nil
}

// Fit implements retrain.Trainer.
func (t *evalTrainer) Fit(ctx context.Context, c retrain.Change) (retrain.Answer, error) {
	a, err := t.journal.Fit(ctx, c)
	if err == nil {
		t.evaluation.progress.Add(1)
	}
	return a, err
}
