package ekfac

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// Factors are the fitted curvature of the modules of a network. They may be used from
// several goroutines until they are closed.
type Factors struct {
	head    head
	tensors tensors

	// tolerance is how exact stored numbers are; 0 means as float64 is.
	tolerance float64
}

// IsFactors reports whether a folder holds factors that [Open] opens.
func IsFactors(dir string) bool {
	return isOurs(dir) || isKronfluence(dir) || isBergson(dir)
}

func isOurs(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, headName))
	return err == nil
}

// Open opens a folder that [Factors.Write] or [FitFolder] has written, and checks that all
// matrices are there, of the shapes that they should have; or one of kronfluence or
// bergson. They are read when a module's curvature is asked for. Folders of others do not
// say of which weights they are, nor which modules have a bias.
func Open(dir string) (*Factors, error) {
	switch {
	case isOurs(dir):
	case isBergson(dir):
		return openBergson(dir)
	case isKronfluence(dir):
		return openKronfluence(dir)
	}
	h, err := readHead(dir)
	if err != nil {
		return nil, err
	}
	names, layout := layoutOf(&h)
	t, err := openTensors(dir, names)
	if err != nil {
		return nil, err
	}
	if err := t.expect(dir, layout); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return &Factors{head: h, tensors: t}, nil
}

// Close closes the files. It is safe to call it twice.
func (f *Factors) Close() error { return f.tensors.close() }

// Modules lists the modules in forward order. The list must not be changed.
func (f *Factors) Modules() []Module { return f.head.Modules }

// LeftOut lists the modules of the capture that have no factors: embeddings.
func (f *Factors) LeftOut() []string { return f.head.Left }

// Tool returns the program that fitted the factors where it was not infl, else "".
func (f *Factors) Tool() string { return f.head.Tool }

// Method returns what the factors were fitted for.
func (f *Factors) Method() Strategy { return f.head.Method }

// Write writes the factors to a folder, in which the head comes last: until then the
// folder does not count as factors.
func (f *Factors) Write(ctx context.Context, dir string) error {
	h := f.head
	to, err := createFolder(dir, &h)
	if err != nil {
		return err
	}
	err = f.copyTo(ctx, to)
	if err == nil {
		err = to.finish()
	}
	return errors.Join(err, to.close())
}

