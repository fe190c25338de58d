package app

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/infl-dev/infl/influence/capture"
)

// inspectCapture says what the captures of a folder hold. It reads all numbers, to
// count the examples whose scores would have no meaning.
func inspectCapture(ctx context.Context, path string, add func(string, any)) (err error) {
	r, err := capture.OpenRun(path, capture.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if closing := r.Close(); err == nil {
			err = closing
		}
	}()
	add("kind", "capture of a neural network")
	m := r.Checkpoints[0].Sides()[0].Manifest()
	add("level", m.Level)
	if p := m.Projection; p != nil {
		add("projection", fmt.Sprintf("%s to %d numbers a module, seed %d; queries are projected alike", p.Kind, p.Size, p.Seed))
	}
	if h := m.Head; h != nil {
		add("of the last layer", fmt.Sprintf("logits: %t, labels: %t", h.Logits, h.Labels))
	}
	if m.Model.Name != "" {
		add("model", m.Model.Name)
	}
	add("loss", fmt.Sprintf("%s, %s over positions, labels: %s, query: %s", m.Loss.Name, m.Loss.Reduction, m.Loss.Labels, m.Loss.Measurement))
	add("coverage", fmt.Sprintf("%d of %d parameters", m.Coverage.Captured, m.Coverage.Total))
	if n := len(m.Coverage.Skipped); n > 0 {
		add("not captured", m.Coverage.Skipped)
	}
	add("modules", len(m.Modules))
	for i := range m.Modules {
		add("module "+m.Modules[i].Name, m.Modules[i].String())
	}
	for _, c := range r.Checkpoints {
		if len(r.Checkpoints) > 1 || c.ID != "" {
			add("checkpoint "+c.ID, fmt.Sprintf("step %d, learning rate %g, weight %g", c.Step, c.LearningRate, c.Weight))
		}
		for _, side := range c.Sides() {
			if err := inspectSide(ctx, side, add); err != nil {
				return err
			}
		}
	}
	return nil
}

// inspectSide says what one capture holds.
func inspectSide(ctx context.Context, c *capture.Capture, add func(string, any)) error {
	m := c.Manifest()
	of := func(what string) string { return m.Split + " " + what }
	add(of("examples"), c.Len())
	add(of("tokens"), c.Tokens())
	for _, set := range slices.Sorted(maps.Keys(m.RowSets)) {
		if rows := c.RowCount(set); rows > 0 {
			add(of("rows "+set), rows)
		}
	}
	if m.Basis != "" {
		add(of("squares in eigenbases"), m.Basis)
	} else if m.Level == capture.Factors {
		for _, g := range m.InputGroups {
			rows, err := c.SummedRows(g.Name)
			if err != nil {
				return err
			}
			add(of("rows summed of "+g.Name), rows)
		}
	}
	add(of("dtype"), m.Dtype)
	add(of("shards"), len(m.Shards))
	add(of("bytes"), c.Bytes())
	if m.Model.Fingerprint == "" {
		add(of("fingerprint"), "not in the manifest: only checkpoint and modules are compared")
	} else {
		add(of("fingerprint"), m.Model.Fingerprint)
	}
	flagged, err := c.Flagged(ctx)
	if err != nil {
		return err
	}
	add(of("examples that are not finite"), len(flagged))
	return nil
}
