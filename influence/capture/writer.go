package capture

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zeebo/xxh3"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/durable"
)

// DefaultShardBytes is the size of a shard where [WriterOptions] say nothing.
const DefaultShardBytes = 256 << 20

// WriterOptions say how a capture is written. The zero value is the default.
type WriterOptions struct {
	// ShardBytes is how many bytes of numbers a shard holds at most, unless one
	// example has more; 0 means [DefaultShardBytes]. A shard is kept in memory until
	// it is full. At level factors a shard is one set of sums, of the examples whose rows
	// have so many bytes, or 16 times those of the sums where that is more.
	ShardBytes int64
}

// A Writer writes a capture, batch by batch. It is used from one goroutine.
//
//	w, err := capture.Create(dir, manifest, capture.WriterOptions{})
//	for example w.Finished() and on, in batches:
//	    err = w.Write(batch)
//	err = w.Close()
//
// Shards are cut between examples by size alone, so the files do not depend on how
// examples lie in batches. A full shard is written under a temporary name, made
// durable and renamed; the manifest comes last. What was not closed is no capture,
// and [Create] continues after its last shard.
type Writer struct {
	dir      string
	manifest Manifest
	identity string   // of the manifest, in the metadata of each shard
	batches  Manifest // of what comes: level rows for sums of rows
	summer   *summer  // nil for other levels than factors
	contents []content
	ragged   []string
	limit    int64

	n       int64 // examples in memory
	waiting int64 // bytes of rows that are not summed yet
	bytes   int64
	buffers map[string][]byte
	ends    map[string]int64 // of ragged row sets
	flags   []byte
}

// Create begins a capture in a folder, or continues one that was begun there with
// the same manifest and not closed. The manifest needs neither n nor shards; it is
// copied, and format and version are filled in. Every error is a [*dataset.Error]:
// a manifest that cannot be, a folder with a finished capture, shards that were
// begun with another manifest, or the disk's.
func Create(dir string, m Manifest, o WriterOptions) (*Writer, error) {
	m.Format, m.Version, m.N, m.Shards = formatName, formatVersion, 0, []Shard{}
	if err := m.check(); err != nil {
		return nil, caused(filepath.Join(dir, manifestName), err)
	}
	if m.Basis != "" {
		return nil, problem(dir, "basis: a writer sums covariances; squares in eigenbases are those of rows in ekfac.Fit")
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, caused(dir, err)
	}
	sum := sha256.Sum256(text)
	w := &Writer{dir: dir, manifest: m, batches: m, identity: hex.EncodeToString(sum[:]), ragged: raggedSets(&m), limit: o.ShardBytes}
	if w.limit <= 0 {
		w.limit = DefaultShardBytes
	}
	if m.Level == Factors {
		w.batches.Level, w.summer = Rows, newSummer(&w.manifest)
		w.limit = max(w.limit, 16*w.summer.bytes)
	}
	w.contents = w.batches.contents()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, caused(dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, manifestName)); err == nil {
		return nil, problem(dir, "holds a finished capture")
	}
	if err := w.resume(); err != nil {
		return nil, err
	}
	w.reset()
	return w, nil
}

// resume finds the shards that an earlier writer finished.
func (w *Writer) resume() error {
	for {
		name := shardName(len(w.manifest.Shards))
		path := filepath.Join(w.dir, name)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil
		} else if err != nil {
			return caused(path, err)
		}
		n, err := w.examplesOf(path)
		if err != nil {
			return err
		}
		sum, err := checksum(context.Background(), path, xxh3.New())
		if err != nil {
			return err
		}
		w.addShard(name, n, sum)
	}
}

// examplesOf returns the number of examples of a finished shard.
func (w *Writer) examplesOf(path string) (n int64, err error) {
	t, err := dataset.OpenTensors([]string{path}, true)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	h := t.Header(0)
	ids, there := h.Tensor("ids")
	if !there || len(ids.Shape) != 1 || h.Metadata["manifest"] != w.identity {
		return 0, problem(path, "was written with another manifest; remove it, or write to another folder")
	}
	return ids.Shape[0], nil
}

func shardName(i int) string { return fmt.Sprintf("%05d.safetensors", i) }

func (w *Writer) addShard(name string, n int64, sum string) {
	w.manifest.Shards = append(w.manifest.Shards, Shard{File: name, First: w.manifest.N, N: n, XXH3: sum})
	w.manifest.N += n
}

// Finished returns how many examples are in finished shards: after [Create], the
// number of the first example that the writer needs.
func (w *Writer) Finished() int64 { return w.manifest.N }

// reset begins an empty shard.
func (w *Writer) reset() {
	w.n, w.bytes, w.waiting, w.flags = 0, 0, 0, w.flags[:0]
	w.ends = map[string]int64{}
	if w.buffers == nil {
		w.buffers = map[string][]byte{}
	}
	for name, b := range w.buffers {
		w.buffers[name] = b[:0]
	}
	for _, set := range w.ragged {
		w.buffers["offsets/"+set] = appendInt(w.buffers["offsets/"+set], 0, "I64")
	}
}

