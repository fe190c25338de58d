package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// ErrDone says that the run is complete already.
var ErrDone = errors.New("the run is complete")

// RunOptions say which run a folder is to hold.
type RunOptions struct {
	// Record is what run.json says from the start. Its Configuration, Seed and
	// Versions identify the run, and so do its Inputs as far as they are known;
	// Outputs is ignored.
	Record Record

	// Fresh removes an earlier run of the folder, finished or not, first. Files
	// that are not a run's stay.
	Fresh bool
}

// A Run is an open run folder. While it is open no other process can open it.
// Its state in run.json is Running until [Run.Finish]; a kill at any moment
// leaves a folder that is either finished or can be continued. Its methods may
// be called from several goroutines.
type Run struct {
	dir  string
	lock *lock
	open openFile

	mu  sync.Mutex
	doc document
}

// OpenRun makes dir a run folder, or continues the run that it holds.
//
// Errors: [ErrDone] where the same run is finished, *[ConflictError] where the
// folder holds a run of another configuration, version or of other inputs,
// *[LockedError] where it is being written, *[ForeignError] where it holds
// other files, and those of the file system, with the path.
func OpenRun(dir string, o RunOptions) (*Run, error) { return openRun(dir, o, osFile) }

func openRun(dir string, o RunOptions, open openFile) (_ *Run, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("the run folder cannot be made: %w", err)
	}
	if err := ownFolder(dir); err != nil {
		return nil, err
	}
	l, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.release())
		}
	}()
	r := &Run{dir: dir, lock: l, open: open, doc: document{Schema, Running, o.Record}}
	r.doc.Outputs = nil
	if r.doc.Inputs, err = plain(o.Record.Inputs); err != nil {
		return nil, fmt.Errorf("inputs: %w", err)
	}
	if o.Fresh {
		err = r.startAfresh()
	} else {
		err = r.resume()
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// startAfresh replaces an earlier run. Parts go first and outputs last, so
// that what is left after a kill is the old run or the new one.
func (r *Run) startAfresh() error {
	old, _, err := ReadRecord(r.dir)
	if err != nil {
		old = Record{} // A damaged record is no reason to keep the run.
	}
	if err := removeParts(r.dir); err != nil {
		return err
	}
	if err := r.write(); err != nil {
		return err
	}
	return removeOutputs(r.dir, old.Outputs)
}

// resume continues the run of the folder, or starts one where there is none.
func (r *Run) resume() error {
	stored, state, err := ReadRecord(r.dir)
	if errors.Is(err, os.ErrNotExist) {
		return r.write()
	}
	if err != nil {
		return fmt.Errorf("%w; --fresh starts again", err)
	}
	if err := r.compare(stored, state); err != nil {
		// A run without any unit holds nothing that could be lost: it is one
		// that was refused early, and the command has been corrected since.
		if state == Running && !hasUnits(r.dir) {
			return r.startAfresh()
		}
		return err
	}
	if state == Done {
		return errors.Join(ErrDone, removeParts(r.dir))
	}
	r.doc.Inputs = mergeInputs(stored.Inputs, r.doc.Inputs)
	return r.write()
}

func (r *Run) compare(stored Record, state string) error {
	now, err := plain(r.doc.Record)
	if err != nil {
		return err
	}
	before, err := plain(stored)
	if err != nil {
		return err
	}
	a, b := before.(map[string]any), now.(map[string]any)
	var found []Difference
	found = append(found, differences("configuration", a["configuration"], b["configuration"])...)
	found = append(found, inputDifferences(stored.Inputs, r.doc.Inputs)...)
	found = append(found, differences("seed", a["seed"], b["seed"])...)
	if state == Running {
		// Units of two versions must not meet in one result.
		found = append(found, differences("versions", a["versions"], b["versions"])...)
	}
	if len(found) > 0 {
		return &ConflictError{r.dir, found}
	}
	return nil
}

// write puts run.json in place; r.mu is held or r is not shared yet.
func (r *Run) write() error {
	if r.doc.Warnings == nil {
		r.doc.Warnings = []string{}
	}
	if r.doc.Outputs == nil {
		r.doc.Outputs = []Output{}
	}
	text, err := r.doc.encode()
	if err != nil {
		return err
	}
	_, _, err = writeAtomic(r.open, filepath.Join(r.dir, recordName), func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	return err
}

// Path returns the run folder.
func (r *Run) Path() string { return r.dir }

// Update lets change the record and writes it. What identifies the run
// (Configuration, Inputs, Seed, Versions) and Outputs stay as they are.
func (r *Run) Update(change func(*Record)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.running(); err != nil {
		return err
	}
	was := r.doc.Record
	change(&r.doc.Record)
	r.doc.Configuration, r.doc.Inputs, r.doc.Seed = was.Configuration, was.Inputs, was.Seed
	r.doc.Versions, r.doc.Outputs = was.Versions, was.Outputs
	return r.write()
}

// SetInputs records fingerprints that become known while inputs are read. It
// returns a *[ConflictError] where the stored run saw another input. Objects
// are compared name by name, and names new to one side are no conflict.
func (r *Run) SetInputs(inputs any) error {
	now, err := plain(inputs)
	if err != nil {
		return fmt.Errorf("inputs: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.running(); err != nil {
		return err
	}
	if found := inputDifferences(r.doc.Inputs, now); len(found) > 0 {
		return &ConflictError{r.dir, found}
	}
	r.doc.Inputs = mergeInputs(r.doc.Inputs, now)
	return r.write()
}

func (r *Run) running() error {
	if r.doc.State == Done {
		return fmt.Errorf("%s: %w", r.dir, ErrDone)
	}
	return nil
}

// WriteOutput writes a file of the run through a temporary name and lists it
// in the record. The name is relative to the folder, with slashes. After an
// error no file of that name is new.
func (r *Run) WriteOutput(name string, write func(io.Writer) error) error {
	path := filepath.Join(r.dir, filepath.FromSlash(name))
	if !filepath.IsLocal(filepath.FromSlash(name)) || name == recordName || name == lockName {
		return fmt.Errorf("%q cannot be the name of an output", name)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	size, sum, err := writeAtomic(r.open, path, write)
	if err != nil {
		return err
	}
	return r.list(name, size, sum)
}

// list adds a file that is in place to the outputs.
func (r *Run) list(name string, size int64, sum uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.running(); err != nil {
		return err
	}
	r.doc.Outputs = slices.DeleteFunc(r.doc.Outputs, func(o Output) bool { return o.Name == name })
	r.doc.Outputs = append(r.doc.Outputs, Output{name, size, fmt.Sprintf("%016x", sum)})
	slices.SortFunc(r.doc.Outputs, func(a, b Output) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// Finish turns the run's state to Done and removes its parts. All outputs must
// be in place. The Commit of the run's sink calls it.
func (r *Run) Finish(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.running(); err != nil {
		return err
	}
	if err := removeStale(r.dir, r.doc.Outputs); err != nil {
		return err
	}
	r.doc.State = Done
	if err := r.write(); err != nil {
		r.doc.State = Running
		return err
	}
	return removeParts(r.dir)
}

// Close lets go of the folder. An unfinished run can be continued.
func (r *Run) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lock == nil {
		return nil
	}
	l := r.lock
	r.lock = nil
	return l.release()
}
