package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/infl-dev/infl/ekfac"
	"github.com/infl-dev/infl/influence"
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

func (o *FitOptions) fitFactors(ctx context.Context, c *capture.Capture) (err error) {
	budget, err := o.memory()
	if err != nil {
		return err
	}
	options := ekfac.FitOptions{
		Method: ekfac.Strategy(o.Method), Sharing: ekfac.Sharing(o.Sharing), Labels: ekfac.Labels(o.Labels), Blocks: o.Blocks, RowsMax: o.RowsMax,
		Float64: o.Dtype == "float64", Memory: budget / 4 * 3, Tmp: o.Tmp, Workers: o.Workers,
	}
	if o.Factors != "" {
		if options.Basis, err = ekfac.Open(o.Factors); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, options.Basis.Close()) }()
	}
	if o.DryRun {
		plan, err := ekfac.PlanFit(ctx, c, options)
		if err != nil {
			return err
		}
		return printPlan(&o.Common, plan)
	}
	p := o.progress(3)
	defer p.Close()
	options.Stage, options.Progress = p.Phase, p.Add
	f, err := ekfac.FitFolder(ctx, c, o.Out, options)
	if err != nil {
		return kept(err)
	}
	if left := f.LeftOut(); len(left) > 0 {
		o.say("note: embeddings have no factors and are left out: %s", joinNames(left))
	}
	t := &Table{Fields: []string{"out", "module", "inputs", "outputs", "examples", "rows", "inputs_change", "outputs_change", "lambda_change"}}
	for _, m := range f.Modules() {
		t.Add(o.Out, m.Name, m.Columns(), m.Out, m.Examples, m.Rows, orNull(m.Changes.Inputs), orNull(m.Changes.Outputs), orNull(m.Changes.Lambda))
	}
	return errors.Join(o.Output.Print(o.Streams, t), f.Close())
}

// orNull returns what a pointer points to.
func orNull(x *float64) any {
	if x == nil {
		return nil
	}
	return *x
}

// validateCurvature lists what is wrong with the flags of factors.
func (o *FitOptions) validateCurvature() error {
	var errs []error
	if o.Sharing != "expand" && o.Sharing != "reduce" {
		errs = append(errs, fmt.Errorf("--sharing %q is not known; use expand or reduce", o.Sharing))
	}
	if o.Labels != "dataset" && o.Labels != "exact" {
		errs = append(errs, fmt.Errorf("--labels %q is not known; use dataset or exact", o.Labels))
	}
	if o.Blocks < 1 {
		errs = append(errs, fmt.Errorf("--blocks %d; there is at least one", o.Blocks))
	}
	if o.RowsMax < 0 {
		errs = append(errs, fmt.Errorf("--rows-max %d; it must be positive, or 0 for all", o.RowsMax))
	}
	if _, err := influence.ParsePrecision(o.Dtype); err != nil {
		errs = append(errs, fmt.Errorf("--dtype: %w", err))
	}
	return errors.Join(errs...)
}
