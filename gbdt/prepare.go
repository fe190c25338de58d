package gbdt

import (
	"context"
	"errors"
	"fmt"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/parallel"
)

// PrepareOptions say how a model meets its train table. The zero value is the
// default but for Columns.Label, which every estimator but random needs.
type PrepareOptions struct {
	Columns Columns

	// LearningRate, L1 and L2 override what the file says or what would be
	// inferred; nil leaves it so. One learning rate stands for all iterations,
	// else there must be one per iteration.
	LearningRate []float64
	L1, L2       *float64

	// RowMasks say which rows each iteration saw; nil where each saw all. With
	// them a model that was trained by bagging can be exact.
	RowMasks *RowMasks

	// Workers is the number of goroutines; 0 means the number of CPUs.
	Workers int

	// IndexBytes is how much memory the leaf index may take (1 to 4 bytes per
	// row and tree) before it goes to a file in Tmp. 0 means no limit.
	IndexBytes int64
	Tmp        string // folder of scratch files; "" means the system's

	// Begin, where set, is called at the start of a phase: "read", "fit".
	// Progress, where set, is called with the number of further rows done in
	// it, from several goroutines.
	Begin    func(phase string)
	Progress func(rows int64)
}

// Validate lists everything that is wrong with the options.
func (o PrepareOptions) Validate() error {
	var errs []error
	for i, x := range o.LearningRate {
		if !(x > 0) {
			errs = append(errs, fmt.Errorf("learning rate %d is %v; it must be positive", i, x))
		}
	}
	if o.L1 != nil && !(*o.L1 >= 0) {
		errs = append(errs, fmt.Errorf("lambda_l1 is %v; it must be at least 0", *o.L1))
	}
	if o.L2 != nil && !(*o.L2 >= 0) {
		errs = append(errs, fmt.Errorf("lambda_l2 is %v; it must be at least 0", *o.L2))
	}
	if o.Workers < 0 {
		errs = append(errs, fmt.Errorf("%d workers; use 0 for the default", o.Workers))
	}
	if o.IndexBytes < 0 {
		errs = append(errs, fmt.Errorf("%d bytes for the leaf index; use 0 for no limit", o.IndexBytes))
	}
	return errors.Join(errs...)
}

func (o PrepareOptions) begin(phase string) {
	if o.Begin != nil {
		o.Begin(phase)
	}
}

func (o PrepareOptions) progress(rows int) {
	if o.Progress != nil {
		o.Progress(int64(rows))
	}
}

// Prepare reads the train table once, finds the leaf of every row in every
// tree, recomputes all leaf values from labels and margins and compares them
// with those in the file. Nothing of it depends on a query.
//
// It returns a *MismatchError, with the model so that its report can be shown,
// where the table is not the one that the model was trained on; an
// *influence.UnsupportedError where the model uses what infl cannot explain;
// and a *dataset.Error for what is wrong with the table.
//
// Cost: one pass over the table, n·T·K walks down a tree and n·T evaluations of
// the loss; memory 1 to 4 bytes per row and tree, 16 bytes per row, a bit per
// row and iteration with row masks, and a few megabytes per worker.
func Prepare(ctx context.Context, f *Forest, t *dataset.Table, o PrepareOptions) (*Model, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if len(f.Unsupported) > 0 {
		return nil, f.Unsupported[0]
	}
	if n := len(o.LearningRate); n > 1 && n != f.Iterations() {
		return nil, fmt.Errorf("%d learning rates for %d iterations", n, f.Iterations())
	}
	if o.RowMasks != nil {
		if err := o.RowMasks.Check(knownRows(t), f.Iterations()); err != nil {
			return nil, err
		}
	}
	o.Columns.LabelEdit = ""
	bound, err := t.Bind(f.binding(o.Columns))
	if err != nil {
		return nil, err
	}
	m, err := newModel(f, o, t, bound)
	if err != nil {
		return nil, err
	}
	if err := m.prepare(ctx, bound, o); err != nil {
		if _, ok := err.(*MismatchError); ok {
			return m, err
		}
		m.Close()
		return nil, err
	}
	return m, nil
}

// knownRows returns the rows of a table, −1 where only reading it tells.
func knownRows(t *dataset.Table) int64 {
	if rows, known := t.Rows(); known {
		return rows
	}
	return -1
}

func newModel(f *Forest, o PrepareOptions, t *dataset.Table, bound *dataset.Bound) (*Model, error) {
	m := &Model{
		forest: f, router: newRouter(f), k: f.K, iters: f.Iterations(),
		workers: parallel.Workers(o.Workers),
		bound:   bound,
		report:  &Fidelity{},
	}
	m.theta = make([][]float64, len(f.Trees))
	m.offset = make([]int, len(f.Trees)+1)
	for u := range f.Trees {
		m.theta[u] = append([]float64(nil), f.Trees[u].LeafValue...)
		m.offset[u+1] = m.offset[u] + len(m.theta[u])
	}
	m.eta = make([]float64, m.iters)
	for i := range m.eta {
		m.eta[i] = f.Train.LearningRate
		for c := range m.k {
			if tree := &f.Trees[i*m.k+c]; tree.Leaves() > 1 && (i > 0 || tree.Shrinkage != 1) {
				m.eta[i] = tree.Shrinkage
			}
		}
	}
	width := leafWidth(f)
	rows, known := t.Rows()
	spill := o.IndexBytes > 0 && (!known || rows*int64(len(f.Trees))*int64(width) > o.IndexBytes)
	var err error
	m.train.index, err = newLeafIndex(len(f.Trees), width, spill, o.Tmp)
	return m, err
}

func (m *Model) prepare(ctx context.Context, bound *dataset.Bound, o PrepareOptions) error {
	o.begin("read")
	err := m.encode(ctx, bound, m.train.index, func(fr *dataset.Frame) error {
		o.progress(fr.N)
		return m.keepTrain(fr)
	})
	if err != nil {
		return err
	}
	m.train.keys = bound.Keys()
	if m.Rows() == 0 {
		return fmt.Errorf("%s has no rows", bound.Table().Path())
	}
	if m.train.y == nil {
		return fmt.Errorf("%s: the train table needs a label; name its column with --label", bound.Table().Path())
	}
	if o.RowMasks != nil {
		if err := o.RowMasks.Check(m.Rows(), m.iters); err != nil {
			return err
		}
		if m.train.masks, err = o.RowMasks.read(ctx); err != nil {
			return err
		}
	}
	return m.fit(ctx, bound, o)
}

// keepTrain keeps labels and weights of a frame, rounded to float32 as LightGBM
// holds them.
func (m *Model) keepTrain(fr *dataset.Frame) error {
	for _, y := range fr.Label {
		m.train.y = append(m.train.y, float64(float32(y)))
	}
	for _, w := range fr.Weight {
		m.train.w = append(m.train.w, float64(float32(w)))
	}
	m.train.base = append(m.train.base, fr.Base...)
	m.train.group.Add(fr.Group)
	m.predictions = append(m.predictions, fr.Predictions...)
	return nil
}
