package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/influence"
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/dataset"
)

// openCapture opens one side of a capture: a block for each module.
func (s *vectorSide) openCapture(d dataset.Dtype, workers int) (err error) {
	if s.capture, err = capture.Open(s.path, capture.Options{}); err != nil {
		return err
	}
	if s.capture.Manifest().Level == capture.Factors {
		return fmt.Errorf("%s: is a capture of level %s, the sums that infl fit --method kfac starts from; gradients of examples need level %s", s.path, capture.Factors, alternatives(vectorLevels))
	}
	for _, m := range s.capture.Manifest().Modules {
		g, err := s.moduleGradients(m, d, workers)
		if err != nil {
			return err
		}
		s.blocks, s.names = append(s.blocks, g), append(s.names, m.Name)
	}
	if len(s.blocks) == 0 {
		return fmt.Errorf("%s: holds no modules", s.path)
	}
	return nil
}

// moduleGradients returns the gradients of a module; outer products where each example
// has one row.
func (s *vectorSide) moduleGradients(m capture.Module, d dataset.Dtype, workers int) (influence.Vectors, error) {
	inputs, outputs := s.capture.InputRows(m.Name), s.capture.OutputRows(m.Name)
	if inputs != nil && outputs != nil {
		return influence.Outer(inputs, outputs, m.Bias, d)
	}
	return s.capture.Gradients(m.Name, d, workers)
}

// lastModule returns the inputs (features), the output gradients or the logits of a
// capture's last module.
func (s *vectorSide) lastModule(name string) (influence.Vectors, error) {
	last := s.names[len(s.names)-1]
	var rows *dataset.Matrix
	switch name {
	case "features":
		rows = s.capture.InputRows(last)
	case "gradients":
		rows = s.capture.OutputRows(last)
	case "logits":
		if rows = s.capture.Logits(); rows == nil {
			return nil, fmt.Errorf("%s: the capture has no logits of all examples", s.path)
		}
	default:
		return nil, fmt.Errorf("%s: a capture holds no %s", s.path, name)
	}
	if rows == nil {
		return nil, fmt.Errorf("%s: module %q has not one row of inputs and gradients for each example; use tracin", s.path, last)
	}
	return rows, nil
}

// paths returns the files of a capture.
func (s *vectorSide) paths() []string {
	out := []string{filepath.Join(s.path, "manifest.json")}
	for _, shard := range s.capture.Manifest().Shards {
		out = append(out, filepath.Join(s.path, shard.File))
	}
	return out
}

// fingerprint hashes the files of all blocks.
func (s *vectorSide) fingerprint(ctx context.Context) (out dataset.Fingerprint, err error) {
	for _, f := range s.files {
		print, err := f.Fingerprint(ctx)
		if err != nil {
			return out, err
		}
		out.Files = append(out.Files, print.Files...)
	}
	if s.store != nil {
		return s.store.Fingerprint(ctx)
	}
	if s.capture == nil {
		return out, nil
	}
	for _, path := range s.paths() {
		print, err := dataset.FingerprintFile(ctx, path)
		if err != nil {
			return out, err
		}
		out.Files = append(out.Files, print)
	}
	return out, nil
}

func (s *vectorSide) fileBytes() int64 {
	n := int64(0)
	for _, f := range s.files {
		n += f.FileBytes()
	}
	if s.store != nil {
		return s.store.Bytes()
	}
	if s.capture == nil {
		return n
	}
	for _, path := range s.paths() {
		if info, err := os.Stat(path); err == nil {
			n += info.Size()
		}
	}
	return n
}

func (s *vectorSide) close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close())
	}
	if s.capture != nil {
		errs = append(errs, s.capture.Close())
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
