package ekfac

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/infl-dev/infl/influence/capture"
	"github.com/infl-dev/infl/internal/kernel"
	"github.com/infl-dev/infl/internal/parallel"
)

// A job is a matrix that is to be summed.
type job struct {
	module    *Module
	file, key string
	tree      treeBytes // of memory meanwhile
	buffers   int64     // the same, for what the rows become
	cost      float64   // in operations, about
	task      string    // jobs of the same name are taken one after the other
	begin     func(b *batch, workers int) (summand, error)
}

// bytes is the memory that a job needs meanwhile.
func (j *job) bytes() int64 { return j.tree.bytes() + j.buffers }

// treeBytes is the memory of the tree of a sum.
type treeBytes struct {
	matrix int64
	levels int64 // whose sums wait for each other
	inside int64 // of them, from below, in memory; the others are in a file
	copies int64 // of a level that may wait: one before and behind each part of a fit
}

func (t treeBytes) spilled() bool { return t.inside < t.levels }

// bytes also counts the matrix that is added to.
func (t treeBytes) bytes() int64 { return (1 + t.inside*t.copies) * t.matrix }

// fileBytes is the size of the file.
func (t treeBytes) fileBytes() int64 { return (t.levels - t.inside) * t.copies * t.matrix }

// A batch is the jobs of one pass over their rows.
type batch struct {
	jobs   []job
	bytes  int64
	shared map[string]any // rotations of inputs by key
}

// batches cuts jobs, in order, so that each batch fits into the memory. A job that does
// not even fit alone has upper levels of its tree, whose sums wait longest, in a file.
func (f *fit) batches(jobs []job) (list []*batch, err error) {
	var last *batch
	for _, j := range jobs {
		if f.to.has(j.file, j.key) {
			continue
		}
		for j.bytes() > f.Memory && j.tree.inside > 0 {
			j.tree.inside--
		}
		if j.bytes() > f.Memory {
			return nil, fmt.Errorf("module %q: %s needs %d MB of memory while it is summed, the limit is %d MB; raise the limit of memory", j.module.Name, j.file, j.bytes()/1e6, f.Memory/1e6)
		}
		if last == nil || last.bytes+j.bytes() > f.Memory {
			last = &batch{shared: map[string]any{}}
			list = append(list, last)
		}
		last.jobs, last.bytes = append(last.jobs, j), last.bytes+j.bytes()
	}
	return list, nil
}

