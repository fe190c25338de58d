package ekfac

import (
	"context"
	"fmt"
	"iter"

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
	f := &fit{FitOptions: o, capture: c, workers: parallel.Workers(o.Workers), last: c.Len(), to: memoryTensors{}}
	if err := f.describe(ctx); err != nil {
		return nil, err
	}
	if err := f.run(ctx); err != nil {
		return nil, err
	}
	return &Factors{head: f.head, tensors: f.to}, nil
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
	if f.Method == "" {
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

// blocks streams the examples.
func (f *fit) blocks(ctx context.Context) iter.Seq2[*capture.Block, error] {
	return f.capture.Blocks(ctx, 0, f.last, capture.BlockOptions{})
}

func (f *fit) put(file, key string, m kernel.Matrix[float64]) error { return f.to.put(file, key, m) }
