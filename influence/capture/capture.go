package capture

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/infl-dev/infl/influence/dataset"
)

// A Capture is one split of one data set at one checkpoint. It may be used from
// several goroutines until it is closed.
type Capture struct {
	dir      string
	manifest Manifest
	tensors  *dataset.Tensors
	stored   map[string]*dataset.Matrix // by tensor name
	keys     *dataset.Keys
	ids      []int64
	loss     []float64
	tokens   []int64
	flagged  []bool
	labels   []int64            // of a head
	starts   map[string][]int64 // of ragged row sets: n + 1, over the whole capture
}

// Options say how a capture is read. The zero value is the default.
type Options struct {
	// Read has files read where they would be mapped; see [dataset.MatrixOptions].
	Read bool
}

// Open opens a capture folder. It reads the manifest and of each shard its header,
// keys, losses and offsets, in all about 40 bytes an example, and checks that every
// tensor is there, of the dtype and shape that the manifest says, and that no key
// stands twice. Numbers of inputs and gradients are read by [Capture.Blocks] only.
// Every error is a [*dataset.Error].
func Open(dir string, opt Options) (*Capture, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	return openShards(dir, m, opt)
}

// openShards opens the shards of a manifest that was checked.
func openShards(dir string, m *Manifest, opt Options) (_ *Capture, err error) {
	c := &Capture{dir: dir, manifest: *m, stored: map[string]*dataset.Matrix{}, starts: map[string][]int64{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	paths := make([]string, len(m.Shards))
	for i, s := range m.Shards {
		paths[i] = filepath.Join(dir, s.File)
	}
	if c.tensors, err = dataset.OpenTensors(paths, opt.Read); err != nil {
		return nil, err
	}
	for _, set := range raggedSets(m) {
		c.starts[set] = []int64{0}
	}
	for i := range m.Shards {
		if err := c.addShard(i, paths[i]); err != nil {
			return nil, err
		}
	}
	if c.keys, err = dataset.IntKeys(c.ids); err != nil {
		return nil, caused(dir, err)
	}
	if m.N == 0 {
		return c, nil
	}
	for _, x := range m.contents() {
		if x.float {
			if c.stored[x.name], err = c.tensors.Matrix(x.name); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// addShard reads what is kept of a shard and checks its tensors.
func (c *Capture) addShard(i int, path string) error {
	n, h := c.manifest.Shards[i].N, c.tensors.Header(i)
	rows := map[string]int64{}
	for name, set := range c.manifest.RowSets {
		rows[name] = int64(set) * n
	}
	for name := range c.starts {
		if err := expect(h, path, "offsets/"+name, "I64", n+1); err != nil {
			return err
		}
		offsets, err := c.tensors.Ints(i, "offsets/"+name, 0, n+1)
		if err != nil {
			return err
		}
		if err := c.addOffsets(path, name, offsets); err != nil {
			return err
		}
		rows[name] = offsets[n]
	}
	for _, t := range h.Tensors {
		if strings.HasPrefix(t.Name, "mask") {
			return problem(path, "holds the mask %q (%s); masked positions must be left out of a capture", t.Name, t.Dtype)
		}
	}
	for _, x := range c.manifest.contents() {
		of := n
		if x.rowSet != "" {
			of = rows[x.rowSet]
		}
		if x.optional {
			if _, there := h.Tensor(x.name); !there {
				continue
			}
		}
		shape := x.shape
		if !x.sum {
			shape = append([]int64{of}, shape...)
		}
		if err := expect(h, path, x.name, x.dtype, shape...); err != nil {
			return err
		}
	}
	return c.addExamples(i, path, n)
}

// addOffsets appends the offsets of a shard to the starts of a row set.
func (c *Capture) addOffsets(path, set string, offsets []int64) error {
	starts := c.starts[set]
	end := starts[len(starts)-1]
	for k, o := range offsets {
		if k == 0 && o != 0 || k > 0 && (o < offsets[k-1] || o > maxNumbers) {
			return problem(path, "offsets/%s: value %d is %d; offsets begin at 0 and never fall", set, k, o)
		}
		if k > 0 {
			starts = append(starts, end+o)
		}
	}
	c.starts[set] = starts
	return nil
}

// addExamples appends keys, losses, tokens, labels and flags of a shard.
func (c *Capture) addExamples(i int, path string, n int64) error {
	ids, err := c.tensors.Ints(i, "ids", 0, n)
	if err != nil {
		return err
	}
	loss, err := c.tensors.Floats(i, "loss", 0, n)
	if err != nil {
		return err
	}
	tokens, err := c.tensors.Ints(i, "ntok", 0, n)
	if err != nil {
		return err
	}
	c.ids, c.loss, c.tokens = append(c.ids, ids...), append(c.loss, loss...), append(c.tokens, tokens...)
	if c.manifest.hasLabels() {
		labels, err := c.tensors.Ints(i, "labels", 0, n)
		if err != nil {
			return err
		}
		if err := c.manifest.checkLabels(path, ids, labels); err != nil {
			return err
		}
		c.labels = append(c.labels, labels...)
	}
	flags := make([]int64, n)
	if _, there := c.tensors.Header(i).Tensor("flag"); there {
		if flags, err = c.tensors.Ints(i, "flag", 0, n); err != nil {
			return err
		}
	}
	for k, flag := range flags {
		c.flagged = append(c.flagged, flag != 0 || !finite(loss[k:k+1]))
	}
	return nil
}

// Manifest returns what the capture says of itself. It must not be changed.
func (c *Capture) Manifest() *Manifest { return &c.manifest }

// Dir returns the folder.
func (c *Capture) Dir() string { return c.dir }

// Keys returns the keys of the examples, in order of capture.
func (c *Capture) Keys() *dataset.Keys { return c.keys }

// Len returns the number of examples.
func (c *Capture) Len() int64 { return c.manifest.N }

// Bytes returns the size of all shards.
func (c *Capture) Bytes() int64 { return c.tensors.Bytes() }

// Losses returns the loss of each example, summed over its positions. The caller owns
// them.
func (c *Capture) Losses() []float64 { return slices.Clone(c.loss) }

// Tokens returns the number of label positions of all examples.
func (c *Capture) Tokens() int64 {
	var sum int64
	for _, t := range c.tokens {
		sum += t
	}
	return sum
}

// RowCount returns the number of rows of a row set in all examples, or 0 where
// there is no such set or, at level grads, its rows are ragged and so not known.
func (c *Capture) RowCount(set string) int64 {
	_, end := c.rowRange(set, 0, c.manifest.N)
	return end
}

// rowRange returns the rows of a set that examples lo … hi−1 have.
func (c *Capture) rowRange(set string, lo, hi int64) (first, end int64) {
	if starts, ragged := c.starts[set]; ragged {
		return starts[lo], starts[hi]
	}
	each := max(0, int64(c.manifest.RowSets[set]))
	return each * lo, each * hi
}

// Close unmaps and closes the files. Blocks must not be used after it. It is safe
// to call it twice.
func (c *Capture) Close() error {
	if c.tensors == nil {
		return nil
	}
	return c.tensors.Close()
}
