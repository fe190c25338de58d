package capture

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
)

const (
	runFormat = "infl-run"
	runName   = "run.json"
)

// A Run is the captures of one model: its train and query rows at one checkpoint or
// several, in order of training.
type Run struct {
	Checkpoints []RunCheckpoint
}

// A RunCheckpoint is the captures of one checkpoint. Either may be nil where its
// folder is not there, but not both.
type RunCheckpoint struct {
	Checkpoint
	Optimizer    *Optimizer
	Dir          string
	Train, Query *Capture
}

// An Optimizer says where the moments of the optimizer lie at a checkpoint.
type Optimizer struct {
	Kind  string  `json:"kind"` // adam
	Beta1 float64 `json:"beta1"`
	Beta2 float64 `json:"beta2"`
	Eps   float64 `json:"eps"`
	State string  `json:"state"` // safetensors file in the checkpoint's folder: exp_avg and exp_avg_sq
	Order string  `json:"order"`
}

// IsCapture reports whether a folder is one that [OpenRun] opens: it has a
// manifest.json, or train or query with one, or a run.json of checkpoints.
func IsCapture(path string) bool {
	for _, sub := range []string{".", "train", "query"} {
		if _, err := os.Stat(filepath.Join(path, sub, manifestName)); err == nil {
			return true
		}
	}
	b, err := os.ReadFile(filepath.Join(path, runName))
	var j struct{ Format string }
	return err == nil && json.Unmarshal(b, &j) == nil && j.Format == runFormat
}

// OpenRun opens a folder with train and query, a folder with a run.json that lists
// such folders, or a single capture, which is the query side where its split is
// query and else the train side. All captures must be of the same modules, those of
// a checkpoint of the same weights (see [SameModel]), and each side must have the
// same keys at all checkpoints. The first difference is a [*dataset.Error].
func OpenRun(path string, opt Options) (_ *Run, err error) {
	r := &Run{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if err := r.list(path); err != nil {
		return nil, err
	}
	for i := range r.Checkpoints {
		if err := r.Checkpoints[i].open(opt); err != nil {
			return nil, err
		}
	}
	return r, r.check()
}

// list finds the checkpoints of a folder.
func (r *Run) list(path string) error {
	name := filepath.Join(path, runName)
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		r.Checkpoints = []RunCheckpoint{{Dir: path}}
		return nil
	}
	if err != nil {
		return caused(name, err)
	}
	var j struct {
		Format      string
		Version     int
		Checkpoints []listedCheckpoint
	}
	if err := json.Unmarshal(b, &j); err != nil {
		return problem(name, "is not understood: %v", err)
	}
	switch {
	case j.Format != runFormat:
		return problem(name, "format is %q, not %q", j.Format, runFormat)
	case j.Version != formatVersion:
		return problem(name, "version is %d; this version reads %d", j.Version, formatVersion)
	case len(j.Checkpoints) == 0:
		return problem(name, "checkpoints is empty")
	}
	for i, c := range j.Checkpoints {
		if !filepath.IsLocal(filepath.FromSlash(c.Dir)) || c.Optimizer != nil && !filepath.IsLocal(filepath.FromSlash(c.Optimizer.State)) {
			return problem(name, "checkpoints[%d] lies outside of its folder", i)
		}
		if err := c.check(); err != nil {
			return problem(name, "checkpoints[%d]: %v", i, err)
		}
		r.Checkpoints = append(r.Checkpoints, RunCheckpoint{
			Checkpoint: c.Checkpoint, Optimizer: c.Optimizer, Dir: filepath.Join(path, filepath.FromSlash(c.Dir)),
		})
	}
	return nil
}

// open opens the captures of a checkpoint.
func (c *RunCheckpoint) open(opt Options) (err error) {
	if _, err := os.Stat(filepath.Join(c.Dir, manifestName)); err == nil {
		one, err := Open(c.Dir, opt)
		if err != nil {
			return err
		}
		if one.manifest.Split == "query" {
			c.Query = one
		} else {
			c.Train = one
		}
	}
	for _, side := range []struct {
		name string
		into **Capture
	}{{"train", &c.Train}, {"query", &c.Query}} {
		dir := filepath.Join(c.Dir, side.name)
		if _, err := os.Stat(dir); err != nil || *side.into != nil {
			continue
		}
		if *side.into, err = Open(dir, opt); err != nil {
			return err
		}
	}
	switch {
	case c.Train == nil && c.Query == nil:
		return problem(c.Dir, "is not a capture: it has neither %s nor train nor query", manifestName)
	case c.Checkpoint == Checkpoint{} && c.Train != nil:
		c.Checkpoint = c.Train.manifest.Checkpoint
	case c.Checkpoint == Checkpoint{}:
		c.Checkpoint = c.Query.manifest.Checkpoint
	}
	return nil
}

// Sides returns the captures that are there, the train rows first.
func (c *RunCheckpoint) Sides() []*Capture {
	return slices.DeleteFunc([]*Capture{c.Train, c.Query}, func(x *Capture) bool { return x == nil })
}

// check compares the captures of a run.
func (r *Run) check() error {
	first := &r.Checkpoints[0]
	for i := range r.Checkpoints {
		c := &r.Checkpoints[i]
		if c.Train != nil && c.Query != nil {
			if err := SameModel(c.Train, c.Query); err != nil {
				return err
			}
		}
		if err := sameModules(first.Sides()[0], c.Sides()[0]); err != nil {
			return err
		}
		if err := sameKeys(first.Train, c.Train); err != nil {
			return err
		}
		if err := sameKeys(first.Query, c.Query); err != nil {
			return err
		}
	}
	return nil
}

// Close closes all captures. It is safe to call it twice.
func (r *Run) Close() error {
	var errs []error
	for i := range r.Checkpoints {
		for _, c := range r.Checkpoints[i].Sides() {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
