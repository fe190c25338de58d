package ekfac

import (
	"fmt"

	"github.com/infl-dev/infl/influence/capture"
)

// A Sharing says what weights that an example uses several times, for its tokens or
// positions, have as rows of covariances.
type Sharing string

// Sharings.
const (
	// Expand takes each use for a row of its own.
	Expand Sharing = "expand"

	// Reduce has one row for each example: the mean of its inputs, and the sum of the
	// gradients of its outputs (Eschenhagen et al. 2023).
	Reduce Sharing = "reduce"
)

// A Labels says over which labels the curvature is a mean.
type Labels string

// Labels.
const (
	// DatasetLabels are those that the gradients were captured with: the curvature is the
	// empirical Fisher matrix, or, where the capture drew labels, the Fisher matrix.
	DatasetLabels Labels = "dataset"

	// ExactLabels is the expectation over what the model itself predicts: the Fisher
	// matrix, which is the Gauss-Newton matrix. It needs the last layer alone, whose
	// gradients tell the prediction.
	ExactLabels Labels = "exact"
)

// FitOptions say how factors are fitted. The zero value is the default.
type FitOptions struct {
	// Method is what the factors are for: EKFAC, which serves KFAC and TKFAC too; KFAC
	// without the eigenvalue correction; or Diagonal. Empty means EKFAC.
	Method Strategy

	Sharing Sharing // empty means Expand
	Labels  Labels  // empty means DatasetLabels

	// Blocks is the number of equal parts into which the inputs and the outputs of each
	// module are cut, with nothing between the parts in either factor; 0 means 1. With the
	// number of heads, each head of an attention layer is a block. A part has at least one
	// input and output.
	Blocks int

	// RowsMax fits the first examples only, as many; 0 means all.
	RowsMax int64

	// Basis are factors of the same capture and options for [KFAC], in a folder: their
	// covariances and eigenbases are taken, and only eigenvalues are corrected. They may come
	// from a capture of level factors of the same model, of as many examples and rows. They
	// stay open as long as the factors that Fit makes with them.
	Basis *Factors

	// Parts are folders of [FitPart], of the same capture and options: what they have
	// summed is not summed again.
	Parts []string

	// Float64 has everything computed in float64. Captures of F64 always are.
	Float64 bool

	// Memory is a limit in bytes for what is summed at the same time; what does not fit
	// beside other modules is summed in another pass over its own rows, and of what does
	// not fit alone, sums wait in a temporary file in the folder Tmp, "" for the system's.
	// 0 means 2 GB.
	Memory int64
	Tmp    string

	// Workers is the number of goroutines; 0 means one for each CPU.
	Workers int

	// Stage is called when a stage begins, with the examples or factors that it has, and
	// Progress when some of them are done, from several goroutines. Both may be nil.
	Stage    func(name, unit string, total int64)
	Progress func(done int64)
}

// defaultMemory is the limit of memory where the options say nothing.
const defaultMemory = 2_000_000_000

// complete fills in what is left open and says what cannot be.
func (o *FitOptions) complete() error {
	if o.Method == "" || o.Method == TKFAC { // which is made of the same
		o.Method = EKFAC
	}
	if o.Sharing == "" {
		o.Sharing = Expand
	}
	if o.Labels == "" {
		o.Labels = DatasetLabels
	}
	if o.Blocks == 0 {
		o.Blocks = 1
	}
	if o.Memory <= 0 {
		o.Memory = defaultMemory
	}
	switch {
	case o.Method != EKFAC && o.Method != KFAC && o.Method != Diagonal:
		return fmt.Errorf("there are no factors for %q; use %s, %s, %s or %s", o.Method, EKFAC, KFAC, TKFAC, Diagonal)
	case o.Sharing != Expand && o.Sharing != Reduce:
		return fmt.Errorf("weight sharing %q is not known; use %s or %s", o.Sharing, Expand, Reduce)
	case o.Labels != DatasetLabels && o.Labels != ExactLabels:
		return fmt.Errorf("labels %q are not known; use %s or %s", o.Labels, DatasetLabels, ExactLabels)
	case o.Labels == ExactLabels && o.Sharing == Reduce:
		return fmt.Errorf("exact labels are those of each row; leave %s out", Reduce)
	case o.Basis != nil && o.Method != EKFAC:
		return fmt.Errorf("a basis is for corrected eigenvalues; %s has none", o.Method)
	case o.Blocks < 1:
		return fmt.Errorf("%d blocks; there is at least one", o.Blocks)
	case o.RowsMax < 0:
		return fmt.Errorf("a maximum of %d rows", o.RowsMax)
	case o.Method == Diagonal && (o.Sharing != Expand || o.Labels != DatasetLabels || o.Blocks != 1):
		return fmt.Errorf("%s has no factors; it does not depend on sharing, exact labels or blocks", Diagonal)
	}
	return nil
}

// check says why the modules of a capture cannot be fitted in this way.
func (o *FitOptions) check(c *capture.Capture, modules []Module) error {
	m := c.Manifest()
	if m.Level == capture.Factors {
		if err := o.checkSums(c); err != nil {
			return err
		}
	} else if !m.HasRows() && (m.Level != capture.Grads || o.Method != Diagonal) {
		return fmt.Errorf("%s: is a capture of level %s; factors are made of rows, level %s or %s, and those for %s also of level %s", c.Dir(), m.Level, capture.Rows, capture.LastLayer, Diagonal, capture.Grads)
	}
	if len(modules) == 0 {
		return fmt.Errorf("%s: has no linear map and no convolution", c.Dir())
	}
	if c.Len() == 0 {
		return fmt.Errorf("%s: has no examples", c.Dir())
	}
	for i := range modules {
		x := &modules[i]
		if x.Rows == 0 && m.Level != capture.Grads {
			return fmt.Errorf("%s: the examples have no rows of module %q", c.Dir(), x.Name)
		}
		if int64(o.Blocks) > min(x.Columns(), x.Out) {
			return fmt.Errorf("module %q has %d × %d weights, which cannot be cut into %d blocks", x.Name, x.Out, x.Columns(), o.Blocks)
		}
	}
	if o.Labels == ExactLabels {
		return checkExpectation(m, modules)
	}
	return nil
}
