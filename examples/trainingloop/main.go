// Command trainingloop trains a logistic regression with a loop of its own, captures
// two moments of it, and prints which train rows helped and harmed a query.
//
//	go run ./examples/trainingloop
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/influence/sink"
)

const (
	features = 2
	rate     = 0.5
)

// An example is a point in the plane with one of two labels.
type example struct {
	x     [features]float64
	label float64
}

// A logistic is the whole model: weights, and the bias as last number.
type logistic [features + 1]float64

// gradient returns the loss of an example and its derivative by the model's output.
func (m *logistic) gradient(e example) (loss, g float64) {
	z := m[features]
	for j, v := range e.x {
		z += m[j] * v
	}
	p := 1 / (1 + math.Exp(-z))
	return math.Log1p(math.Exp(-math.Abs(z))) + max(z, 0) - z*e.label, p - e.label
}

// step moves the weights along the mean gradient of all examples.
func (m *logistic) step(rows []example) {
	var sum logistic
	for _, e := range rows {
		_, g := m.gradient(e)
		for j, v := range e.x {
			sum[j] += g * v
		}
		sum[features] += g
	}
	for j, v := range sum {
		m[j] -= rate * v / float64(len(rows))
	}
}

// capture writes what influence estimation needs of the model: for each row the inputs
// of its one layer and the gradient of the layer's output.
func (m *logistic) capture(dir, split string, step int, rows []example) (err error) {
	manifest := capture.NewManifest(split, capture.NewLinear("logistic", features, 1, true))
	manifest.Dtype, manifest.Loss.Name = "F64", "logistic"
	manifest.Model.Fingerprint = fmt.Sprint(*m)
	manifest.Checkpoint = capture.Checkpoint{Step: int64(step), LearningRate: rate}
	w, err := capture.Create(filepath.Join(dir, split), manifest, capture.WriterOptions{})
	if err != nil {
		return err
	}
	for i, e := range rows {
		loss, g := m.gradient(e)
		err := w.Write(capture.Batch{
			IDs: []int64{int64(i)}, Loss: []float64{loss},
			Inputs:          map[string]capture.Values{"logistic": {F64: e.x[:]}},
			OutputGradients: map[string]capture.Values{"logistic": {F64: []float64{g}}},
		})
		if err != nil {
			return err
		}
	}
	return w.Close()
}

// checkpoint opens a captured moment as the gradients of both sides.
func checkpoint(dir string) (c influence.Checkpoint, close func() error, err error) {
	run, err := capture.OpenRun(dir, capture.Options{})
	if err != nil {
		return c, nil, err
	}
	moment := run.Checkpoints[0]
	train, err := moment.Train.Gradients("logistic", dataset.Float64, 1)
	if err != nil {
		return c, nil, errors.Join(err, run.Close())
	}
	query, err := moment.Query.Gradients("logistic", dataset.Float64, 1)
	if err != nil {
		return c, nil, errors.Join(err, run.Close())
	}
	return influence.Checkpoint{Train: []influence.Vectors{train}, Query: []influence.Vectors{query}, Rate: moment.LearningRate}, run.Close, nil
}

// examples draws points around (1, 1) and (−1, −1); row 7 has the wrong label.
func examples() []example {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]example, 40)
	for i := range rows {
		label := float64(i % 2)
		for j := range rows[i].x {
			rows[i].x[j] = 2*label - 1 + 0.5*r.NormFloat64()
		}
		rows[i].label = label
	}
	rows[7].label = 1 - rows[7].label
	return rows
}

// run trains, captures after steps 5 and 20, and scores by TracIn.
func run(ctx context.Context, dir string, out io.Writer) (err error) {
	rows, query := examples(), []example{{[features]float64{0.8, 1.1}, 1}}
	var moments []influence.Checkpoint
	m := logistic{}
	for step := 1; step <= 20; step++ {
		m.step(rows)
		if step != 5 && step != 20 {
			continue
		}
		at := filepath.Join(dir, fmt.Sprintf("step%d", step))
		if err := errors.Join(m.capture(at, "train", step, rows), m.capture(at, "query", step, query)); err != nil {
			return err
		}
		c, close, err := checkpoint(at)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, close()) }()
		moments = append(moments, c)
	}
	scorer, err := influence.TracIn(moments, false, influence.ProductOptions{})
	if err != nil {
		return err
	}
	job := influence.Job{Train: influence.RowRange(0, int64(len(rows))), Query: influence.RowRange(0, 1), Precision: influence.Float64}
	top, err := sink.Top(ctx, scorer, job, 1)
	if err != nil {
		return err
	}
	for _, e := range top {
		if _, err := fmt.Fprintf(out, "%s: train row %d, score %.4f\n", e.Side, e.TrainRow, e.Score); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	dir, err := os.MkdirTemp("", "trainingloop")
	if err == nil {
		err = errors.Join(run(context.Background(), dir, os.Stdout), os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
