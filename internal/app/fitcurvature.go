package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/infl-dev/infl/ekfac"
	"github.com/infl-dev/infl/influence/capture"
)

// curvatureFits are the methods of infl fit that make factors of a capture.
var curvatureFits = []string{"ekfac", "kfac", "tkfac", "diagonal"}

// fitCurvature writes the factors of a capture.
func (o *FitOptions) fitCurvature(ctx context.Context) error {
	if !capture.IsCapture(o.Train) {
		return fmt.Errorf("%s: is not a capture; --method %s needs inputs and output gradients of modules", o.Train, o.Method)
	}
	c, err := capture.Open(o.Train, capture.Options{})
	if err != nil {
		return err
	}
	return errors.Join(o.fitFactors(ctx, c), c.Close())
}

func (o *FitOptions) fitFactors(ctx context.Context, c *capture.Capture) error {
	p := o.progress(3)
	defer p.Close()
	f, err := ekfac.FitFolder(ctx, c, o.Out, ekfac.FitOptions{
		Method: ekfac.Strategy(o.Method), Float64: o.Dtype == "float64", Workers: o.Workers,
		Stage: p.Phase, Progress: p.Add,
	})
	if err != nil {
		return kept(err)
	}
	t := &Table{Fields: []string{"out", "module", "in", "outputs", "examples", "rows"}}
	for _, m := range f.Modules() {
		t.Add(o.Out, m.Name, m.Columns(), m.Out, m.Examples, m.Rows)
	}
	return errors.Join(o.Output.Print(o.Streams, t), f.Close())
}