// sum takes the jobs of a stage.
func (f *fit) sum(ctx context.Context, stage string, jobs []job) error {
	batches, err := f.batches(jobs)
	if err != nil {
		return err
	}
	f.stage(stage, "examples", int64(len(batches))*(f.part.hi-f.part.lo))
	for _, b := range batches {
		if err := f.pass(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// modules lists those of the jobs, each once.
func (b *batch) modules() (names []string) {
	for _, j := range b.jobs {
		if !slices.Contains(names, j.module.Name) {
			names = append(names, j.module.Name)
		}
	}
	return names
}

// pass sums a batch in one pass over the examples that it needs.
func (f *fit) pass(ctx context.Context, b *batch) (err error) {
	tasks, err := f.tasks(b)
	defer func() {
		for t := range allTallies(tasks) {
			err = errors.Join(err, t.close())
		}
	}()
	if err != nil {
		return err
	}
	modules := b.modules()
	var ranges []exampleRange
	for t := range allTallies(tasks) {
		t.wanted = t.within(f.part.lo, f.part.hi)
		if err := f.giveParts(ctx, t); err != nil {
			return err
		}
		ranges = append(ranges, t.missing()...)
	}
	options := capture.BlockOptions{Modules: modules, Examples: f.blockExamples(modules)}
	for _, r := range union(ranges) {
		for block, err := range f.capture.Blocks(ctx, r.lo, r.hi, options) {
			if err == nil {
				err = f.take(ctx, block, tasks)
			}
			if err != nil {
				return err
			}
			f.progress(int64(block.Examples))
		}
	}
	for t := range allTallies(tasks) {
		if err := f.keep(t); err != nil {
			return err
		}
	}
	return nil
}

// allTallies yields the sums of tasks.
func allTallies(tasks []task) iter.Seq[*tally] {
	return func(yield func(*tally) bool) {
		for _, t := range tasks {
			for _, s := range t.summands {
				if !yield(s.sums()) {
					return
				}
			}
		}
	}
}

func (f *fit) take(ctx context.Context, b *capture.Block, tasks []task) error {
	if i := slices.Index(b.Flagged, true); i >= 0 {
		return fmt.Errorf("%s: example %d (key %d) has a number that is not finite; capture again without it", f.capture.Dir(), b.First+int64(i), b.IDs[i])
	}
	large := 0
	for ; large < len(tasks) && tasks[large].shared; large++ {
		if err := tasks[large].take(b); err != nil {
			return err
		}
	}
	err := parallel.For(ctx, f.workers, len(tasks)-large, func(_, i int) error { return tasks[large+i].take(b) })
	for t := range allTallies(tasks) {
		err = cmp.Or(err, t.err)
	}
	return err
}

// keep puts a finished sum, and how much it still changed, where they belong.
func (f *fit) keep(t *tally) error {
	if x, partial := f.to.(*partFolder); partial {
		return x.putSums(t)
	}
	some := min(f.last, t.first()*t.size)
	all := f.last
	if t.file != lambdaMatrix {
		all, some = f.rowsOf(t.module, all), f.rowsOf(t.module, some)
	}
	sum, change, err := t.root(all, some)
	if err != nil {
		return err
	}
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
	perExample := 4 * f.numbersEach(modules)
	examples := 1
	for examples < leafRows && int64(2*examples)*perExample <= blockBytes {
		examples *= 2
	}
	return examples
}

// numbersEach is how many numbers of modules a capture has for an example, about.
func (f *fit) numbersEach(modules []string) (n int64) {
	m := f.capture.Manifest()
	groups := map[string]bool{}
	for i := range f.head.Modules {
		x := &f.head.Modules[i]
		if !slices.Contains(modules, x.Name) {
			continue
		}
		width := x.Out * x.Columns()
		rows := int64(1)
		if m.HasRows() {
			width, rows = x.Out, f.capture.RowCount(x.RowSet)/f.capture.Len()+1
			if !groups[x.InputGroup] {
				width += x.Columns()
			}
			groups[x.InputGroup] = true
		}
		n += rows * width
	}
	return n
}

// covarianceJobs are those of all factors.
func covarianceJobs[F kernel.Float](f *fit) (jobs []job) {
	for _, x := range factorsOf(f.head.Modules) {
		d := int64(x.size)
		jobs = append(jobs, job{
			module: x.module, file: x.covariance, key: x.key, task: x.covariance + " " + x.key,
			tree: f.treeBytes(f.rowGroups(x.module), d*d), buffers: 16*leafRows*d + 32*d*d,
			cost: float64(x.module.Rows * d * d),
			begin: func(_ *batch, workers int) (summand, error) {
				if f.Labels == ExactLabels && !x.inputs {
					return newExpectedGram(f, workers, x)
				}
				return newGram[F](f, workers, x), nil
			},
		})
	}
	return jobs
}

// correctionJobs are those of all modules. Modules with the same inputs share the
// rotation of these in a batch.
func correctionJobs[F kernel.Float](f *fit) (jobs []job) {
	for i := range f.head.Modules {
		m := &f.head.Modules[i]
		o, d := m.Out, m.Columns()
		jobs = append(jobs, job{
			module: m, file: lambdaMatrix, key: m.Name, task: m.Inputs,
			tree: f.treeBytes(f.exampleGroups(m), o*d), buffers: 8*(o*d+2*max(batchNumbers, o*d)) + 16*(o*o+d*d),
			cost: float64(2 * m.Rows * (o*o + d*d + o*d)),
			begin: func(b *batch, workers int) (summand, error) {
				inputs, there := b.shared[m.Inputs].(*rotation[F])
				if !there {
					var err error
					if inputs, err = newRotation[F](f, workers, inputFactor(m), f.ofRows(m)); err != nil {
						return nil, err
					}
					b.shared[m.Inputs] = inputs
				}
				return newCorrection(f, workers, m, inputs)
			},
		})
	}
	return jobs
}

// ofRows reports whether corrections are sums over rows: where each example has one, and
// where labels are drawn for each.
func (f *fit) ofRows(m *Module) bool {
	return f.exampleGroups(m).size == leafRows || f.Labels == ExactLabels
}

// treeBytes is the memory of a sum of matrices of so many numbers over groups.
func (f *fit) treeBytes(g groups, numbers int64) treeBytes {
	n := levels(g.count())
	return treeBytes{matrix: 8 * numbers, levels: n, inside: n, copies: int64(1 + len(f.Parts))}
}
