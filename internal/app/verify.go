package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/infl-dev/infl/ekfac"
	"github.com/infl-dev/infl/gbdt"
	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/influence/sink"
	"github.com/infl-dev/infl/influence/store"
)

// VerifyOptions are the flags of infl verify. With Train, the paths are models
// and each is checked against the train table.
type VerifyOptions struct {
	Common
	ModelOptions
	ExitZero bool
}

// Verify checks runs (hashes, formats, order, signs), captures (hashes, tensors, that
// both sides are of one model), factors (hashes, symmetry, eigenbases), stores (heads, sizes; hashes of ours) and models (format; with a train table, that the table
// is theirs). A check that fails is a *GateError.
func Verify(ctx context.Context, o *VerifyOptions, paths []string) error {
	t := &Table{Fields: []string{"path", "ok", "what"}}
	failed := 0
	for _, path := range paths {
		ok, what, err := o.verify(ctx, path)
		if err != nil {
			return err
		}
		for _, w := range what {
			t.Add(path, ok, w)
		}
		if !ok {
			failed++
		}
	}
	if err := o.Output.Print(o.Streams, t); err != nil {
		return err
	}
	if failed > 0 && !o.ExitZero {
		return &GateError{fmt.Errorf("%d of %d did not verify", failed, len(paths))}
	}
	return nil
}

func (o *VerifyOptions) verify(ctx context.Context, path string) (bool, []string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil, fmt.Errorf("%s: no such file or folder; name a run folder, a capture or a model", path)
	}
	if err != nil {
		return false, nil, err
	}
	if info.IsDir() && capture.IsCapture(path) {
		problems, err := capture.Verify(ctx, path, capture.Options{})
		if err != nil || len(problems) > 0 {
			return false, problems, err
		}
		return true, []string{"hashes, tensors, keys, modules and fingerprints of the capture agree"}, nil
	}
	if info.IsDir() && ekfac.IsFactors(path) {
		return o.verifyFactors(ctx, path)
	}
	if kind := store.Detect(path); kind != "" {
		return verifyStore(ctx, path, kind)
	}
	if info.IsDir() {
		problems, err := sink.VerifyRun(ctx, path)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return false, nil, fmt.Errorf("%s: is a folder without run.json or manifest.json; name a run folder, a capture or a model", path)
		case err != nil:
			return false, nil, err
		case len(problems) > 0:
			return false, problems, nil
		}
		return true, []string{"hashes, formats, order and signs of the run agree"}, nil
	}
	model, err := isModel(path)
	if err != nil {
		return false, nil, err
	}
	if !model {
		return false, nil, fmt.Errorf("%s: is a table; verify takes run folders, captures and models", path)
	}
	f, err := openForest(path)
	if err != nil {
		return false, []string{err.Error()}, nil
	}
	if o.Train == "" {
		return true, []string{fmt.Sprintf("a sound model file of %d trees; give --train and --label to check it against its train table", len(f.Trees))}, nil
	}
	return o.verifyModel(ctx, path)
}

// verifyFactors checks factors, and says of each module what its curvature is like.
func (o *VerifyOptions) verifyFactors(ctx context.Context, path string) (bool, []string, error) {
	f, err := ekfac.Open(path)
	if err != nil {
		return false, []string{err.Error()}, nil
	}
	checks, err := f.Verify(ctx, o.Workers)
	if err := errors.Join(err, f.Close()); err != nil {
		return false, nil, err
	}
	ok, lines := true, []string{}
	for _, c := range checks {
		for _, p := range c.Problems {
			ok = false
			lines = append(lines, fmt.Sprintf("module %s: %s", c.Module, p))
		}
		if len(c.Problems) == 0 {
			lines = append(lines, fmt.Sprintf("module %s: eigen-residual %.2g, orthogonal to %.2g, effective rank %.4g, %.3g %% of the eigenvalues are below the heuristic damping",
				c.Module, c.Residual, c.Orthogonality, c.EffectiveRank, 100*c.DampingShare))
		}
	}
	return ok, lines, nil
}

// verifyStore checks a store. Those of other tools have no hashes.
func verifyStore(ctx context.Context, path string, kind store.Kind) (bool, []string, error) {
	problems, err := store.Verify(ctx, path)
	switch {
	case err != nil || len(problems) > 0:
		return false, problems, err
	case kind == store.Infl:
		return true, []string{"hashes, tensors and keys of the store agree"}, nil
	}
	return true, []string{"head and sizes of the " + string(kind) + " agree; it has no hashes"}, nil
}

func (o *VerifyOptions) verifyModel(ctx context.Context, path string) (bool, []string, error) {
	m := o.ModelOptions
	m.Model, m.Method = path, treeMethods[0].name
	if err := m.Validate(false); err != nil {
		return false, nil, err
	}
	s, err := openSession(&o.Common, &m)
	if err != nil {
		return false, nil, err
	}
	p := o.progress(2)
	err = s.prepare(ctx, p)
	p.Close()
	var mismatch *gbdt.MismatchError
	if err != nil && !errors.As(err, &mismatch) {
		return false, nil, err
	}
	f := s.model.Fidelity()
	if err := s.close(); err != nil {
		return false, nil, err
	}
	if mismatch != nil {
		return false, []string{"mismatch: " + mismatch.Error()}, nil
	}
	lines := []string{verdictText(f)}
	for _, i := range f.Inferred {
		lines = append(lines, "inferred: "+i)
	}
	return true, lines, nil
}
