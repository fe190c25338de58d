package capture

import (
	"encoding/binary"
	"slices"

	"github.com/infl-dev/infl/influence/dataset"
	"github.com/infl-dev/infl/internal/kernel"
)

// A Batch is examples with all that the manifest tells of them. Numbers lie row after
// row, the rows of the first example first. The writer copies what it needs.
type Batch struct {
	IDs     []int64            // keys, one for each example
	Loss    []float64          // sums over an example's positions
	Tokens  []int64            // label positions; nil means one each
	Offsets map[string][]int64 // of each ragged row set: where each example's rows begin, and the last one's end

	Inputs          map[string]Values  // by input group, at levels rows and last_layer
	Indices         map[string][]int64 // by input group of indices, at level rows
	OutputGradients map[string]Values  // by module, at levels rows and last_layer
	Gradients       map[string]Values  // by module, at levels grads and projected: out × Columns for each example

	Logits Values  // at level last_layer, where the head tells of them: out for each example
	Labels []int64 // likewise: the class of each example

	projected map[string]Values // by module, what the writer has made of Gradients
}

// Values are numbers of one of three types; the others are nil. Numbers of another
// type than the manifest's dtype are rounded to it to the nearest, ties to even, by
// way of float32 where that is a half type.
type Values struct {
	F64  []float64
	F32  []float32
	Half []uint16 // bits of the manifest's dtype, BF16 or F16
}

func (v Values) len() int64 { return int64(max(len(v.F64), len(v.F32), len(v.Half))) }

// values returns a tensor of the batch that is stored as floating-point numbers.
func (b *Batch) values(tensor string) (Values, bool) {
	if tensor[0] == 'z' {
		return b.Logits, true
	}
	of := map[byte]map[string]Values{'a': b.Inputs, 'g': b.OutputGradients, 'G': b.Gradients, 'p': b.projected}[tensor[0]]
	v, there := of[tensor[2:]]
	return v, there
}

// rows returns the rows of a set that examples lo … hi−1 of a batch have; an empty
// name is one row for each example.
func (b *Batch) rows(sets map[string]RowSet, set string, lo, hi int) (first, end int64) {
	switch n, known := sets[set]; {
	case !known:
		return int64(lo), int64(hi)
	case n == Ragged:
		return b.Offsets[set][lo], b.Offsets[set][hi]
	default:
		return int64(lo) * int64(n), int64(hi) * int64(n)
	}
}

// check says what a batch lacks of the tensors of a manifest.
func (b *Batch) check(dir string, m *Manifest, list []content) error {
	n := len(b.IDs)
	if len(b.Loss) != n || b.Tokens != nil && len(b.Tokens) != n {
		return problem(dir, "a batch of %d keys has %d losses and %d token counts", n, len(b.Loss), len(b.Tokens))
	}
	if m.hasLabels() {
		if len(b.Labels) != n {
			return problem(dir, "a batch of %d keys has %d labels", n, len(b.Labels))
		}
		if err := m.checkLabels(dir, b.IDs, b.Labels); err != nil {
			return err
		}
	}
	for _, set := range raggedSets(m) {
		o := b.Offsets[set]
		if len(o) != n+1 || o[0] != 0 || !slices.IsSorted(o) {
			return problem(dir, "the offsets of %q are not %d numbers that begin at 0 and never fall", set, n+1)
		}
	}
	for _, x := range list {
		if !x.float && x.dtype != "I32" {
			continue
		}
		_, rows := b.rows(m.RowSets, x.rowSet, 0, n)
		want, got := rows*x.width(), int64(0)
		if x.float {
			v, _ := b.values(x.name)
			got = v.len()
			if v.Half != nil && itemBytes(m.Dtype) != 2 {
				return problem(dir, "%q holds half numbers, the manifest says %s", x.name, m.Dtype)
			}
		} else {
			got = int64(len(b.Indices[x.name[2:]]))
		}
		if got != want {
			return problem(dir, "%q holds %d numbers, not %d for %d examples", x.name, got, want, n)
		}
	}
	return nil
}

// raggedSets lists the row sets with offsets in name order.
func raggedSets(m *Manifest) []string {
	var sets []string
	for _, x := range m.Modules {
		if m.HasRows() && m.RowSets[x.RowSet] == Ragged && !slices.Contains(sets, x.RowSet) {
			sets = append(sets, x.RowSet)
		}
	}
	slices.Sort(sets)
	return sets
}

// appendValues appends numbers lo … hi−1 as bytes of a dtype, and reports whether
// all of them are finite as they are stored.
func appendValues(to []byte, v Values, lo, hi int64, d dataset.Dtype) ([]byte, bool) {
	order := binary.LittleEndian
	switch d {
	case dataset.Float64:
		x := v.F64
		if x == nil {
			x = make([]float64, hi-lo)
			copyAs(x, v.F32[lo:hi])
			lo, hi = 0, hi-lo
		}
		out, _ := binary.Append(to, order, x[lo:hi]) // A slice of numbers always has a size.
		return out, finite(x[lo:hi])
	case dataset.Float32:
		x := v.singles(lo, hi)
		out, _ := binary.Append(to, order, x)
		return out, finite(x)
	}
	half := v.Half
	if half != nil {
		half = half[lo:hi]
	} else {
		half = narrow(v.singles(lo, hi), d)
	}
	out, _ := binary.Append(to, order, half)
	return out, finiteHalf(half, d)
}

// singles returns numbers lo … hi−1 as float32.
func (v Values) singles(lo, hi int64) []float32 {
	if v.F32 != nil {
		return v.F32[lo:hi]
	}
	x := make([]float32, hi-lo)
	copyAs(x, v.F64[lo:hi])
	return x
}

// narrow rounds to the bits of a half type.
func narrow(x []float32, d dataset.Dtype) []uint16 {
	if d == dataset.Float16 {
		return narrowAs[kernel.Float16](x)
	}
	return narrowAs[kernel.BFloat16](x)
}

func narrowAs[H kernel.Half](x []float32) []uint16 {
	h := make([]H, len(x))
	kernel.Narrow(h, x, 1)
	out := make([]uint16, len(x))
	for i, v := range h {
		out[i] = uint16(v)
	}
	return out
}
