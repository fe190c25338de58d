package ekfac

import (
	"context"
	"fmt"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// checkSums says which options the covariances of a capture of level factors do not have.
func (o *FitOptions) checkSums(c *capture.Capture) error {
	refused := func(format string, args ...any) error {
		return fmt.Errorf("%s: is a capture of level %s, which %s", c.Dir(), capture.Factors, fmt.Sprintf(format, args...))
	}
	switch {
	case o.Method == Diagonal:
		return refused("holds no gradients of examples; %s needs level %s, %s or %s", o.Method, capture.Rows, capture.LastLayer, capture.Grads)
	case o.Method != KFAC && c.Manifest().Basis == "":
		return refused("holds covariances alone; fit %s of it, and with its eigenbases correct the eigenvalues on a capture of the same examples, of level %s or %s", KFAC, capture.Rows, capture.LastLayer)
	case o.Sharing != Expand || o.Labels != DatasetLabels:
		return refused("was summed row by row with the labels of the capture; %s sharing and %s labels need level %s or %s", Reduce, ExactLabels, capture.Rows, capture.LastLayer)
	case o.RowsMax > 0 && o.RowsMax < c.Len():
		return refused("was summed over all of its %d examples; a maximum of rows needs level %s or %s", c.Len(), capture.Rows, capture.LastLayer)
	case c.Manifest().Basis == "":
		return nil
	case o.Method != EKFAC || o.Basis == nil:
		return refused("holds squares of gradients in eigenbases alone; fit %s with the factors for %s that these are of", EKFAC, KFAC)
	case o.Basis.head.basisPrint() != c.Manifest().Basis:
		return refused("holds squares of gradients in other eigenbases than those of the basis")
	}
	return nil
}

// countSummed fills in what the sums of a capture of level factors are of: examples that
// are not finite are not in them.
func (o *FitOptions) countSummed(ctx context.Context, c *capture.Capture, modules []Module) error {
	flagged, err := c.Flagged(ctx)
	if err != nil {
		return err
	}
	for i := range modules {
		m := &modules[i]
		m.Examples = c.Len() - int64(len(flagged))
		if c.Manifest().Basis != "" { // Squares do not tell of how many rows they are.
			if o.Basis != nil && i < len(o.Basis.head.Modules) {
				m.Rows = o.Basis.head.Modules[i].Rows
			}
			continue
		}
		if m.Rows, err = c.SummedRows(m.InputGroup); err != nil {
			return err
		}
	}
	return nil
}

// takeSums takes the covariances that the training program summed.
func (f *fit) takeSums(ctx context.Context) error {
	for _, x := range factorsOf(f.head.Modules) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.to.has(x.covariance, x.key) {
			continue
		}
		sum, err := f.given(x)
		if err != nil {
			return err
		}
		if err := f.to.put(x.covariance, x.key, sum); err != nil {
			return err
		}
	}
	return nil
}

// takeSquares takes the corrected eigenvalues that the training program summed.
func (f *fit) takeSquares(ctx context.Context) error {
	for i := range f.head.Modules {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := f.head.Modules[i].Name
		if f.to.has(lambdaMatrix, name) {
			continue
		}
		sum, err := f.capture.SquareSum(name)
		if err != nil {
			return err
		}
		if err := f.to.put(lambdaMatrix, name, sum); err != nil {
			return err
		}
	}
	return nil
}

// given returns the covariance of a factor, with zeros between blocks.
func (f *fit) given(x factor) (kernel.Matrix[float64], error) {
	read, name := f.capture.OutputSum, x.module.Name
	if x.inputs {
		read, name = f.capture.InputSum, x.module.InputGroup
	}
	sum, err := read(name)
	if err != nil {
		return sum, err
	}
	out := kernel.NewMatrix[float64](x.size, x.size)
	for _, s := range spans(x.size, f.Blocks) {
		for i := s.lo; i < s.hi; i++ {
			copy(out.Row(i)[s.lo:s.hi], sum.Row(i)[s.lo:s.hi])
		}
	}
	return out, nil
}