// Write appends a batch. Examples with a number that is not finite are written and
// flagged; at level projected the gradients are projected, in float32. After an error the
// writer is of no more use; finished shards stay.
func (w *Writer) Write(b Batch) error {
	if err := w.project(&b); err != nil {
		return err
	}
	if err := b.check(w.dir, &w.batches, w.contents); err != nil {
		return err
	}
	for i := range b.IDs {
		size := w.exampleBytes(&b, i)
		if w.n > 0 && w.bytes+size > w.limit {
			if err := w.flush(); err != nil {
				return err
			}
		}
		if err := w.add(&b, i); err != nil {
			return err
		}
		w.bytes += size
		if w.waiting += size; w.summer != nil && w.waiting >= foldBytes {
			w.summer.add(w.buffers)
			w.waiting = 0
		}
	}
	return nil
}

// exampleBytes is the size of the inputs and gradients of an example.
func (w *Writer) exampleBytes(b *Batch, i int) int64 {
	var sum int64
	for k := range w.contents {
		x := &w.contents[k]
		first, end := b.rows(w.manifest.RowSets, x.rowSet, i, i+1)
		sum += (end - first) * x.width() * itemBytes(x.dtype)
	}
	return sum
}

// add appends an example to the shard in memory.
func (w *Writer) add(b *Batch, i int) error {
	ok := finite(b.Loss[i : i+1])
	for k := range w.contents {
		x := &w.contents[k]
		first, end := b.rows(w.manifest.RowSets, x.rowSet, i, i+1)
		buffer := w.buffers[x.name]
		switch {
		case x.float:
			v, _ := b.values(x.name)
			good := false
			buffer, good = appendValues(buffer, v, first*x.width(), end*x.width(), dtypes[x.dtype])
			ok = ok && good
		case x.dtype == "I32":
			for _, v := range b.Indices[x.name[2:]][first:end] {
				if v != int64(int32(v)) {
					return problem(w.dir, "%q: the index %d of example %d is too large", x.name, v, b.IDs[i])
				}
				buffer = appendInt(buffer, v, "I32")
			}
		case x.name == "ids":
			buffer = appendInt(buffer, b.IDs[i], "I64")
		case x.name == "loss":
			buffer, _ = appendValues(buffer, Values{F64: b.Loss[i : i+1]}, 0, 1, dataset.Float64)
		case x.name == "ntok":
			tokens := int64(1)
			if b.Tokens != nil {
				tokens = b.Tokens[i]
			}
			buffer = appendInt(buffer, tokens, "I64")
		case x.name == "labels":
			buffer = appendInt(buffer, b.Labels[i], "I64")
		}
		w.buffers[x.name] = buffer
	}
	if w.summer != nil && !ok {
		w.forget(b, i)
	}
	for _, set := range w.ragged {
		w.ends[set] += b.Offsets[set][i+1] - b.Offsets[set][i]
		w.buffers["offsets/"+set] = appendInt(w.buffers["offsets/"+set], w.ends[set], "I64")
	}
	flag := byte(1)
	if ok {
		flag = 0
	}
	w.flags = append(w.flags, flag)
	w.n++
	return nil
}

// flush writes the shard in memory.
func (w *Writer) flush() error {
	if w.summer != nil {
		w.summer.finish(w.buffers)
	}
	var tensors []namedTensor
	for _, set := range w.ragged {
		name := "offsets/" + set
		tensors = append(tensors, namedTensor{name, "I64", []int64{w.n + 1}, w.buffers[name]})
	}
	w.buffers["flag"] = w.flags
	for _, x := range w.manifest.contents() {
		rows := w.n
		switch n, known := w.manifest.RowSets[x.rowSet]; {
		case known && n == Ragged:
			rows = w.ends[x.rowSet]
		case known:
			rows *= int64(n)
		}
		shape := x.shape
		if !x.sum {
			shape = append([]int64{rows}, shape...)
		}
		tensors = append(tensors, namedTensor{x.name, x.dtype, shape, w.buffers[x.name]})
	}
	name := shardName(len(w.manifest.Shards))
	sum, err := writeShard(filepath.Join(w.dir, name), map[string]string{"format": formatName, "manifest": w.identity}, tensors)
	if err != nil {
		return err
	}
	w.addShard(name, w.n, sum)
	w.reset()
	return nil
}

// Close writes the last shard, opens what was written as [Open] does, and then
// writes the manifest, which makes it a capture. Without examples it is an error, as
// are two examples with the same key.
func (w *Writer) Close() error {
	if w.n > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.manifest.N == 0 {
		return problem(w.dir, "nothing was captured")
	}
	c, err := openShards(w.dir, &w.manifest, Options{})
	if err != nil {
		return err
	}
	if err := c.Close(); err != nil {
		return caused(w.dir, err)
	}
	if err := durable.WriteJSON(filepath.Join(w.dir, manifestName), " ", w.manifest); err != nil {
		return caused(w.dir, err)
	}
	return nil
}

// appendInt appends an integer as bytes of a type.
func appendInt(to []byte, v int64, dtype string) []byte {
	for i := range itemBytes(dtype) {
		to = append(to, byte(v>>(8*i)))
	}
	return to
}
