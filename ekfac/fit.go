package ekfac

import (
	"context"
	"errors"
	"fmt"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// FitOptions say how factors are fitted. The zero value is the default.
type FitOptions struct {
	// Method is what the factors are for: EKFAC, which serves all strategies but
	// Diagonal; KFAC without the eigenvalue correction; or Diagonal. Empty means EKFAC.
	Method Strategy

	// Float64 has everything computed in float64. Captures of F64 always are.
	Float64 bool

	// Workers is the number of goroutines; 0 means one for each CPU.
	Workers int

	// Stage is called when a stage begins, with the examples or factors that it has, and
	// Progress when some of them are done. Both may be nil.
	Stage    func(name, unit string, total int64)
	Progress func(done int64)
}

// A fit is a call of Fit.
type fit struct {
	FitOptions
	capture *capture.Capture
	workers int
	last    int64 // number of examples that are fitted
	head    head
	to      tensors
}

// Fit computes the factors of all linear maps and convolutions of a capture, in memory.
//
// Sums over rows are float32 chains in leaves of 4,096 rows at most, or float64 for
// captures of F64, and float64 on a fixed binary tree above; eigenbases are found in
// float64. So the bits depend on the capture and the options that say what is fitted, not
// on workers or how the capture lies in shards.
//
// Cost: n·d² operations for each covariance of n rows of d numbers, 9·d³ for its
// eigenbasis, and for the correction of a module 2·n·(in² + out² + in·out).
func Fit(ctx context.Context, c *capture.Capture, o FitOptions) (*Factors, error) {
	f, err := newFit(ctx, c, o)
	if err != nil {
		return nil, err
	}
	f.to = memoryTensors{}
	if err := f.run(ctx); err != nil {
		return nil, err
	}
	return &Factors{head: f.head, tensors: f.to}, nil
}

// FitFolder is [Fit] into a folder, as [Factors.Write] writes one. Matrices are in memory
// only while they are computed or used.
func FitFolder(ctx context.Context, c *capture.Capture, dir string, o FitOptions) (*Factors, error) {
	f, err := newFit(ctx, c, o)
	if err != nil {
		return nil, err
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

func newFit(ctx context.Context, c *capture.Capture, o FitOptions) (*fit, error) {
	f := &fit{FitOptions: o, capture: c, workers: parallel.Workers(o.Workers), last: c.Len()}
	return f, f.describe(ctx)
}

// run takes the stages that the method needs.
func (f *fit) run(ctx context.Context) error {
	double := f.head.Dtype == "F64"
	if f.head.Method != Diagonal {
		stage := covariances[float32]
		if double {
			stage = covariances[float64]
		}
		if err := stage(ctx, f); err != nil {
			return err
		}
		if err := eigenbases(ctx, f); err != nil {
			return err
		}
	}
	if f.head.Method == KFAC {
		return nil
	}
	if double {
		return corrections[float64](ctx, f)
	}
	return corrections[float32](ctx, f)
}

// describe fills in the head.
func (f *fit) describe(ctx context.Context) error {
	m := f.capture.Manifest()
	if f.Method == "" || f.Method == TKFAC { // which is made of the same
		f.Method = EKFAC
	}
	if m.Level != capture.Rows && f.Method != Diagonal {
		return fmt.Errorf("%s: has the level %s; factors are fitted to rows", f.capture.Dir(), m.Level)
	}
	modules, left := modulesOf(m)
	if len(modules) == 0 {
		return fmt.Errorf("%s: has no linear map and no convolution", f.capture.Dir())
	}
	for i := range modules {
		x := &modules[i]
		x.Examples, x.Rows = f.last, f.capture.RowCount(x.RowSet)
	}
	f.head = head{
		Format: formatName, Version: formatVersion, Method: f.Method, Dtype: "F32",
		Model: m.Model, Checkpoint: m.Checkpoint, Loss: m.Loss, Modules: modules, Left: left,
	}
	if f.Float64 || m.Dtype == "F64" {
		f.head.Dtype = "F64"
	}
	var err error
	f.head.Input, err = inputPrint(ctx, f.capture, f.last)
	return err
}

// pass calls use for the examples in order, a block at a time.
func (f *fit) pass(ctx context.Context, stage string, use func(*capture.Block) error) error {
	f.stage(stage, "examples", f.last)
	for b, err := range f.capture.Blocks(ctx, 0, f.last, capture.BlockOptions{}) {
		if err == nil {
			err = use(b)
		}
		if err != nil {
			return err
		}
		f.progress(int64(b.Examples))
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

func (f *fit) put(file, key string, m kernel.Matrix[float64]) error { return f.to.put(file, key, m) }
