package capture

import (
	"context"
	"iter"
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/parallel"
)

// A Block is consecutive examples of a capture with what is stored of some modules.
// Its slices are valid until the next block is asked for, and must not be written.
type Block struct {
	First    int64 // number of the first example
	Examples int

	IDs    []int64   // keys
	Loss   []float64 // sums over the positions of an example
	Tokens []int64   // label positions

	// Flagged are the examples with a loss, an input or a gradient that is not
	// finite, here or in what the writer saw. Their scores have no meaning: whoever
	// scores a block reports them as NaN.
	Flagged []bool

	c       *Capture
	starts  map[string][]int
	values  map[string]*dataset.Block
	indices map[string][]int64
}

// BlockOptions say what [Capture.Blocks] gives. The zero value is the default.
type BlockOptions struct {
	// Examples is the number of examples of a block; 0 means what fills 16 MiB.
	Examples int

	// Modules are the names of those that are wanted; nil means all.
	Modules []string
}

// Blocks streams examples lo … hi−1 in order, equally many in each block but the
// last, across shards. While a block is being used, the next one is being read and
// searched for numbers that are not finite. Two blocks of memory at most are held,
// and little where a block lies together in a mapped file.
//
// After an error, which is a [*dataset.Error] or the context's, the stream ends.
func (c *Capture) Blocks(ctx context.Context, lo, hi int64, o BlockOptions) iter.Seq2[*Block, error] {
	return func(yield func(*Block, error) bool) {
		wanted, err := c.wanted(o.Modules)
		if err == nil && (lo < 0 || hi < lo || hi > c.Len()) {
			err = problem(c.dir, "examples %d to %d of %d do not exist", lo, hi, c.Len())
		}
		if err != nil {
			yield(nil, err)
			return
		}
		step := int64(o.Examples)
		if step <= 0 {
			step = c.defaultExamples()
		}
		// The files may be closed when the stream has ended: Ahead waits for its reader.
		buffers := [2]map[string]*[]uint64{{}, {}}
		read := func(lo, hi int64, turn int) (*Block, error) { return c.read(wanted, lo, hi, buffers[turn]) }
		for b, err := range parallel.Ahead(ctx, lo, hi, step, read) {
			if !yield(b, err) {
				return
			}
		}
	}
}

// defaultExamples is the number of examples that fill 16 MiB.
func (c *Capture) defaultExamples() int64 {
	const blockBytes = 16 << 20
	return max(1, blockBytes/max(1, c.Bytes()/max(1, c.Len())))
}

// wanted lists the tensors of modules.
func (c *Capture) wanted(modules []string) ([]content, error) {
	m := &c.manifest
	names := map[string]bool{}
	for i := range m.Modules {
		if x := &m.Modules[i]; modules == nil || slices.Contains(modules, x.Name) {
			names["G/"+x.Name], names["g/"+x.Name] = true, true
			names["z/"+x.Name], names["p/"+x.Name] = true, true
			names["a/"+x.InputGroup], names["i/"+x.InputGroup] = true, true
		}
	}
	for _, name := range modules {
		if _, known := m.Module(name); !known {
			return nil, problem(c.dir, "has no module %q", name)
		}
	}
	return slices.DeleteFunc(m.contents(), func(x content) bool { return !names[x.name] }), nil
}

// read gives examples lo … hi−1.
func (c *Capture) read(wanted []content, lo, hi int64, buffers map[string]*[]uint64) (*Block, error) {
	b := &Block{
		First: lo, Examples: int(hi - lo), c: c,
		IDs: c.ids[lo:hi:hi], Loss: c.loss[lo:hi:hi], Tokens: c.tokens[lo:hi:hi],
		Flagged: slices.Clone(c.flagged[lo:hi]),
		starts:  map[string][]int{}, values: map[string]*dataset.Block{}, indices: map[string][]int64{},
	}
	for name := range c.manifest.RowSets {
		b.starts[name] = c.blockStarts(name, lo, hi)
	}
	for i := range wanted {
		x := &wanted[i]
		first, end := lo, hi
		if x.rowSet != "" {
			first, end = c.rowRange(x.rowSet, lo, hi)
		}
		if !x.float {
			indices, err := c.readIndices(x, first, end)
			if err != nil {
				return nil, err
			}
			b.indices[x.name] = indices
			continue
		}
		if buffers[x.name] == nil {
			buffers[x.name] = new([]uint64)
		}
		values, err := c.stored[x.name].Read(first, end-first, buffers[x.name])
		if err != nil {
			return nil, err
		}
		b.values[x.name] = &values
		b.flag(&values, c.stored[x.name].Dtype(), b.starts[x.rowSet])
	}
	return b, nil
}

// blockStarts returns where the rows of the examples of a block begin in it, and
// where the last one's end.
func (c *Capture) blockStarts(set string, lo, hi int64) []int {
	first, _ := c.rowRange(set, lo, hi)
	out := make([]int, 0, hi-lo+1)
	for i := lo; i <= hi; i++ {
		start, _ := c.rowRange(set, i, i)
		out = append(out, int(start-first))
	}
	return out
}

// flag marks the examples with numbers that are not finite; without starts, each
// example is one row.
func (b *Block) flag(values *dataset.Block, d dataset.Dtype, starts []int) {
	if finiteRows(values, d, 0, values.Rows) {
		return
	}
	for i := range b.Examples {
		lo, hi := i, i+1
		if starts != nil {
			lo, hi = starts[i], starts[i+1]
		}
		b.Flagged[i] = b.Flagged[i] || !finiteRows(values, d, lo, hi)
	}
}

// readIndices reads rows first … end−1 of indices, across shards.
func (c *Capture) readIndices(x *content, first, end int64) ([]int64, error) {
	out := make([]int64, 0, end-first)
	for i, s := range c.manifest.Shards {
		begin, stop := c.rowRange(x.rowSet, s.First, s.First+s.N)
		lo, hi := max(first, begin), min(end, stop)
		if lo >= hi {
			continue
		}
		part, err := c.tensors.Ints(i, x.name, lo-begin, hi-begin)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	return out, nil
}

// Starts returns, for the rows of a row set in this block, where each example's
// begin and the last one's end: Examples + 1 numbers from 0, as
// [github.com/infl-dev/infl/internal/kernel.OuterSums] takes them. It is nil where
// there is no such set.
func (b *Block) Starts(rowSet string) []int { return b.starts[rowSet] }

// Flagged returns the keys of all examples with numbers that are not finite, as
// [Block.Flagged] has them. It reads everything once.
func (c *Capture) Flagged(ctx context.Context) (keys []int64, err error) {
	for b, err := range c.Blocks(ctx, 0, c.Len(), BlockOptions{}) {
		if err != nil {
			return nil, err
		}
		for i, flagged := range b.Flagged {
			if flagged {
				keys = append(keys, b.IDs[i])
			}
		}
	}
	return keys, nil
}
