package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/dataset"
)

// relevel FROM TO LEVEL writes the sides of a capture of level rows, FROM/train and
// FROM/query, at another level. Level projected:D or projected:D:KIND is one of projections
// by that and the seed 0. Level files is a folder of features, logits and classes
// for each side, level bare is last_layer without logits and labels. The examples must
// then have one row of the last module, with gradients of a cross-entropy, which tell the
// logits up to a constant.
func relevel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: relevel FROM TO LEVEL")
	}
	for _, side := range []string{"train", "query"} {
		c, err := capture.Open(filepath.Join(ts.MkAbs(args[0]), side), capture.Options{})
		ts.Check(err)
		to := filepath.Join(ts.MkAbs(args[1]), side)
		if args[2] == "files" {
			ts.Check(writeHeadFiles(to, c))
		} else {
			ts.Check(writeAtLevel(to, c, args[2]))
		}
		ts.Check(c.Close())
	}
}

// writeAtLevel writes a capture of level rows at another one, in batches of five.
func writeAtLevel(dir string, c *capture.Capture, level string) error {
	m := *c.Manifest()
	m.Level = level
	if text, projected := strings.CutPrefix(level, capture.Projected+":"); projected {
		p, err := influence.ParseProjection(text, 0)
		if err != nil {
			return err
		}
		m.Level, m.Projection = capture.Projected, &p
	}
	if level == capture.LastLayer || level == "bare" {
		m.Modules = m.Modules[len(m.Modules)-1:]
		group, _ := m.Group(m.Modules[0].InputGroup)
		m.InputGroups = []capture.InputGroup{*group}
		m.Level = capture.LastLayer
	}
	if level == capture.LastLayer {
		m.Head = &capture.Head{Logits: true, Labels: true}
	}
	w, err := capture.Create(dir, m, capture.WriterOptions{ShardBytes: 200})
	if err != nil {
		return err
	}
	for b, err := range c.Blocks(context.Background(), 0, c.Len(), capture.BlockOptions{Examples: 5}) {
		if err != nil {
			return err
		}
		batch := capture.Batch{
			IDs: b.IDs, Loss: b.Loss, Tokens: b.Tokens, Inputs: map[string]capture.Values{},
			OutputGradients: map[string]capture.Values{}, Gradients: map[string]capture.Values{},
		}
		for i := range m.Modules {
			if err := addModule(&batch, b, &m.Modules[i], m.Head != nil); err != nil {
				return err
			}
		}
		if err := w.Write(batch); err != nil {
			return err
		}
	}
	return w.Close()
}

// addModule adds all that a level may want of a module to a batch.
func addModule(batch *capture.Batch, b *capture.Block, x *capture.Module, head bool) error {
	a, err := capture.Inputs(b, x.InputGroup, false, new([]float64))
	if err != nil {
		return err
	}
	g, err := capture.OutputGradients(b, x.Name, new([]float64))
	if err != nil {
		return err
	}
	whole, err := capture.ExampleGradients(1, b, x.Name, new([]float32))
	if err != nil {
		return err
	}
	batch.Inputs[x.InputGroup] = capture.Values{F64: a.Data}
	batch.OutputGradients[x.Name] = capture.Values{F64: g.Data}
	batch.Gradients[x.Name] = capture.Values{F32: whole.Data}
	for i := 0; head && i < g.Rows; i++ {
		label, logits := headOf(g.Row(i))
		batch.Labels, batch.Logits.F64 = append(batch.Labels, int64(label)), append(batch.Logits.F64, logits...)
	}
	return nil
}

// headOf returns the label and the logits, up to a constant, that a gradient of a
// cross-entropy tells.
func headOf(gradient []float64) (label int, logits []float64) {
	label, _ = influence.LabelOf(gradient)
	for k, v := range gradient {
		if k == label {
			v++
		}
		logits = append(logits, math.Log(v))
	}
	return label, logits
}

// writeHeadFiles writes features, logits and classes of a capture as files.
func writeHeadFiles(dir string, c *capture.Capture) error {
	last := c.Manifest().Modules[len(c.Manifest().Modules)-1].Name
	ctx := context.Background()
	features, err := influence.ReadVectors(ctx, c.InputRows(last))
	if err != nil {
		return err
	}
	gradients, err := influence.ReadVectors(ctx, c.OutputRows(last))
	if err != nil {
		return err
	}
	k := len(gradients) / int(c.Len())
	var logits, classes []float64
	for i := range int(c.Len()) {
		label, z := headOf(gradients[i*k:][:k])
		logits, classes = append(logits, z...), append(classes, float64(label))
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for name, x := range map[string][]float64{"features": features, "logits": logits, "classes": classes} {
		var b bytes.Buffer
		err := dataset.WriteNPYHeader(&b, "<f8", c.Len(), int64(len(x))/c.Len())
		if err == nil {
			err = binary.Write(&b, binary.LittleEndian, x)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".npy"), b.Bytes(), 0o666)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
