package model

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// CaptureOptions say how rows are captured.
type CaptureOptions struct {
	Split      string // for example train or query
	Checkpoint string // name of the moment of training; may be empty
	Workers    int    // results do not depend on it
}

// Capture writes the capture of all rows of d, level rows in float64, into a new folder
// dir: the scaled inputs of each layer, the gradients of each row's own loss by the
// layer's outputs (without the penalty), losses and keys. Keys that are text become row
// numbers, which is noted in the manifest. The manifest has the model's fingerprint,
// so that only captures of the same weights are scored together, and the learning rate
// and step of training. A folder with a finished capture is an error, see
// [capture.Create].
func (m *Model) Capture(ctx context.Context, dir string, d *Data, o CaptureOptions) error {
	manifest, err := m.manifest(d, o)
	if err != nil {
		return caused(dir, err)
	}
	w, err := capture.Create(dir, manifest, capture.WriterOptions{})
	if err != nil {
		return err
	}
	skip, keys := int(w.Finished()), d.keys()
	err = m.each(ctx, d, o.Workers, true, func(first int, p *pass) error {
		from := min(max(0, skip-first), len(p.losses))
		b := capture.Batch{Loss: p.losses[from:], Inputs: map[string]capture.Values{}, OutputGradients: map[string]capture.Values{}}
		for i := from; i < len(p.losses); i++ {
			id := int64(first + i)
			if keys.IsInt() {
				id = keys.Int(id)
			}
			b.IDs = append(b.IDs, id)
		}
		for i := range m.Layers {
			l, a := &m.Layers[i], p.inputs[i]
			b.Inputs[l.Name] = capture.Values{F64: packed(a.Block(from, 0, a.Rows-from, l.In))}
			b.OutputGradients[l.Name] = capture.Values{F64: packed(p.gradients[i].Block(from, 0, a.Rows-from, l.Out))}
		}
		return w.Write(b)
	})
	if err != nil {
		return err
	}
	return w.Close()
}

// manifest describes a capture of the model.
func (m *Model) manifest(d *Data, o CaptureOptions) (capture.Manifest, error) {
	var modules []capture.Module
	for i := range m.Layers {
		l := &m.Layers[i]
		modules = append(modules, capture.NewLinear(l.Name, int64(l.In), int64(l.Out), true))
	}
	out := capture.NewManifest(o.Split, modules...)
	out.Dtype, out.Loss.Name = "F64", string(m.Loss)
	print, err := m.Fingerprint()
	out.Model = capture.Model{Name: string(m.Kind), Fingerprint: print}
	out.Checkpoint = capture.Checkpoint{ID: o.Checkpoint, Step: m.Training.Step, LearningRate: m.Training.LearningRate}
	out.Dataset.IDs = "keys of the rows"
	if files := d.Table.Files; len(files) > 0 {
		out.Dataset.Name = files[0].Name
	}
	switch keys := d.keys(); {
	case !keys.IsInt():
		out.Dataset.IDs = "row numbers, from 0; the table's keys are text"
	case d.Keys == nil:
		out.Dataset.IDs = "row numbers, from 0"
	}
	return out, err
}

// packed returns the numbers of a matrix without gaps between the rows.
func packed(m kernel.Matrix[float64]) []float64 {
	out := make([]float64, 0, m.Rows*m.Cols)
	for i := range m.Rows {
		out = append(out, m.Row(i)...)
	}
	return out
}

// checkpointName is the folder of a checkpoint.
func checkpointName(i int) string { return fmt.Sprintf("ckpt%d", i) }

// CaptureCheckpoints writes dir/ckpt0/train, dir/ckpt0/query and so on for models that
// are checkpoints of one training, and dir/run.json that lists them; query may be nil.
// Beside the captures of models that Adam has just trained, and that were not read from a
// file, is optimizer.safetensors with its running means exp_avg and exp_avg_sq.
func CaptureCheckpoints(ctx context.Context, dir string, checkpoints []*Model, train, query *Data, workers int) error {
	var list []capture.RunCheckpoint
	for i, m := range checkpoints {
		c := capture.RunCheckpoint{Dir: checkpointName(i), Checkpoint: capture.Checkpoint{
			ID: checkpointName(i), Step: m.Training.Step, LearningRate: m.Training.LearningRate, Weight: m.Training.LearningRate,
		}}
		list = append(list, c)
		for _, side := range []struct {
			split string
			rows  *Data
		}{{"train", train}, {"query", query}} {
			if side.rows == nil {
				continue
			}
			to := filepath.Join(dir, c.Dir, side.split)
			if err := m.Capture(ctx, to, side.rows, CaptureOptions{Split: side.split, Checkpoint: c.ID, Workers: workers}); err != nil {
				return err
			}
		}
		if m.moments == nil {
			continue
		}
		if err := writeMoments(filepath.Join(dir, c.Dir), m.moments); err != nil {
			return err
		}
	}
	return capture.WriteRun(dir, list)
}
