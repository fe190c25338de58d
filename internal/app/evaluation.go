package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/retrain"
	"github.com/infl-dev/infl/influence/sink"
)

// An evaluation is the scores of a run on the way to what they are worth.
type evaluation struct {
	talking
	options  *EvalOptions
	protocol *protocol
	scores   *scoredRun
	trainer  *evalTrainer // nil where nothing is trained

	trainings int64 // at most
	progress  *Progress
}

// openEvaluation opens the scores and the trainer, and finds out how much there is to
// train.
func openEvaluation(ctx context.Context, o *EvalOptions) (_ *evaluation, err error) {
	e := &evaluation{talking: talking{common: &o.Common}, options: o}
	if e.protocol, err = findProtocol(o.Protocol); err != nil {
		return nil, err
	}
	if e.scores, err = openScored(o.Scores); err != nil {
		return nil, err
	}
	if err := e.openTrainer(ctx); err != nil {
		return nil, errors.Join(err, e.scores.close())
	}
	return e, nil
}

func (e *evaluation) openTrainer(ctx context.Context) (err error) {
	if e.protocol.matrix {
		if err := e.scores.needMatrix(); err != nil {
			return err
		}
	}
	if e.options.Trainer == "" {
		return nil
	}
	if e.trainer, err = newEvalTrainer(ctx, e); err != nil {
		return err
	}
	e.trainings, err = e.protocol.trainings(ctx, e)
	return err
}

// n and q are the numbers of train and query rows that have scores.
func (e *evaluation) n() int64 { return int64(e.scores.matrix.Cols()) }
func (e *evaluation) q() int64 { return e.scores.matrix.Rows() }

// experiment trains for the protocol.
func (e *evaluation) experiment() retrain.Experiment {
	return retrain.Experiment{
		Trainer: e.trainer, Queries: int(e.q()), Repeats: e.options.Repeats, Seed: e.options.Seed, Workers: e.trainer.workers,
	}
}

// metrics are what metrics.json says; of protocols on a matrix also its shape, and of
// those that train how often.
func (e *evaluation) metrics(values map[string]metric, settings map[string]any) metrics {
	if e.protocol.matrix {
		settings["train_rows"], settings["queries"] = e.n(), e.q()
	}
	if e.trainer != nil {
		settings["repeats"] = e.options.Repeats
	}
	return metrics{Schema: sink.Schema, Protocol: e.protocol.name, Method: e.scores.record.Method, Metrics: values, Settings: settings}
}

// fingerprints are those of files that the evaluation reads. The scores are known by
// what their own record says of them.
func (e *evaluation) fingerprints(ctx context.Context) (map[string]any, error) {
	out := map[string]any{"scores": e.scores.record.Outputs}
	files := map[string]string{"masks": e.options.Masks, "losses": e.options.Losses}
	for flag, list := range map[string]string{"rows": e.options.Rows, "remove": e.options.Remove, "noisy": e.options.Noisy} {
		if path, isFile := strings.CutPrefix(list, "@"); isFile {
			files[flag] = path
		}
	}
	if e.trainer != nil {
		maps.Copy(out, e.trainer.inputs)
		for _, path := range e.trainer.files {
			files["trainer/"+path] = path
		}
	}
	for name, path := range files {
		if path == "" {
			continue
		}
		print, err := dataset.FingerprintFile(ctx, path)
		if err != nil {
			return nil, err
		}
		out[name] = dataset.Fingerprint{Files: []dataset.FileFingerprint{print}}
	}
	return out, nil
}

// printPlan prints what an evaluation would cost.
func (e *evaluation) printPlan() error {
	t := &Table{Fields: []string{"what", "value", "readable"}}
	scores := int64(0)
	for _, out := range e.scores.record.Outputs {
		scores += out.Bytes
	}
	t.Add("read scores", scores, formatBytes(scores))
	t.Add("trainings", e.trainings, fmt.Sprintf("at most %d", e.trainings))
	return e.options.Output.Print(e.options.Streams, t)
}
