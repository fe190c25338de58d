package ekfac

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/durable"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// A fit is a call of Fit.
type fit struct {
	FitOptions
	capture *capture.Capture
	workers int
	last    int64        // number of examples that are fitted
	part    exampleRange // of them that are summed here
	head    head
	to      tensors
}

// Fit computes the factors of all linear maps and convolutions of a capture, in memory.
//
// Sums over rows are float32 chains in leaves of 4,096 rows at most, or float64 for
// captures of F64, and float64 on a fixed binary tree above; eigenbases are found in
// float64. So the bits depend on the capture and the options that say what is fitted: not
// on workers, memory or how the capture lies in shards.
//
// It is an error where a number of the capture is not finite, where all gradients of a
// module are zero, and where labels or blocks are asked for that a module cannot have.
//
// Cost: n·d² operations for each covariance of n rows of d numbers, 9·d³ for its
// eigenbasis, and for the correction of a module the smaller of 2·n·(in² + out²) and
// 2·examples·in·out·(in + out), and 2·n·in·out.
func Fit(ctx context.Context, c *capture.Capture, o FitOptions) (*Factors, error) {
	f, err := newFit(ctx, c, o)
	if err != nil {
		return nil, err
	}
	f.to = &memoryTensors{}
	if err := f.run(ctx); err != nil {
		return nil, err
	}
	return &Factors{head: f.head, tensors: f.to}, nil
}

// FitFolder is [Fit] into a folder, as [Factors.Write] writes one. Matrices are in memory
// only while they are computed or used. What an earlier call with the same capture and
// options has finished there is kept, and the bytes are those of one that was not
// interrupted. It is an error where the folder holds other factors.
func FitFolder(ctx context.Context, c *capture.Capture, dir string, o FitOptions) (*Factors, error) {
	f, err := newFit(ctx, c, o)
	if err != nil {
		return nil, err
	}
	if isOurs(dir) {
		return finished(dir, &f.head)
	}
	to, err := createFolder(dir, &f.head)
	if err != nil {
		return nil, err
	}
	f.to = to
	if err = f.run(ctx); err == nil {
		err = to.finish()
	}
	if err := errors.Join(err, to.close()); err != nil {
		return nil, err
	}
	return Open(dir)
}

// finished opens factors that have to be those that a head tells of, and removes the
// journal of an attempt that was killed just before it did so.
func finished(dir string, h *head) (*Factors, error) {
	f, err := Open(dir)
	if err != nil {
		return nil, err
	}
	if f.head.identity() != h.identity() {
		err = fmt.Errorf("%s: holds the factors of another capture, or fitted in another way; name another folder", dir)
	} else {
		err = durable.RemoveIfThere(filepath.Join(dir, journalName))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func newFit(ctx context.Context, c *capture.Capture, o FitOptions) (*fit, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	f := &fit{FitOptions: o, capture: c, workers: parallel.Workers(o.Workers), last: c.Len()}
	if o.RowsMax > 0 {
		f.last = min(f.last, o.RowsMax)
	}
	m := c.Manifest()
	modules, left := modulesOf(m)
	if m.Level == capture.Factors {
		if err := o.countSummed(ctx, c, modules); err != nil {
			return nil, err
		}
	} else {
		for i := range modules {
			x := &modules[i]
			x.Examples, x.Rows = f.last, f.rowsOf(x, f.last)
		}
	}
	if err := o.check(c, modules); err != nil {
		return nil, err
	}
	f.head = head{
		Format: formatName, Version: formatVersion, Method: o.Method, Sharing: o.Sharing, Labels: o.Labels, Blocks: o.Blocks, Dtype: "F32",
		Model: m.Model, Checkpoint: m.Checkpoint, Loss: m.Loss, Modules: modules, Left: left, Summed: m.Level == capture.Factors,
	}
	if o.Float64 || m.Dtype == "F64" {
		f.head.Dtype = "F64"
	}
	f.part = exampleRange{0, f.last}
	var err error
	if f.head.Input, err = inputPrint(ctx, c, f.last); err != nil {
		return nil, err
	}
	if o.Basis != nil {
		return f, f.checkBasis()
	}
	return f, nil
}

// rowsOf returns how many rows the covariances of a module have of the first examples.
func (f *fit) rowsOf(m *Module, examples int64) int64 {
	if f.Sharing == Reduce || !f.capture.Manifest().HasRows() {
		return examples
	}
	return f.capture.Starts(m.RowSet)[examples]
}

// rowGroups are the groups of the sums over rows of a module.
func (f *fit) rowGroups(m *Module) groups {
	if f.Sharing == Reduce {
		return groups{leafRows, f.last}
	}
	return f.exampleGroups(m)
}

// exampleGroups are those of the sums over gradients of examples.
func (f *fit) exampleGroups(m *Module) groups {
	if x := f.capture.Manifest(); x.HasRows() && x.RowSets[m.RowSet] == 1 {
		return groups{leafRows, f.last}
	}
	return groups{leafExamples, f.last}
}

// run takes the stages that the method needs.
func (f *fit) run(ctx context.Context) error {
	if f.head.Dtype == "F64" {
		return runIn[float64](ctx, f)
	}
	return runIn[float32](ctx, f)
}

func runIn[F kernel.Float](ctx context.Context, f *fit) error {
	if f.Basis != nil {
		if err := f.takeBasis(ctx); err != nil {
			return err
		}
	} else if f.Method != Diagonal {
		sum := func(ctx context.Context) error { return f.sum(ctx, "covariances", covarianceJobs[F](f)) }
		if f.head.Summed {
			sum = f.takeSums
		}
		if err := sum(ctx); err != nil {
			return err
		}
		if err := f.checkGradients(); err != nil {
			return err
		}
		if err := f.eigenbases(ctx); err != nil {
			return err
		}
	}
	if f.Method == KFAC {
		return nil
	}
	if f.head.Summed {
		return f.takeSquares(ctx)
	}
	return f.sum(ctx, "correct eigenvalues", correctionJobs[F](f))
}

// checkGradients returns an error where all gradients of a module are zero.
func (f *fit) checkGradients() error {
	for i := range f.head.Modules {
		m, err := f.to.matrix(outputCovariance, f.head.Modules[i].Name)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(m.Data, func(v float64) bool { return v != 0 }) {
			return fmt.Errorf("module %q: all gradients of its outputs are zero; leave it out of the capture", f.head.Modules[i].Name)
		}
	}
	return nil
}

func (f *fit) stage(name, unit string, total int64) {
	if f.Stage != nil {
		f.Stage(name, unit, total)
	}
}

func (f *fit) progress(done int64) {
	if f.Progress != nil {
		f.Progress(done)
	}
}