func (f *Factors) copyTo(ctx context.Context, to *newFolder) error {
	names, tensors := layoutOf(&f.head)
	for _, file := range names {
		for _, x := range tensors[file] {
			if err := ctx.Err(); err != nil {
				return err
			}
			if x.Dtype != "F64" {
				continue
			}
			m, err := f.tensors.matrix(file, x.Name)
			if err != nil {
				return err
			}
			if err := to.put(file, x.Name, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// module returns a module by its name.
func (f *Factors) module(name string) (*Module, error) {
	for i := range f.head.Modules {
		if m := &f.head.Modules[i]; m.Name == name {
			return m, nil
		}
	}
	return nil, fmt.Errorf("the factors have no module %q", name)
}

// Matches returns an error where a capture comes from another model or checkpoint than
// the factors, as far as they say so, or lacks one of their modules.
func (f *Factors) Matches(c *capture.Capture) error {
	m := c.Manifest()
	if f.Tool() != "" {
		return f.matchesSizes(c)
	}
	if m.Model.Fingerprint != f.head.Model.Fingerprint {
		return fmt.Errorf("%s: comes from a model with the fingerprint %q, the factors from one with %q", c.Dir(), m.Model.Fingerprint, f.head.Model.Fingerprint)
	}
	if m.Checkpoint.ID != f.head.Checkpoint.ID || m.Checkpoint.Step != f.head.Checkpoint.Step {
		return fmt.Errorf("%s: comes from the checkpoint %q (step %d), the factors from %q (step %d)", c.Dir(), m.Checkpoint.ID, m.Checkpoint.Step, f.head.Checkpoint.ID, f.head.Checkpoint.Step)
	}
	for i := range f.head.Modules {
		a := &f.head.Modules[i]
		b, known := m.Module(a.Name)
		switch {
		case !known:
			return fmt.Errorf("%s: has no module %q, of which there are factors", c.Dir(), a.Name)
		case a.Kind != b.Kind || a.In != b.In || a.Out != b.Out || a.Bias != b.Bias:
			return fmt.Errorf("%s: module %q is %s, in the factors it is another", c.Dir(), b.Name, b)
		}
	}
	return nil
}

// matchesSizes is [Factors.Matches] for factors that know no more than sizes of modules.
func (f *Factors) matchesSizes(c *capture.Capture) error {
	for i := range f.head.Modules {
		a := &f.head.Modules[i]
		b, known := c.Manifest().Module(a.Name)
		if !known {
			return fmt.Errorf("%s: has no module %q, of which there are factors", c.Dir(), a.Name)
		}
		in := b.In
		if b.Bias {
			in++
		}
		if in != a.In || b.Out != a.Out {
			return fmt.Errorf("%s: gradients of module %q are %d × %d, its factors are of %d × %d", c.Dir(), b.Name, b.Out, in, a.Out, a.In)
		}
	}
	return nil
}

// Curvature returns what the factors say of a module. Cost: the module's matrices are
// read, out·in numbers are computed.
//
// Identity has neither bases nor eigenvalues, Diagonal no bases. KFAC and TKFAC have the
// products λ_S·λ_A of the eigenvalues of the factors as Λ: KFAC times rows per example,
// so that its unit is that of EKFAC, but for the form Compat, in which it is
// kronfluence's curvature of a row; TKFAC times the number with which the sum of all is
// that of EKFAC.
//
// It is an error where the factors were not fitted for the strategy, and where an
// eigenvalue is below zero by more than rounding can explain, or not finite.
func (f *Factors) Curvature(ctx context.Context, module string, s Strategy, form Form) (*Curvature, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m, err := f.module(module)
	if err != nil {
		return nil, err
	}
	c := &Curvature{Module: m.Name}
	if s == Identity {
		return c, nil
	}
	if err := f.serves(s); err != nil {
		return nil, err
	}
	if s != KFAC {
		if c.Eigenvalues, err = f.lambda(m); err != nil || s == Diagonal {
			return c, err
		}
	}
	if c.Input, err = f.basis(m, inputValues, inputVectors, m.Inputs); err != nil {
		return nil, err
	}
	if c.Output, err = f.basis(m, outputValues, outputVectors, m.Name); err != nil {
		return nil, err
	}
	switch s {
	case KFAC:
		scale := 1.0
		if form != Compat {
			scale = float64(m.Rows) / float64(m.Examples)
		}
		c.Eigenvalues = products(c.Output.Values, c.Input.Values, scale)
	case TKFAC:
		trace := sum(c.Output.Values) * sum(c.Input.Values)
		scale := 0.0
		if trace > 0 {
			scale = sum(c.Eigenvalues.Data) / trace
		}
		c.Eigenvalues = products(c.Output.Values, c.Input.Values, scale)
	}
	return c, nil
}

// serves returns an error where the factors were not fitted for a strategy.
func (f *Factors) serves(s Strategy) error {
	served := map[Strategy][]Strategy{EKFAC: {EKFAC, KFAC, TKFAC}, KFAC: {KFAC}, Diagonal: {Diagonal}}
	for _, x := range served[f.head.Method] {
		if x == s {
			return nil
		}
	}
	return fmt.Errorf("the factors were fitted for %s, not for %s; fit them with --method %s", f.head.Method, s, s)
}

// lambda returns the mean squares of the gradients of examples.
func (f *Factors) lambda(m *Module) (kernel.Matrix[float64], error) {
	sums, err := f.tensors.matrix(lambdaMatrix, m.Name)
	if err != nil {
		return sums, err
	}
	out := kernel.NewMatrix[float64](sums.Rows, sums.Cols)
	for i, v := range sums.Data {
		if v = v / float64(m.Examples); !(v >= 0) || v-v != 0 {
			return out, fmt.Errorf("module %q: %s holds %v; means of squares are finite and at least 0", m.Name, lambdaMatrix, v)
		}
		out.Data[i] = v
	}
	return out, nil
}

// basis returns the eigenbasis of a factor. Eigenvalues that are negative by rounding
// are 0.
func (f *Factors) basis(m *Module, values, vectors, key string) (Eigenbasis, error) {
	stored, err := f.tensors.matrix(values, key)
	if err != nil {
		return Eigenbasis{}, err
	}
	out := Eigenbasis{Values: make([]float64, len(stored.Data))}
	most := 0.0
	for _, v := range stored.Data {
		if v-v != 0 {
			return out, fmt.Errorf("module %q: %s holds %v", m.Name, values, v)
		}
		most = max(most, v)
	}
	for i, v := range stored.Data {
		if v < -f.negligible()*most {
			return out, fmt.Errorf("module %q: %s holds %v beside %v; the covariance is not positive semidefinite", m.Name, values, v, most)
		}
		out.Values[i] = max(0, v)
	}
	out.Vectors, err = f.tensors.matrix(vectors, key)
	return out, err
}

// negligible is how far below zero, in units of the largest, rounding leaves eigenvalues.
func (f *Factors) negligible() float64 {
	if f.head.Dtype == "F32" || f.tolerance > exactness {
		return 1e-5
	}
	return 1e-6
}

// products returns a matrix of scale·a[i]·b[j].
func products(a, b []float64, scale float64) kernel.Matrix[float64] {
	m := kernel.NewMatrix[float64](len(a), len(b))
	for i, x := range a {
		for j, y := range b {
			m.Row(i)[j] = scale * (x * y)
		}
	}
	return m
}

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}
