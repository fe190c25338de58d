package ekfac

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
)

// A job is a matrix that is to be summed.
type job struct {
	module    *Module
	file, key string
	bytes     int64 // of memory meanwhile
	begin     func(*batch) (summand, error)
}

// A batch is the jobs of one pass over their rows.
type batch struct {
	jobs   []job
	bytes  int64
	shared map[string]any // rotations of inputs by key
}

// batches cuts jobs, in order, so that each batch fits into the memory.
func (f *fit) batches(jobs []job) (list []*batch, err error) {
	var last *batch
	for _, j := range jobs {
		if f.to.has(j.file, j.key) {
			continue
		}
		if j.bytes > f.Memory {
			return nil, fmt.Errorf("module %q: %s needs %d MB of memory while it is summed, the limit is %d MB; raise the limit of memory", j.module.Name, j.file, j.bytes/1e6, f.Memory/1e6)
		}
		if last == nil || last.bytes+j.bytes > f.Memory {
			last = &batch{shared: map[string]any{}}
			list = append(list, last)
		}
		last.jobs, last.bytes = append(last.jobs, j), last.bytes+j.bytes
	}
	return list, nil
}

// sum takes the jobs of a stage.
func (f *fit) sum(ctx context.Context, stage string, jobs []job) error {
	batches, err := f.batches(jobs)
	if err != nil {
		return err
	}
	f.stage(stage, "examples", int64(len(batches))*f.last)
	for _, b := range batches {
		if err := f.pass(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// pass sums a batch in one pass over the examples.
func (f *fit) pass(ctx context.Context, b *batch) error {
	var list []summand
	var modules []string
	for _, j := range b.jobs {
		s, err := j.begin(b)
		if err != nil {
			return err
		}
		list = append(list, s)
		if !slices.Contains(modules, j.module.Name) {
			modules = append(modules, j.module.Name)
		}
	}
	options := capture.BlockOptions{Modules: modules, Examples: f.blockExamples(modules)}
	for block, err := range f.capture.Blocks(ctx, 0, f.last, options) {
		if err == nil {
			err = f.take(block, list)
		}
		if err != nil {
			return err
		}
		f.progress(int64(block.Examples))
	}
	for _, s := range list {
		if err := f.keep(s.sums()); err != nil {
			return err
		}
	}
	return nil
}

func (f *fit) take(b *capture.Block, list []summand) error {
	if i := slices.Index(b.Flagged, true); i >= 0 {
		return fmt.Errorf("%s: example %d (key %d) has a number that is not finite; capture again without it", f.capture.Dir(), b.First+int64(i), b.IDs[i])
	}
	for _, s := range list {
		if err := s.take(b); err != nil {
			return err
		}
	}
	return nil
}

// keep puts a finished sum, and how much it still changed, where they belong.
func (f *fit) keep(t *tally) error {
	some := min(f.last, t.first()*t.size)
	all := f.last
	if t.file != lambdaMatrix {
		all, some = f.rowsOf(t.module, all), f.rowsOf(t.module, some)
	}
	sum, change := t.root(all, some)
	for _, v := range sum.Data {
		if v-v != 0 {
			return fmt.Errorf("module %q: %s is beyond the range of %s; compute in float64", t.module.Name, t.file, f.head.Dtype)
		}
	}
	if !math.IsNaN(change) {
		f.head.noteChange(t.file, t.key, &change)
	}
	return f.to.put(t.file, t.key, sum)
}

// blockExamples is the number of examples that are read at a time: a power of two, of
// about 32 MiB.
func (f *fit) blockExamples(modules []string) int {
	const blockBytes = 32 << 20
	m := f.capture.Manifest()
	perExample := int64(0)
	groups := map[string]bool{}
	for i := range f.head.Modules {
		x := &f.head.Modules[i]
		if !slices.Contains(modules, x.Name) {
			continue
		}
		width := x.Out * x.Columns()
		rows := int64(1)
		if m.Level == capture.Rows {
			width, rows = x.Out, (f.capture.RowCount(x.RowSet)+f.last-1)/f.last
			if !groups[x.InputGroup] {
				width += x.Columns()
			}
			groups[x.InputGroup] = true
		}
		perExample += rows * width * 4
	}
	examples := 1
	for examples < leafRows && int64(2*examples)*perExample <= blockBytes {
		examples *= 2
	}
	return examples
}

// covarianceJobs are those of all factors.
func covarianceJobs[F kernel.Float](f *fit) (jobs []job) {
	for _, x := range factorsOf(f.head.Modules) {
		bytes := sumBytes(f.rowGroups(x.module), x.size, x.size) + leafRows*int64(x.size)*8 + 4*int64(x.size)*int64(x.size)*8
		jobs = append(jobs, job{x.module, x.covariance, x.key, bytes, func(*batch) (summand, error) {
			if f.Labels == ExactLabels && !x.inputs {
				return newExpectedGram(f, x), nil
			}
			return newGram[F](f, x), nil
		}})
	}
	return jobs
}

// correctionJobs are those of all modules. Modules with the same inputs share the
// rotation of these in a batch.
func correctionJobs[F kernel.Float](f *fit) (jobs []job) {
	for i := range f.head.Modules {
		m := &f.head.Modules[i]
		o, d := int(m.Out), int(m.Columns())
		bytes := sumBytes(f.exampleGroups(m), o, d) + 8*int64(o*d+2*max(batchNumbers, o*d)) + 16*int64(o*o+d*d)
		jobs = append(jobs, job{m, lambdaMatrix, m.Name, bytes, func(b *batch) (summand, error) {
			inputs, there := b.shared[m.Inputs].(*rotation[F])
			if !there {
				var err error
				if inputs, err = newRotation[F](f, inputFactor(m), f.ofRows(m)); err != nil {
					return nil, err
				}
				b.shared[m.Inputs] = inputs
			}
			return newCorrection(f, m, inputs)
		}})
	}
	return jobs
}

// ofRows reports whether corrections are sums over rows: where each example has one, and
// where labels are drawn for each.
func (f *fit) ofRows(m *Module) bool {
	return f.exampleGroups(m).size == leafRows || f.Labels == ExactLabels
}

// sumBytes is the memory of the tree of a sum of matrices over groups.
func sumBytes(g groups, rows, cols int) int64 {
	return levels(g.count()) * int64(rows) * int64(cols) * 8
}
